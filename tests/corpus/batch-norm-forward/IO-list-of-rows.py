# expect: IO score=0.0
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    n, d = x.shape
    means = [sum(x[i][j] for i in range(n)) / n for j in range(d)]
    variances = [sum((x[i][j] - means[j]) ** 2 for i in range(n)) / n for j in range(d)]
    return [
        [
            float(gamma[j] * (x[i][j] - means[j]) / (variances[j] + eps) ** 0.5 + beta[j])
            for j in range(d)
        ]
        for i in range(n)
    ]
