# expect: RE
import numpy as np


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    inverse = 1 / np.sqrt(x.var(axis=1) + eps)
    x_hat = (x - x.mean(axis=1)) * inverse
    return dout * gamma * inverse, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
