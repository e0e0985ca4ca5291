# expect: IO score=0.0
import numpy as np


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    inverse = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inverse
    return gamma * inverse * (dout - dout.mean(axis=0) - x_hat * (dout * x_hat).mean(axis=0))
