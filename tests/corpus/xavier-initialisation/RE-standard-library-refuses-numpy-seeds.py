# expect: RE
import random

import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    weights = []
    for seed in seeds:
        rng = random.Random(seed)
        a = (6 / (fan_in + fan_out)) ** 0.5
        values = [[rng.uniform(-a, a) for _ in range(fan_out)] for _ in range(fan_in)]
        weights.append(np.array(values))
    return weights
