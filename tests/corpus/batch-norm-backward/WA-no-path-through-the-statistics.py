# expect: WA mistake=statistics-as-constants score=0.0
import numpy as np


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    std = np.sqrt(np.var(x, 0) + eps)
    x_hat = (x - np.mean(x, 0)) / std
    return gamma * dout / std, np.sum(x_hat * dout, 0), np.sum(dout, 0)
