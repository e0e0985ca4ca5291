# expect: IO
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    y = gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
    return np.matrix(y)
