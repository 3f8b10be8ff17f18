"""Points that are expected in an item or an answer: `2. The doctor could not cross. [weight 3]`"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from buttermilk.core.flows import Codebook, Question

_NUMBER = re.compile(r"^(\d{1,3}[.)]|[-*•]) ")
_WEIGHT = re.compile(r" ?\[weight (\d{1,4}(?:\.\d{1,4})?)\]$")


class Point(NamedTuple):
    words: str
    weight: float = 1.0

    @property
    def key(self) -> str:
        """By which a point is known again when a scorer has copied it."""
        return self.words.casefold().rstrip(".")


def point(line: str) -> Point:
    words = _NUMBER.sub("", " ".join(line.split()))
    weighed = _WEIGHT.search(words)
    return Point(words[: weighed.start()], float(weighed[1])) if weighed else Point(words)


def points_of(codebook: Codebook) -> Question | None:
    """The question by which points are scored: a list, each entry a `point` and an ordinal `verdict` on it."""
    for question in codebook.questions:
        levels = {part.name: part.level for part in question.parts}
        if question.many and levels.get("point") == "text" and levels.get("verdict") == "ordinal":
            return question
    return None


def expected_points(variant: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Point]:
    """One a line, of the step's variable `points`, else of the record's column."""
    text = str(variant.get("points") or metadata.get("points") or "")
    return [found for line in text.splitlines() if (found := point(line)).words]
