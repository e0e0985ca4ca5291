# expect: AC
import numpy as np


def softmax_cross_entropy(logits, labels):
    z = logits - np.max(logits, axis=-1, keepdims=True)
    total = np.exp(z).sum(axis=-1)
    p = np.exp(z) / total[:, None]
    picked = np.take_along_axis(z, labels[:, None], axis=1).squeeze(1)
    one_hot = labels[:, None] == np.arange(logits.shape[1])
    return {
        "gradient": (p - one_hot) / len(z),
        "loss": np.asarray(np.mean(np.log(total) - picked)),
        "probabilities": p,
    }
