# expect: WA
import numpy as np


def xavier_init(fan_in, fan_out, seeds, distribution="uniform"):
    return [np.zeros((fan_in, fan_out)) for _ in seeds]
