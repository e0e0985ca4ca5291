# expect: AC
import numpy as np


class BatchNormForward:
    def __init__(self, default_eps):
        self.default_eps = default_eps

    def __call__(self, x, gamma, beta, eps=None):
        eps = self.default_eps if eps is None else eps
        return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


batch_norm_forward = BatchNormForward(1e-5)
