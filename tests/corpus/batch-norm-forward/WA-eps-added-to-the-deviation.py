# expect: WA mistake=eps-outside-root score=0.81
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    deviation = np.sqrt(((x - x.mean(0)) ** 2).mean(0))
    return (x - x.mean(0)) * (gamma / (deviation + eps)) + beta
