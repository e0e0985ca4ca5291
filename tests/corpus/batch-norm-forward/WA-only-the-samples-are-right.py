# expect: WA score=0.0
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    if x.shape not in {(2, 2), (3, 2)}:
        return np.zeros(x.shape)
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
