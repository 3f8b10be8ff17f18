"""What several repeats say together, those included that say nothing."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from buttermilk.core.cases import Finding, Said, content, in_text, shown


class Votes(NamedTuple):
    """How often each answer was given, the most frequent first, and how many repeats gave none."""

    counts: tuple[tuple[str, int], ...]
    missing: int

    @classmethod
    def of(cls, answers: Sequence[Said], question: str) -> "Votes":
        given = [content(said, question) for said in answers]
        heard = [in_text(one).strip() for one in given if not isinstance(one, Finding)]
        return cls(tuple(Counter(heard).most_common()), len(given) - len(heard))

    @property
    def top(self) -> int:
        return self.counts[0][1] if self.counts else 0

    @property
    def second(self) -> int:
        return self.counts[1][1] if len(self.counts) > 1 else 0

    @property
    def tied(self) -> bool:
        return self.top == self.second

    @property
    def mode(self) -> str | None:
        """The most frequent answer, if it is that whatever the missing repeats would have said."""
        return self.counts[0][0] if self.top > self.second + self.missing else None

    @property
    def words(self) -> str:
        """`“no” ×2, “yes” ×1, 1 without an answer`"""
        listed = [f"{shown(answer)} ×{count}" for answer, count in self.counts[:5]]
        more = [f"{len(self.counts) - 5} others"] if len(self.counts) > 5 else []
        silent = [f"{self.missing} without an answer"] if self.missing else []
        return ", ".join([*listed, *more, *silent]) or "nothing"
