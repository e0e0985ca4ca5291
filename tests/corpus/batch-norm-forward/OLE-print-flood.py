# expect: OLE score=0.0
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    while True:
        print("debug", x.tolist())
