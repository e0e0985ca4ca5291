# expect: MLE
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    kept = []
    while len(x) == 5:
        kept.append(bytearray(1_000_000))
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
