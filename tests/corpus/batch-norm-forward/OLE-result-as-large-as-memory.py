# expect: OLE score=0.0
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    return np.zeros((5_000_000,))
