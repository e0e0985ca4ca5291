# expect: AC
import numpy as np


class Layer:
    def __init__(self, **parameters):
        self.__dict__.update(parameters)

    def forward(self, x, training=True):
        return self.train_step(x) if training else self.infer(x)


class BatchNorm(Layer):
    __slots__ = ("running_mean", "running_var")

    def __init__(self, gamma, beta, momentum=0.1, eps=1e-5):
        super().__init__(gamma=gamma, beta=beta, momentum=momentum, eps=eps)
        self.running_mean = gamma * 0.0
        self.running_var = gamma * 0.0 + 1.0

    def train_step(self, x):
        n = x.shape[0]
        mean = x.sum(axis=0) / n
        squares = ((x - mean) ** 2).sum(axis=0)
        self.running_mean = self.running_mean + self.momentum * (mean - self.running_mean)
        self.running_var = self.running_var + self.momentum * (squares / (n - 1) - self.running_var)
        return self.normalise(x, mean, squares / n)

    def infer(self, x):
        return self.normalise(x, self.running_mean, self.running_var)

    def normalise(self, x, mean, var):
        return self.gamma * (x - mean) / np.sqrt(var + self.eps) + self.beta
