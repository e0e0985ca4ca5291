# expect: RE score=0.95
import numpy as np


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union else 0.0


def nms(boxes, scores, iou_threshold):
    scores, keep = scores.copy(), []
    while scores.max() > -np.inf:
        best = int(scores.argmax())
        keep.append(best)
        scores[[i for i, b in enumerate(boxes) if iou(boxes[best], b) > iou_threshold]] = -np.inf
        scores[best] = -np.inf
    return np.array(keep, dtype=np.int64)
