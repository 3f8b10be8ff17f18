"""The commonest label, ties as ties."""

from collections import Counter
from functools import lru_cache
from math import lcm

from buttermilk.analysis.statistics.estimate import Label, Votes
from buttermilk.analysis.statistics.voices import rank


@lru_cache(maxsize=65_536)
def majority(voices: tuple[Votes, ...]) -> tuple[Label, ...]:
    """The labels that most voices have; several where they tie, which no order decides. A repeated voice is shared.

    `[("a",), ("b",), ("a", "b")]` -> `("a", "b")`, counted in whole numbers."""
    spoken = [votes for votes in voices if votes]
    parts = lcm(*map(len, spoken))
    counts: Counter[Label] = Counter()
    for votes in spoken:
        for label in votes:
            counts[label] += parts // len(votes)
    most = max(counts.values(), default=0)
    return tuple(sorted((label for label, count in counts.items() if count == most), key=rank))


def modal(votes: Votes) -> tuple[Label, ...]:
    """The commonest of one voice's answers, or of any: several where they tie."""
    return majority(tuple((label,) for label in votes))


def confidence(votes: Votes) -> tuple[float, tuple[Label, ...]]:
    """What a reader who was asked repeatedly says most often, and in what share of its answers; several where they tie.

    `("a", "a", "b")` -> `(0.67, ("a",))`"""
    most = modal(votes)
    return votes.count(most[0]) / len(votes), most
