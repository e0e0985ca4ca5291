# expect: WA
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    if x.dtype.kind != "f":
        x = x.astype(float)
    var = x.var(axis=0)
    x -= x.mean(axis=0)
    return gamma * x / np.sqrt(var + eps) + beta
