# expect: MLE
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    kh, kw = w.shape[2:]
    out_h, out_w = (p.shape[2] - kh) // stride + 1, (p.shape[3] - kw) // stride + 1
    matrix = np.zeros((w.shape[0], out_h, out_w, *p.shape[1:]))
    matrix += 1e-300  # touch every page
    for i in range(out_h):
        for j in range(out_w):
            matrix[:, i, j, :, i * stride : i * stride + kh, j * stride : j * stride + kw] = w
    return np.tensordot(p, matrix, axes=([1, 2, 3], [3, 4, 5])) + b[:, None, None]
