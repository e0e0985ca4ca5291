# expect: AC score=0.8
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    def one(image):
        image = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(image, w.shape[2:], axis=(1, 2))
        windows = windows[:, ::stride, ::stride]
        return np.tensordot(w, windows, axes=([1, 2, 3], [0, 3, 4])) + b[:, None, None]

    return np.stack(list(map(one, x)))
