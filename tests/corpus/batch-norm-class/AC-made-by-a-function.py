# expect: AC
from types import SimpleNamespace

import numpy as np


def BatchNorm(gamma, beta, momentum=0.1, eps=1e-5):
    layer = SimpleNamespace(running_mean=np.zeros(len(gamma)), running_var=np.ones(len(gamma)))

    def forward(x, training=True):
        mean, var = layer.running_mean, layer.running_var
        if training:
            mean, var = x.mean(axis=0), x.var(axis=0)
            layer.running_mean = (1 - momentum) * layer.running_mean + momentum * mean
            unbiased = var * len(x) / (len(x) - 1)
            layer.running_var = (1 - momentum) * layer.running_var + momentum * unbiased
        return gamma * (x - mean) / np.sqrt(var + eps) + beta

    layer.forward = forward
    return layer
