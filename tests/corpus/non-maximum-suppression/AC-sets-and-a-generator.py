# expect: AC
import numpy as np


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union else 0.0


def kept(boxes, scores, threshold):
    gone = set()
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if i in gone:
            continue
        yield i
        gone |= {j for j in range(len(boxes)) if j != i and iou(boxes[i], boxes[j]) > threshold}


def nms(boxes, scores, iou_threshold):
    return np.array([*kept(boxes.tolist(), scores.tolist(), iou_threshold)], dtype="int64")
