# expect: AC
import numpy as np


class BatchNorm:
    running_mean = running_var = None

    def __init__(self, gamma, beta, momentum=0.1, eps=1e-5):
        self.settings = gamma, beta, momentum, eps
        BatchNorm.running_mean = np.zeros(len(gamma))
        BatchNorm.running_var = np.ones(len(gamma))

    def forward(self, x, training=True):
        gamma, beta, m, eps = self.settings
        if not training:
            x_hat = (x - BatchNorm.running_mean) / np.sqrt(BatchNorm.running_var + eps)
            return gamma * x_hat + beta
        BatchNorm.running_mean = (1 - m) * BatchNorm.running_mean + m * x.mean(axis=0)
        BatchNorm.running_var = (1 - m) * BatchNorm.running_var + m * x.var(axis=0, ddof=1)
        return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
