"""How divided the answers about one record are."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import fsum, log2
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Label, Votes


class Spread(NamedTuple):
    """`bits` of entropy, the same `normalised` to 0..1 by the number of labels, and the `modal` share."""

    bits: float
    normalised: float
    modal: float


def entropy(votes: Mapping[Label, float], labels: int) -> Spread:
    """Shannon's entropy of a distribution over `labels` labels: H = -Σ p log2 p, divided by log2 K.

    Votes 3, 1, 1 over 3 labels: 1.3710 bits, .8650 normalised, modal share .6. Shannon, C. E. (1948). A mathematical
    theory of communication. Bell System Technical Journal 27, 379-423."""
    total = fsum(votes.values())
    if total <= 0:
        raise ValueError("there are no votes to be divided")
    shares = [vote / total for vote in votes.values() if vote > 0]
    bits = max(0.0, -fsum(share * log2(share) for share in shares))
    most = log2(max(labels, len(shares), 2))
    return Spread(bits, bits / most, max(shares))


def one_voice_each(coders: Iterable[Votes]) -> dict[Label, float]:
    """The mean of the coders' distributions: each counts once, however often it was asked."""
    parts: defaultdict[Label, list[float]] = defaultdict(list)
    for votes in coders:
        for label, count in Counter(votes).items():
            parts[label].append(count / len(votes))
    return {label: fsum(found) for label, found in parts.items()}
