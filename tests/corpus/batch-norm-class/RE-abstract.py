# expect: RE score=0.0
from abc import ABC, abstractmethod


class BatchNorm(ABC):
    def __init__(self, gamma, beta, momentum=0.1, eps=1e-5):
        self.gamma = gamma

    @abstractmethod
    def forward(self, x, training=True): ...
