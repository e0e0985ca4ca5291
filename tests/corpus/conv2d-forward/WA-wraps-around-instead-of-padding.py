# expect: WA
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    kh, kw = w.shape[2:]
    out_h = (x.shape[2] + 2 * padding - kh) // stride + 1
    out_w = (x.shape[3] + 2 * padding - kw) // stride + 1
    y = np.zeros((x.shape[0], w.shape[0], out_h, out_w))
    for u in range(kh):
        for v in range(kw):
            rows = (np.arange(out_h) * stride + u - padding) % x.shape[2]
            columns = (np.arange(out_w) * stride + v - padding) % x.shape[3]
            part = x[:, :, rows[:, None], columns[None, :]]
            y += np.einsum("nchw,fc->nfhw", part, w[:, :, u, v])
    return y + b[:, None, None]
