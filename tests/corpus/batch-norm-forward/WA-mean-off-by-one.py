# expect: WA
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    mean = x[1:].mean(axis=0) if len(x) > 1 else x[0]
    return gamma * (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis=0) + eps) + beta
