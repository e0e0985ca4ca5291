# expect: NA score=0.0
import numpy as np
from scipy import signal as helper


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    y = [
        [sum(helper.correlate2d(c, k, "valid") for c, k in zip(image, kernel)) for kernel in w]
        for image in p
    ]
    return np.array(y)[:, :, ::stride, ::stride] + b[:, None, None]
