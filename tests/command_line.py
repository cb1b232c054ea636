"""Problems of the tests of the command line, and commands in processes of their own."""

import signal
import subprocess
import sys

MINE = """
import os, time
import lamoo_fast as lf

SPACE = lf.Space({"x": lf.Float(0, 1), "op": lf.Categorical(["a", "b"])})


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"}, ref=(1.5, 0.0))
def easy(config):
    return config["x"], config["x"] ** 0.5 + (config["op"] == "b")


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"})
def no_ref(config):
    return config["x"], config["x"] ** 0.5


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"})
def hopeless(config):
    raise OSError("disk\\non fire")


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"}, ref=(1.5, 0.0))
def fragile(config):
    if config["x"] > 0.8:
        import os
        os._exit(9)
    if config["x"] > 0.6:
        time.sleep(60)
    return config["x"], 1.0


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"}, ref=(1.5, 0.0))
def slow(config):
    # The fifteenth and all later evaluations wait until a file says that they may go on.
    with open("evaluations", "ab", 0) as file:
        file.write(b".")
        waits = file.tell() >= 15
    while waits and not os.path.exists("go-on"):
        time.sleep(0.01)
    return config["x"], 1.0


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"}, ref=(1.5, 0.0))
def interrupted(config):
    exec("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)")
    return config["x"], 1.0


@lf.problem(SPACE, objectives={"only": "maximize"}, ref=(0.0,))
def single(config):
    return config["x"]


@lf.problem(lf.Space({"i": lf.Integer(0, 3)}), objectives={"f": "minimize", "g": "minimize"})
def tiny(config):
    return config["i"], -config["i"]
"""


def start(line, cwd, **options):
    """A command in a process, that may be interrupted though these tests run in the background."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", "lamoo_fast", *line.split()]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored: inherited
    try:
        return subprocess.Popen(command, cwd=cwd, **{**streams, **options})
    finally:
        signal.signal(signal.SIGINT, before)


def process(line, cwd):
    running = start(line, cwd)
    out, err = running.communicate(timeout=600)
    return subprocess.CompletedProcess(line, running.returncode, out, err)
