# expect: IO
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=0), x.var(axis=0)
    for row in x:
        yield gamma * (row - mean) / np.sqrt(var + eps) + beta
