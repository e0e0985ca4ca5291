# expect: WA
import numpy as np


def forward(x, gamma, eps):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    x, h = x.astype(float), 1e-5
    dx = np.zeros_like(x)
    for i in range(len(x)):
        step = np.zeros_like(x)
        step[i] = h
        change = forward(x + step, gamma, eps) - forward(x - step, gamma, eps)
        dx[i] = (dout * change).sum(axis=0) / (2 * h)
    x_hat = forward(x, np.ones_like(gamma), eps)
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
