"""Training of any module, alone or a supernet: one loop, several objectives.

recipe        numbers: epochs, batch, learning rate, smoothing, ...
objective     what a step's loss is: one network, sampled paths, the sandwich rule
loop          steps, schedule, skipped steps, progress; saves and resumes
checkpoint    a file that is either the old or the new one, whatever happens
"""
