"""A synthesis beside the panel that it read: record by record, what each would be right about."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from buttermilk.analysis.statistics.estimate import Estimate, Label, Votes
from buttermilk.analysis.statistics.majority import majority
from buttermilk.analysis.statistics.paired import paired
from buttermilk.analysis.statistics.wilson import wilson
from buttermilk.analysis.tally import Asked, Tally
from buttermilk.core.hashing import derive_seed, fingerprint

NO_CHOICE = "undefined: too few labelled records to choose a judge on one half and score it on the other"


@dataclass(frozen=True)
class Panel:
    """One question, as a step that reads and the steps that it read answer it. `voices[record_id][agent]` are all the
    answers of one agent, from whichever perspective and however often it was asked: an agent has one voice."""

    synthesis: Asked
    voices: Mapping[str, Mapping[str, Votes]]

    @cached_property
    def records(self) -> list[str]:
        """That the synthesis and somebody of the panel answered about."""
        return [record_id for record_id in self.synthesis.records if self.voices.get(record_id)]

    def said(self, record_id: str) -> Votes:
        """All answers of the synthesis: its agents, and its repeats."""
        return tuple(label for votes in self.synthesis.votes[record_id].values() for label in votes)

    @cached_property
    def majorities(self) -> dict[str, tuple[Label, ...]]:
        """Of each record the label with the most voices, or all that share the first place, in no order of arrival."""
        return {record_id: majority(tuple(self.voices[record_id].values())) for record_id in self.records}


def panels(tally: Tally) -> Iterator[Panel]:
    """Every question with closed labels that a step answers and a step that it read answers, too."""
    for (step, book, leaf, _), asked in tally.asked.items():
        reads = tally.method.steps[step][0].reads
        if not reads or asked.in_words or asked.measured or not asked.votes:
            continue
        voices: dict[str, dict[str, Votes]] = {}
        for source in dict.fromkeys(reads.values()):
            own = tally.method.steps[source][0].arm
            parent = tally.asked.get((source, book, leaf, own))
            for record_id, votes in parent.votes.items() if parent else ():
                for reader, given in votes.items():
                    heard = voices.setdefault(record_id, {})
                    heard[reader.agent] = heard.get(reader.agent, ()) + given
        if voices:
            yield Panel(asked, voices)


@dataclass(frozen=True)
class Lift:
    """Shares of right answers on the same records, and what the synthesis is right about more often than the others."""

    synthesis: Estimate
    majority: Estimate
    single: Estimate
    over_majority: Estimate
    over_single: Estimate
    chosen: tuple[str, ...] = ()


def lift(panel: Panel, seed: int) -> Lift:
    """Accuracy of the synthesis, of the panel's majority and of its best single judge, and the differences, paired. A
    tie of t labels that holds the right one is right by 1/t, which is what drawing lots would come to. The best judge
    is chosen on one half of the records and scored on the other, and the other way round (cross-fitting): who is best
    on the very labels that score it looks better than it is. The interval does not choose anew. Stone, M. (1974).
    Cross-validatory choice and assessment of statistical predictions. Journal of the Royal Statistical Society B 36,
    111-147."""
    truth = {record_id: panel.synthesis.first_coder(record_id) for record_id in panel.records}
    labelled = [record_id for record_id, label in truth.items() if label is not None]
    own = {one: _hits(panel.said(one), truth[one]) for one in labelled}
    most = {one: ((truth[one] in (tied := panel.majorities[one])) / len(tied),) for one in labelled}
    single, chosen = _best(panel, truth, labelled, seed)

    def right(scores: Mapping[str, Sequence[float]]) -> Estimate:
        found = [sum(scores[one]) / len(scores[one]) for one in labelled if one in scores]
        return wilson(sum(found), len(found), left_out=len(labelled) - len(found))

    def over(scores: Mapping[str, Sequence[float]]) -> Estimate:
        return paired([(scores.get(one, ()), own[one]) for one in labelled], seed=seed)

    none = Estimate(None, left_out=len(labelled), note=NO_CHOICE)
    best = (right(single), over(single)) if single else (none, none)
    return Lift(right(own), right(most), best[0], over(most), best[1], chosen)


def _hits(votes: Votes, truth: Label) -> tuple[float, ...]:
    return tuple(float(label == truth) for label in votes)


def _best(
    panel: Panel, truth: Mapping[str, Label], labelled: Sequence[str], seed: int
) -> tuple[dict[str, tuple[float, ...]], tuple[str, ...]]:
    """Of each record the hits of the judge who was best on the other half, and who that was: of several alike, all."""
    drawn = sorted(labelled, key=lambda one: derive_seed(seed, "best single judge", fingerprint(one)))
    halves = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
    scores: dict[str, tuple[float, ...]] = {}
    chosen: list[str] = []
    for learnt, scored in (halves, halves[::-1]):
        best = _best_of(panel, truth, learnt)
        chosen += best
        for record_id in scored:
            hits = [_hits(votes, truth[record_id]) for agent, votes in panel.voices[record_id].items() if agent in best]
            if hits:
                scores[record_id] = tuple(hit for one in hits for hit in one)
    return scores, tuple(dict.fromkeys(chosen))


def _best_of(panel: Panel, truth: Mapping[str, Label], learnt: Sequence[str]) -> list[str]:
    """Among those who answered about half of the records at least: three lucky answers make nobody the best."""
    found: dict[str, Counter[Fraction]] = {}
    for record_id in learnt:
        for agent, votes in panel.voices[record_id].items():
            found.setdefault(agent, Counter())[Fraction(votes.count(truth[record_id]), len(votes))] += 1
    means = {
        agent: sum(share * times for share, times in shares.items()) / shares.total()
        for agent, shares in found.items()
        if 2 * shares.total() >= len(learnt)
    }
    most = max(means.values(), default=None)
    return sorted(agent for agent, mean in means.items() if mean == most)
