# expect: AC
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    def draw(seed):
        rng = np.random.Generator(np.random.Philox(int(seed)))
        if distribution == "normal":
            return rng.standard_normal((fan_in, fan_out), np.float32) * np.float32(scale)
        return ((2 * rng.random((fan_in, fan_out), np.float32) - 1) * np.float32(scale * 3**0.5))

    scale = (2 / (fan_in + fan_out)) ** 0.5
    return [draw(seed) for seed in seeds]
