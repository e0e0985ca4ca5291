# expect: AC
import numpy as np


def columns(x, gamma, beta, eps):
    for column, scale, shift in zip(x.T, gamma, beta):
        centred = column - column.mean()
        yield scale * centred / np.sqrt(np.dot(centred, centred) / len(column) + eps) + shift


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    return np.stack(list(columns(x, gamma, beta, eps)), axis=1)
