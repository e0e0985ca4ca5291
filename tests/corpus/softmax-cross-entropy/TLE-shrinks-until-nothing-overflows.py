# expect: TLE
import numpy as np


def softmax_cross_entropy(logits, labels):
    rows = np.arange(len(labels))
    z = logits - 0.0
    with np.errstate(over="ignore"):
        while not np.isfinite(np.exp(z)).all():
            z = z - 1e-5
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    gradient = p.copy()
    gradient[rows, labels] -= 1
    loss = -np.log(p[rows, labels]).mean()
    return {"loss": loss, "probabilities": p, "gradient": gradient / len(labels)}
