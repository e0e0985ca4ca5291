# expect: IO score=0.0
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    a = np.sqrt(6 / (fan_in + fan_out))
    return tuple(np.random.default_rng(s).uniform(-a, a, (fan_in, fan_out)) for s in seeds)
