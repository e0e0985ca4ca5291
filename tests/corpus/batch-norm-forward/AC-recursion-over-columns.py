# expect: AC
import sys

import numpy as np

sys.setrecursionlimit(3000)


def normalised(columns, eps):
    if not columns:
        return []
    first, *rest = columns
    centred = first - np.mean(first)
    return [centred / np.sqrt(np.mean(centred * centred) + eps), *normalised(rest, eps)]


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    return gamma * np.column_stack(normalised(list(x.T), eps)) + beta
