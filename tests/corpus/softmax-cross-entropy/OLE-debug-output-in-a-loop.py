# expect: OLE
import numpy as np


def softmax_cross_entropy(logits, labels):
    for row in logits:
        for z in row:
            print("logit" * 10_000, z)
    return {"loss": 0.0, "probabilities": np.exp(logits), "gradient": logits}
