# expect: WA mistake=unbiased-variance
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    n = x.shape[0]
    mean = sum(x) / n
    var = sum((row - mean) ** 2 for row in x) / np.float64(n - 1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta
