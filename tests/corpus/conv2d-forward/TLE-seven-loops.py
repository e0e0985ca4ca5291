# expect: TLE score=0.7
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    n, c, height, width = x.shape
    filters, _, kh, kw = w.shape
    out_h, out_w = (height - kh) // stride + 1, (width - kw) // stride + 1
    y = np.zeros((n, filters, out_h, out_w))
    for i in range(n):
        for f in range(filters):
            for r in range(out_h):
                for s in range(out_w):
                    total = b[f]
                    for k in range(c):
                        for u in range(kh):
                            for v in range(kw):
                                total += w[f, k, u, v] * x[i, k, r * stride + u, s * stride + v]
                    y[i, f, r, s] = total
    return y
