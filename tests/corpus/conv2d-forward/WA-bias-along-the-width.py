# expect: WA
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = np.lib.stride_tricks.sliding_window_view(p, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    y = np.einsum("nchwuv,fcuv->nfhw", windows, w, optimize=True)
    return y + np.resize(b, y.shape[3])
