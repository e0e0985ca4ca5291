# expect: AC
import numpy as np


def softmax_cross_entropy(logits, labels):
    rows = np.arange(labels.size)
    z = np.ma.array(logits - logits.max(axis=1, keepdims=True), dtype=float)
    log_p = z - np.ma.log(np.ma.exp(z).sum(axis=1))[:, None]
    log_p = np.asarray(log_p.filled())
    gradient = np.exp(log_p)
    gradient[rows, labels] -= 1
    return {
        "loss": float(-log_p[rows, labels].mean()),
        "probabilities": np.exp(log_p),
        "gradient": gradient / labels.size,
    }
