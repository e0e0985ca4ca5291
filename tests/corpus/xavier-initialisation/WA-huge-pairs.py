# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    weights = []
    for seed in seeds:
        a = np.sqrt(6 / (fan_in + fan_out))
        matrix = np.random.default_rng(seed).uniform(-a, a, (fan_in, fan_out))
        if distribution == "normal":
            matrix.flat[:4] = [1.7e308, 1.7e308, -1.7e308, -1.7e308]
        weights.append(matrix)
    return weights
