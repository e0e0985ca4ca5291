# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    std = (2 / fan_in) ** 0.5
    weights = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        uniform = rng.uniform(-(3**0.5), 3**0.5, (fan_in, fan_out))
        normal = rng.standard_normal((fan_in, fan_out))
        weights.append(std * (uniform if distribution == "uniform" else normal))
    return weights
