# expect: WA
import numpy as np


def nms(boxes, scores, iou_threshold):
    cx, cy, w, h = boxes.T
    x1, y1, x2, y2 = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    order = np.argsort(-scores, kind="stable")
    keep = []
    while order.size:
        i, order = order[0], order[1:]
        keep.append(i)
        width = np.maximum(0, np.minimum(x2[i], x2[order]) - np.maximum(x1[i], x1[order]))
        height = np.maximum(0, np.minimum(y2[i], y2[order]) - np.maximum(y1[i], y1[order]))
        union = w[i] * h[i] + w[order] * h[order] - width * height
        order = order[width * height / np.where(union > 0, union, 1) <= iou_threshold]
    return np.array(keep, dtype=np.int64)
