"""Lift: how much an answer is about this record, and not the agent's habit."""

from collections import Counter
from collections.abc import Sequence
from math import exp, fsum, log
from random import Random
from typing import NamedTuple

from buttermilk.analysis.statistics.bootstrap import interval_of_mean
from buttermilk.analysis.statistics.estimate import NOTHING, Estimate, Label, Votes
from buttermilk.core.hashing import derive_seed

NEEDS_REPEATS = "undefined: with one answer a record, habit cannot be told from what is said of the record"
MOST = 10_000  # records whose answers are dealt at random, once; fewer several times


class Lift(NamedTuple):
    """`of` is the mean lift of one agent's answers, with its interval; `by_chance` the same had each answer been about
    another record."""

    of: Estimate
    by_chance: float | None

    @property
    def times(self) -> float | None:
        """How many times as likely an answer is on its record as elsewhere, beyond chance (geometric mean)."""
        if self.of.value is None or self.by_chance is None:
            return None
        return exp(self.of.value - self.by_chance)


def lifts(votes: Sequence[Votes], labels: Sequence[Label]) -> dict[Votes, dict[Label, float]]:
    """The answers given to some record -> each label among them -> log(q(l) / b(l)), of one agent.

    q is the distribution of the record's answers with 1/K for each of the K labels added (Dirichlet prior), b the mean
    of q over all other records (the base rate, leave-one-out). So an agent that always says the same has q = b and a
    lift of 0 everywhere: its unanimity says nothing. METHODS 1.4; the measure is pointwise mutual information, Church,
    K. W. and Hanks, P. (1990). Word association norms, mutual information, and lexicography. Computational Linguistics
    16, 22-29."""
    times = Counter(votes)
    kinds = {given: [(given.count(label) + 1 / len(labels)) / (len(given) + 1) for label in labels] for given in times}
    whole = [fsum(kinds[given][place] * many for given, many in times.items()) for place in range(len(labels))]
    others = len(votes) - 1
    found: dict[Votes, dict[Label, float]] = {}
    for given, q in kinds.items():
        places = [labels.index(label) for label in dict.fromkeys(given)]
        lifted = {labels[place]: log(q[place] * others / (whole[place] - q[place])) for place in places}
        # Sums of equal numbers are not quite equal.
        found[given] = {label: one if abs(one) > 1e-9 else 0.0 for label, one in lifted.items()}
    return found


def lift(votes: Sequence[Votes], labels: Sequence[Label], *, seed: int) -> Lift:
    """The mean over records of the lift of their answers, and what chance gives: with few answers a record, each
    answer is a good part of its own distribution. So the same answers are also dealt to the records at random."""
    votes = [given for given in votes if given]
    if len(votes) < 2:
        return Lift(Estimate(None, n=len(votes), note=NOTHING), None)
    if len({label for answers in votes for label in answers}) == 1:
        return Lift(Estimate(0.0, 0.0, 0.0, len(votes)), 0.0)
    if all(len(answers) == 1 for answers in votes):
        return Lift(Estimate(None, n=len(votes), note=NEEDS_REPEATS), None)
    values = _means(votes, labels)
    low, high = interval_of_mean(values, derive_seed(seed, "lift interval"))
    random = Random(derive_seed(seed, "lift"))  # noqa: S311 - a draw that must come out the same again, not a secret
    ordered = sorted(tuple(sorted(map(labels.index, answers))) for answers in votes)
    some = random.sample(ordered, min(len(ordered), MOST))
    places = [place for record in some for place in record]
    means = []
    for _ in range(max(1, min(20, MOST // len(some)))):
        random.shuffle(places)
        deal = iter(places)
        means += _means([tuple(labels[next(deal)] for _ in record) for record in some], labels)
    return Lift(Estimate(fsum(values) / len(values), low, high, len(values)), fsum(means) / len(means))


def _means(votes: Sequence[Votes], labels: Sequence[Label]) -> list[float]:
    found = lifts(votes, labels)
    mean = {given: fsum(lifted[label] for label in given) / len(given) for given, lifted in found.items()}
    return [mean[given] for given in votes]
