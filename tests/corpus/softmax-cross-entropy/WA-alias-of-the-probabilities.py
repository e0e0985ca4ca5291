# expect: WA mistake=probabilities-overwritten score=0.0
import numpy as np


def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    picked = np.take_along_axis(z, labels[:, None], axis=1)[:, 0]
    loss = (np.log(np.exp(z).sum(axis=1)) - picked).mean()
    gradient = p
    gradient[np.arange(len(p)), labels] -= 1.0
    gradient /= len(p)
    return {"loss": loss, "probabilities": p, "gradient": gradient}
