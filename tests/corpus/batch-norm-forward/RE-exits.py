# expect: RE score=0.0
import sys


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    sys.exit(0)
