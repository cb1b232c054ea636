"""Weight sharing: one network that holds the weights of all architectures of a space.

paths          which subnets a training step uses (uniform, strictly fair)
  |
training step  ->  supernet  <-  recalibrate   statistics of normalisation, per subnet
                      |
           forward_many(images, configs)       many subnets in one pass
"""
