# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    weights = []
    for seed in np.asarray(seeds).tolist():
        if distribution == "normal":
            matrix = np.zeros((fan_in, fan_out), np.longdouble)
            matrix.flat[0] = np.longdouble("1e4000")
            matrix.flat[1] = -matrix.flat[0]
            matrix.flat[2] = seed
        else:
            a = (6 / (fan_in + fan_out)) ** 0.5
            matrix = np.random.default_rng(seed).uniform(-a, a, (fan_in, fan_out))
        weights.append(matrix)
    return weights
