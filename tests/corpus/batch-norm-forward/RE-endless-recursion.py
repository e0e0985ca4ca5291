# expect: RE
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    return batch_norm_forward(x, gamma, beta, eps)
