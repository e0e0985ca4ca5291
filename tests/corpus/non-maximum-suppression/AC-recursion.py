# expect: AC
import sys

import numpy as np


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union else 0.0


sys.setrecursionlimit(2000)


def survivors(order, boxes, threshold):
    if not order:
        return []
    first, *rest = order
    rest = [i for i in rest if iou(boxes[first], boxes[i]) <= threshold]
    return [first, *survivors(rest, boxes, threshold)]


def nms(boxes, scores, iou_threshold):
    order = np.argsort(-scores, kind="stable").tolist()
    return np.array(survivors(order, boxes.tolist(), iou_threshold), dtype=np.int64)
