# expect: RE
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    x = x.tolist()
    mean = sum(x) / len(x)
    return x - mean
