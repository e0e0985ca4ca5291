# expect: MLE score=0.0
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    pool = np.random.default_rng(0).random(130_000_000)
    return [pool[: fan_in * fan_out].reshape(fan_in, fan_out) for _ in seeds]
