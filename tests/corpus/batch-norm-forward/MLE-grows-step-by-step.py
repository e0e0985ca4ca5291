# expect: MLE score=0.0
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    kept = []
    while True:
        kept.append(bytearray(1_000_000))
