# expect: RE
import numpy as np


class BatchNorm:
    def __init__(self, gamma, beta, momentum=0.1, eps=1e-5):
        self.gamma, self.beta, self.momentum, self.eps = gamma, beta, momentum, eps
        self.mean, self.var = np.zeros(len(gamma)), np.ones(len(gamma))

    def forward(self, x, training=True):
        mean, var = (x.mean(0), x.var(0)) if training else (self.mean, self.var)
        return self.gamma * (x - mean) / np.sqrt(var + self.eps) + self.beta
