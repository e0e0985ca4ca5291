# expect: AC
import numpy as np


def one(z, label):
    z = z - z.max()
    log_p = z - np.log(np.exp(z).sum())
    target = np.zeros(len(z))
    target[label] = 1
    return -log_p[label], np.exp(log_p), np.exp(log_p) - target


def softmax_cross_entropy(logits, labels):
    losses, p, gradients = zip(*map(one, logits, labels))
    return {
        "loss": sum(losses) / len(losses),
        "probabilities": np.stack(p),
        "gradient": np.stack(gradients) / len(losses),
    }
