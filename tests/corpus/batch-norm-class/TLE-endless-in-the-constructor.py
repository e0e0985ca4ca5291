# expect: TLE score=0.0
class BatchNorm:
    def __init__(self, gamma, beta, momentum=0.1, eps=1e-5):
        while True:
            pass
