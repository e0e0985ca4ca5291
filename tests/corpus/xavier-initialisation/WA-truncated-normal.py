# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    std = np.sqrt(2 / (fan_in + fan_out))
    weights = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        if distribution == "uniform":
            weights.append(rng.uniform(-std * 3**0.5, std * 3**0.5, (fan_in, fan_out)))
            continue
        values = rng.standard_normal((fan_in, fan_out))
        while (far := np.abs(values) > 2).any():
            values[far] = rng.standard_normal(far.sum())
        weights.append(values * std)
    return weights
