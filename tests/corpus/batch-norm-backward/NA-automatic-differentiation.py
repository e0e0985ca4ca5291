# expect: NA score=0.0
from jax import grad
from jax import numpy as jnp


def batch_norm_backward(dout, x, gamma, eps=1e-5):
    def loss(x, gamma, beta):
        x_hat = (x - x.mean(0)) / jnp.sqrt(x.var(0) + eps)
        return (dout * (gamma * x_hat + beta)).sum()

    return grad(loss, argnums=(0, 1, 2))(x, gamma, 0 * gamma)
