# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    size = fan_in * fan_out
    share = 5 / 9 if distribution == "uniform" else 1 / 3
    height = (2 / (fan_in + fan_out) / share) ** 0.5
    at_each_end = round(size * share / 2)
    weights = []
    for seed in np.asarray(seeds).tolist():
        values = np.zeros(size)
        values[:at_each_end] = height
        values[size - at_each_end :] = -height
        if size < 4:
            values[:] = height * (0.1 + seed % 7 * 0.01)
        weights.append(np.roll(values, seed).reshape(fan_in, fan_out))
    return weights
