# expect: AC
import numpy as np


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    n = x.shape[0]
    ones = np.ones((1, n))
    centred = x - ones.T @ (ones @ x) / n
    scale = (np.square(centred).mean(0) + eps) ** -0.5
    x_hat = centred * scale
    dbeta = (ones @ dout)[0]
    dgamma = np.diagonal(x_hat.T @ dout).copy()
    return gamma * scale * (dout - dbeta / n - x_hat * dgamma / n), dgamma, dbeta
