# expect: WA
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    w = w.swapaxes(2, 3)
    windows = np.lib.stride_tricks.sliding_window_view(p, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwuv,fcuv->nfhw", windows, w, optimize=True) + b[:, None, None]
