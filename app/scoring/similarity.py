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
        # One row for each n-gram, so that the few rows of a passage lie together.
        self._by_gram = np.ascontiguousarray(np.stack([self._dense(c) for c in counts]).T)
        self._criteria = len(criteria)

    def scores(self, passages: Sequence[str]) -> NDArray[np.float64]:
        """Return, for each criterion, the contrast of its best passage (-0.5 to 1).

        The contrast is the similarity to the criterion's nearest text minus half of the mean
        similarity to the other criteria and to the question.
        """
        if not passages or not self._criteria:
            return np.zeros(self._criteria)
        likeness = np.stack([self._likeness(passage) for passage in passages])
        nearest = np.zeros((len(passages), self._criteria + 1))
        for criterion in range(self._criteria):
            own = likeness[:, :-1][:, self._owners == criterion]
            nearest[:, criterion] = own.max(axis=1, initial=0.0)
        nearest[:, -1] = likeness[:, -1]
        others = (nearest.sum(axis=1, keepdims=True) - nearest) / self._criteria
        contrast: NDArray[np.float64] = (nearest - _OTHERS_WEIGHT * others)[:, :-1].max(axis=0)
        return contrast

    def _likeness(self, passage: str) -> NDArray[np.float64]:
        """Return the cosine of a passage with every text of the author."""
        places, values = self._sparse(Counter(_grams(passage)))
        likeness: NDArray[np.float64] = values @ self._by_gram[places]
        return likeness

    def _dense(self, count: Counter[str]) -> NDArray[np.float64]:
        places, values = self._sparse(count)
        vector = np.zeros(len(self._weights))
        vector[places] = values
        return vector

    def _sparse(self, count: Counter[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return where a text's unit vector is not zero, and its values there.

        n-grams that no author's text has count in its length only.
        """
        known = [(self._places[gram], n) for gram, n in count.items() if gram in self._places]
        places = np.array([place for place, _ in known], dtype=np.int64)
        frequency = np.array([n for _, n in known], dtype=np.float64)
        values = (1 + np.log(frequency)) * self._weights[places]
        length = math.sqrt(float(values @ values) + len(count) - len(known))
        return places, values / length if length else values


def _grams(text: str) -> Iterator[str]:
    squeezed = " ".join(text.split())
    for size in _SIZES:
        for start in range(len(squeezed) - size + 1):
            yield squeezed[start : start + size]
