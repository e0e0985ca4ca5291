# expect: IO score=0.0
import numpy as np


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    inverse = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inverse
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    return [gamma * inverse * (dout - dbeta / len(x) - x_hat * dgamma / len(x)), dgamma, dbeta]
