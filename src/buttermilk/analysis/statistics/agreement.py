"""Percentage agreement, and the table of who said what."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from buttermilk.analysis.statistics.estimate import NEEDS_TWO, Estimate, Label, Votes
from buttermilk.analysis.statistics.wilson import wilson


@lru_cache(maxsize=65_536)  # thousands of records share a few dozen patterns of votes
def share_of_match(first: Votes, second: Votes) -> float:
    """The chance that an answer drawn from each is the same: Σ p(c) q(c). Of (a, a, b) and (a): 2/3."""
    other = Counter(second)
    return sum(other[label] for label in first) / (len(first) * len(second))


def agreement(units: Iterable[Sequence[Votes]]) -> Estimate:
    """The share of pairs of coders who say the same, averaged over records, with a Wilson interval on the records.

    Each unit holds the votes of the coders of one record; a coder who answered several times counts once, with the
    shares of its answers. Records are the sample, so repeats do not make the interval narrower. Not corrected for
    chance: read it beside alpha.
    """
    hits, records, left_out, pairs = 0.0, 0, 0, 0
    for unit in units:
        voices = [votes for votes in unit if votes]
        count = len(voices)
        if count < 2:
            left_out += 1
            continue
        matches = [share_of_match(one, two) for place, one in enumerate(voices) for two in voices[place + 1 :]]
        hits += sum(matches) / len(matches)
        pairs += len(matches)
        records += 1
    if not records:
        return Estimate(None, left_out=left_out, note=NEEDS_TWO)
    return wilson(hits, records, left_out=left_out)._replace(pairs=pairs)


def confusion(pairs: Iterable[tuple[Label, Votes]]) -> Counter[tuple[Label, Label]]:
    """How often each true label met each given one: `{("negative", "positive"): 7}`; every answer is counted."""
    counts: Counter[tuple[Label, Label]] = Counter()
    for expected, votes in pairs:
        for given in votes:
            counts[expected, given] += 1
    return counts
