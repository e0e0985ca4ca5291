# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    return [np.full((fan_in, fan_out), np.nan) for _ in seeds]
