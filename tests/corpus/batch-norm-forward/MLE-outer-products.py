# expect: MLE score=0.0
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    pairs = np.ones((20_000, 20_000)) * x[0, 0]
    return pairs[: x.shape[0], : x.shape[1]]
