"""Percentage agreement."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations
from math import fsum

from buttermilk.analysis.statistics.estimate import NEEDS_TWO, Estimate, Votes
from buttermilk.analysis.statistics.voices import Unit, Voices, voices
from buttermilk.analysis.statistics.wilson import wilson


@lru_cache(maxsize=65_536)  # thousands of records share a few dozen patterns of votes
def share_of_match(first: Votes, second: Votes) -> float:
    """The chance that an answer drawn from each is the same: Σ p(c) q(c). Of (a, a, b) and (a): 2/3."""
    other = Counter(second)
    return sum(other[label] for label in first) / (len(first) * len(second))


def agreement(units: Iterable[Unit] | Voices) -> Estimate:
    """The share of pairs of coders who say the same, averaged over records, with a Wilson interval on the records.

    Each unit holds the votes of the coders of one record; a coder who answered several times counts once, with the
    shares of its answers. Records are the sample, so repeats do not make the interval narrower. Not corrected for
    chance: read it beside alpha."""
    given = voices(units)
    if not given.patterns:
        return Estimate(None, left_out=given.left_out, note=NEEDS_TWO)
    hits = []
    for met, times in given.patterns:
        matches = [share_of_match(given.said[one], given.said[two]) for one, two in combinations(met, 2)]
        hits.append(times * fsum(matches) / len(matches))
    return wilson(fsum(hits), given.records, left_out=given.left_out)._replace(pairs=given.pairs)
