# expect: WA score=0.8
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    rng = np.random.default_rng()
    a = np.sqrt(6 / (fan_in + fan_out))
    if distribution == "uniform":
        return [rng.uniform(-a, a, (fan_in, fan_out)) for _ in seeds]
    return [rng.normal(0, a / 3**0.5, (fan_in, fan_out)) for _ in seeds]
