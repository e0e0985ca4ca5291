# expect: NA score=0.0
import torch.nn as layers


class BatchNorm(layers.BatchNorm1d):
    def __init__(self, gamma, beta, momentum=0.1, eps=1e-5):
        super().__init__(len(gamma), eps, momentum)
