# expect: AC score=0.8
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    kh, kw = w.shape[2:]
    results = []
    for i in range(x.shape[0]):
        image = np.pad(x[i], ((0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(image, (kh, kw), axis=(1, 2))
        windows = windows[:, ::stride, ::stride]
        results.append(np.tensordot(w, windows, axes=([1, 2, 3], [0, 3, 4])) + b[:, None, None])
    return np.array(results)
