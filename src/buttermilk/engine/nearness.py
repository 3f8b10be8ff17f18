"""Which records are like which: by the words they share, the rarer the more, and by nothing else.

Cosine of the records' sets of words, each word weighted by log(N / records that have it). Words that more than half of
the records have say nothing, and of a long record the 60 rarest words stand for it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from math import log, sqrt

from buttermilk.core.hashing import digest

WORDS = 60
_WORD = re.compile(r"\w+")


class Nearness:
    """`Nearness({"v1": "A walk in the rain", …}).nearest("v1", among, 10)`"""

    def __init__(self, texts: Mapping[str, str]) -> None:
        words = {record_id: set(_WORD.findall(text.casefold())) for record_id, text in texts.items()}
        spread = Counter(word for found in words.values() for word in found)
        self._weight = {word: log(len(words) / count) for word, count in spread.items() if count <= len(words) / 2}
        self._words = {record_id: self._rarest(found) for record_id, found in words.items()}
        self._having: dict[str, list[str]] = defaultdict(list)
        for record_id, rarest in self._words.items():
            for word in rarest:
                self._having[word].append(record_id)

    def _rarest(self, words: Collection[str]) -> list[str]:
        known = (word for word in words if word in self._weight)
        return sorted(known, key=lambda word: (-self._weight[word], word))[:WORDS]

    def nearest(self, record_id: str, among: Collection[str], count: int) -> list[str]:
        """Those with most in common, itself never; where several have as much, a hash decides."""
        shared: dict[str, float] = defaultdict(float)
        for word in self._words[record_id]:
            for other in self._having[word]:
                shared[other] += self._weight[word] ** 2
        alike = {
            other: round(both / sqrt(sum(self._weight[word] ** 2 for word in self._words[other])), 9)
            for other, both in shared.items()
            if other != record_id and other in among
        }
        return sorted(alike, key=lambda other: (-alike[other], digest(f"{record_id} {other}")))[:count]
