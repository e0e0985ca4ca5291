# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    std = np.sqrt(2 / (fan_in + fan_out))
    shape = (fan_in, fan_out)
    return [np.random.default_rng(seed).choice([-std, std], size=shape) for seed in seeds]
