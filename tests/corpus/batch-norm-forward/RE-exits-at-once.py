# expect: RE score=0.0
import os


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    os._exit(0)
