# expect: WA mistake=dgamma-and-dbeta-swapped
import numpy as np


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    inverse = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * inverse
    dbeta = dout.sum(axis=0)
    dgamma = np.einsum("ij,ij->j", dout, x_hat)
    dx = gamma * inverse * (dout - dbeta / len(x) - x_hat * dgamma / len(x))
    return dx, dbeta, dgamma
