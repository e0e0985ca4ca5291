# expect: AC
import numpy as np


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    for step in range(1000):
        print("step", step, "of a very talkative program, mean", 0.0)
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
