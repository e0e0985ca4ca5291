# expect: RE score=0.0
import os

os._exit(0)


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    return x
