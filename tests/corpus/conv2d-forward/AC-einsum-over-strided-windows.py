# expect: AC
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x.astype(float), [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    kh, kw = w.shape[2:]
    n, c, height, width = p.strides
    shape = (
        *p.shape[:2],
        (p.shape[2] - kh) // stride + 1,
        (p.shape[3] - kw) // stride + 1,
        kh,
        kw,
    )
    strides = (n, c, height * stride, width * stride, height, width)
    windows = np.lib.stride_tricks.as_strided(p, shape, strides)
    return np.einsum("nchwuv,fcuv->nfhw", windows, w, optimize=True) + b[None, :, None, None]
