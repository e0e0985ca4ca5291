# expect: AC
import numpy as np

STATISTICS = {}


def remember(x):
    STATISTICS["mean"] = x.mean(axis=0)
    STATISTICS["var"] = x.var(axis=0)


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    remember(x)
    x_hat = (x - STATISTICS["mean"]) / np.sqrt(STATISTICS["var"] + eps)
    return gamma * x_hat + beta
