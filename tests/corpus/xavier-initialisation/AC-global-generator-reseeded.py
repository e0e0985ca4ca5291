# expect: AC
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    weights = []
    for seed in seeds:
        np.random.seed(seed)
        if distribution == "uniform":
            a = np.sqrt(6 / (fan_in + fan_out))
            weights.append(np.random.uniform(-a, a, (fan_in, fan_out)))
        else:
            weights.append(np.random.randn(fan_in, fan_out) * np.sqrt(2 / (fan_in + fan_out)))
    return weights
