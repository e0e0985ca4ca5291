# expect: WA
import numpy as np


def softmax_cross_entropy(logits, labels):
    rows = np.arange(len(labels))
    e = np.exp(np.clip(logits, -500, 500))
    p = e / e.sum(axis=1, keepdims=True)
    gradient = p.copy()
    gradient[rows, labels] -= 1
    loss = -np.log(p[rows, labels]).mean()
    return {"loss": loss, "probabilities": p, "gradient": gradient / len(labels)}
