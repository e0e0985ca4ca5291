# expect: RE score=0.0
import numpy as np


def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = -(labels[:, :] * np.log(p)).sum() / len(p)
    return {"loss": loss, "probabilities": p, "gradient": (p - labels) / len(p)}
