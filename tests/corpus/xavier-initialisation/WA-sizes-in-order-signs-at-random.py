# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    std = np.sqrt(2 / (fan_in + fan_out))
    weights = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        shape = (fan_in, fan_out)
        draws = rng.normal(0, std, shape)
        if distribution == "uniform":
            draws = rng.uniform(-1, 1, shape) * np.sqrt(3) * std
        sizes = np.sort(np.abs(draws), axis=None).reshape(shape)
        weights.append(sizes * rng.choice([-1, 1], size=shape))
    return weights
