# expect: WA mistake=per-row-statistics
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    t = x.T
    normalised = (t - np.mean(t, axis=0)) * (np.var(t, axis=0) + eps) ** -0.5
    return normalised.T * gamma + beta
