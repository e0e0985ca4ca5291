# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    weights = []
    for seed in seeds:
        square = np.random.default_rng(seed).normal(size=(max(fan_in, fan_out),) * 2)
        q, _ = np.linalg.qr(square)
        weights.append(q[:fan_in, :fan_out])
    return weights
