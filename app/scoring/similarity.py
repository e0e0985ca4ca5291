"""Contrast similarity: how much an answer sounds like one criterion and not like the others."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_SIZES = (2, 3, 4)
_OTHERS_WEIGHT = 0.5


class Contrast:
    """Char-n-gram TF-IDF vectors of the criteria of one question.

    `criteria` holds, for each criterion, normalised texts that deserve its points; `question`
    is the normalised question.
    """

    def __init__(self, criteria: Sequence[Sequence[str]], question: str) -> None:
        documents = [text for texts in criteria for text in texts] + [question]
        counts = [Counter(_grams(text)) for text in documents]
        frequency = Counter(gram for count in counts for gram in count)
        self._places = {gram: place for place, gram in enumerate(frequency)}
        self._weights = np.array(
            [math.log((1 + len(counts)) / (1 + n)) + 1 for n in frequency.values()]
        )
        self._owners = np.array([n for n, texts in enumerate(criteria) for _ in texts], dtype=int)
        self._documents = np.stack([self._vector(count) for count in counts])
        self._criteria = len(criteria)

    def scores(self, passages: Sequence[str]) -> NDArray[np.float64]:
        """Return, for each criterion, the contrast of its best passage (-0.5 to 1).

        The contrast is the similarity to the criterion's nearest text minus half of the mean
        similarity to the other criteria and to the question.
        """
        if not passages or not self._criteria:
            return np.zeros(self._criteria)
        vectors = np.stack([self._vector(Counter(_grams(passage))) for passage in passages])
        likeness = vectors @ self._documents.T
        nearest = np.zeros((len(passages), self._criteria + 1))
        for criterion in range(self._criteria):
            own = likeness[:, :-1][:, self._owners == criterion]
            nearest[:, criterion] = own.max(axis=1, initial=0.0)
        nearest[:, -1] = likeness[:, -1]
        others = (nearest.sum(axis=1, keepdims=True) - nearest) / self._criteria
        contrast: NDArray[np.float64] = (nearest - _OTHERS_WEIGHT * others)[:, :-1].max(axis=0)
        return contrast

    def _vector(self, count: Counter[str]) -> NDArray[np.float64]:
        """Return the unit vector of a text; n-grams that no criterion has count in its length."""
        vector = np.zeros(len(self._weights))
        unknown = 0.0
        for gram, n in count.items():
            place = self._places.get(gram)
            if place is None:
                unknown += 1.0
            else:
                vector[place] = (1 + math.log(n)) * self._weights[place]
        length = math.sqrt(float(vector @ vector) + unknown)
        return vector / length if length else vector


def _grams(text: str) -> Iterator[str]:
    squeezed = " ".join(text.split())
    for size in _SIZES:
        for start in range(len(squeezed) - size + 1):
            yield squeezed[start : start + size]
