# expect: IO score=0.0
import numpy as np


def softmax_cross_entropy(logits, labels):
    rows = np.arange(len(labels))
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    gradient = p.copy()
    gradient[rows, labels] -= 1
    gradient /= len(labels)
    loss = -log_p[rows, labels].mean()
    losses = -log_p[rows, labels]
    return {"loss": losses, "probabilities": p, "gradient": gradient}
