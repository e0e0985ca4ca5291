# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    std = np.sqrt(2 / (fan_in + fan_out))
    rng = np.random.default_rng(0)
    if distribution == "normal":
        base = rng.normal(0, std, (fan_in, fan_out))
    else:
        base = rng.uniform(-1, 1, (fan_in, fan_out)) * np.sqrt(3) * std
    return [base * (1 - 1e-9 * seed) for seed in seeds]
