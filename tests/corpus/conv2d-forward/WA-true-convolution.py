# expect: WA mistake=kernel-flipped
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = np.lib.stride_tricks.sliding_window_view(p, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwuv,fcuv->nfhw", windows, np.flip(w, (2, 3)), optimize=True) + b.reshape(
        1, -1, 1, 1
    )
