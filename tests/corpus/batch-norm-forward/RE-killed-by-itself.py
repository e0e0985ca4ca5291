# expect: RE
import os
import signal


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    os.kill(os.getpid(), signal.SIGKILL)
