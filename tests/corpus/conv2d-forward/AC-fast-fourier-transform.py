# expect: AC
import numpy as np


def conv2d(x, w, b, stride=1, padding=0):
    p = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    size = p.shape[2:]
    kh, kw = w.shape[2:]
    image = np.fft.rfft2(p, size)
    kernel = np.conj(np.fft.rfft2(w, size))
    full = np.fft.irfft2(np.einsum("nchw,fchw->nfhw", image, kernel, optimize=True), size)
    valid = full[:, :, : size[0] - kh + 1 : stride, : size[1] - kw + 1 : stride]
    return valid + b[:, None, None]
