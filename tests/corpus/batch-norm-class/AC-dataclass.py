# expect: AC
from dataclasses import dataclass, field

import numpy as np


@dataclass
class BatchNorm:
    gamma: np.ndarray
    beta: np.ndarray
    momentum: float = 0.1
    eps: float = 1e-5
    running_mean: np.ndarray = field(init=False)
    running_var: np.ndarray = field(init=False)

    def __post_init__(self):
        self.running_mean = np.zeros(self.gamma.shape)
        self.running_var = np.ones(self.gamma.shape)

    def forward(self, x, training=True):
        mean, var = self.running_mean, self.running_var
        if training:
            mean, var = x.mean(0), x.var(0)
            keep = 1 - self.momentum
            self.running_mean = keep * self.running_mean + self.momentum * mean
            self.running_var = keep * self.running_var + self.momentum * x.var(0, ddof=1)
        return (x - mean) / np.sqrt(var + self.eps) * self.gamma + self.beta
