# expect: AC
import numpy as np


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    n = len(x)
    centring = np.eye(n) - np.full((n, n), 1 / n)
    centred = centring @ x
    std = np.sqrt((centred**2).mean(axis=0) + eps)
    x_hat = centred / std
    back = dout * gamma / std
    dx = centring @ (back - x_hat * (back * x_hat).mean(axis=0))
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
