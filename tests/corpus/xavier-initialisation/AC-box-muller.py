# expect: AC
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    weights = []
    for seed in seeds:
        rng = np.random.default_rng([int(seed), 99])
        first, second = 1 - rng.random((fan_in, fan_out)), rng.random((fan_in, fan_out))
        if distribution == "normal":
            values = np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
        else:
            values = np.sqrt(12) * (second - 0.5)
        weights.append(values * np.sqrt(2 / (fan_in + fan_out)))
    return weights
