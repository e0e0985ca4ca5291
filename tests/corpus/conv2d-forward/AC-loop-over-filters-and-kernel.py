# expect: AC
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    filters, _, kh, kw = w.shape
    rows = (p.shape[2] - kh) // stride + 1
    columns = (p.shape[3] - kw) // stride + 1
    maps = []
    for f in range(filters):
        total = np.full((p.shape[0], rows, columns), b[f])
        for u in range(kh):
            for v in range(kw):
                part = p[:, :, u : u + rows * stride : stride, v : v + columns * stride : stride]
                total += np.tensordot(part[:, :, :rows, :columns], w[f, :, u, v], axes=(1, 0))
        maps.append(total)
    return np.stack(maps, axis=1)
