# expect: RE
import os
import signal

import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    if len(x) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
