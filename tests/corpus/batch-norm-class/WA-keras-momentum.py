# expect: WA mistake=momentum-reversed score=0.35
import numpy as np


class BatchNorm:
    def __init__(self, gamma, beta, momentum=0.1, eps=1e-5):
        self.gamma, self.beta, self.momentum, self.eps = gamma, beta, momentum, eps
        self.running_mean, self.running_var = np.zeros(len(gamma)), np.ones(len(gamma))

    def forward(self, x, training=True):
        if training:
            mean, var = x.mean(axis=0), x.var(axis=0)
            for name, new in (("running_mean", mean), ("running_var", x.var(axis=0, ddof=1))):
                old = getattr(self, name)
                setattr(self, name, old * self.momentum + new * (1 - self.momentum))
        else:
            mean, var = self.running_mean, self.running_var
        return self.gamma * (x - mean) / np.sqrt(var + self.eps) + self.beta
