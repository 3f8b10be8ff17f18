"""Which earlier answers may be shown, what each weighs, which are drawn: the same rules for run, plan and report.

Nothing here depends on the order in which answers came, or in which they are asked for.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from typing import Any, NamedTuple

from buttermilk.core.flows import Codebook, said_by_path
from buttermilk.core.hashing import derive_seed
from buttermilk.core.jobs import Answer, Given
from buttermilk.core.priors import Priors, Stratum

LEAST, MOST = 0.5, 2.0  # of a weight by lift


def begun(given: Iterable[Given], known: dict[str, datetime]) -> None:
    """When the first question of each wave was put."""
    for one in given:
        wave = one.answer.wave
        known[wave] = min(known.get(wave, one.started_at), one.started_at)


class Terms(NamedTuple):
    """On what terms answers are drawn for one step in one wave. `waves` are those that count as earlier."""

    priors: Priors
    run_id: str
    wave: str
    waves: frozenset[str]

    @classmethod
    def of(cls, priors: Priors, run_id: str, wave: str, first: Mapping[str, datetime]) -> "Terms":
        """A wave is earlier that began before this one did; where this one has not begun, any other is."""
        now = first.get(wave)
        earlier = sorted((at, name) for name, at in first.items() if name != wave and (now is None or at < now))
        kept = earlier[-priors.window :] if priors.window else earlier
        return cls(priors, run_id, wave, frozenset(name for _, name in kept))

    def earlier(self, given: Sequence[Given], seen_hash: str | None) -> list[Given]:
        """Of all answers about one record those of earlier waves, about what it holds today, and no younger than the
        first question that this wave put about it: so a run that was stopped draws what it would have drawn."""
        asked = min((one.started_at for one in given if one.answer.wave == self.wave), default=None)
        return [
            one
            for one in given
            if one.answer.wave in self.waves
            and one.seen_hash == seen_hash
            and (asked is None or one.ended_at <= asked)
            and self._sought(one)
        ]

    def _sought(self, one: Given) -> bool:
        source = self.priors.source
        if "earlier_waves" in source or ("earlier_runs" in source and one.runs[0] != self.run_id):
            return True
        return not set(self.priors.runs).isdisjoint(one.runs)

    def shown_to(self, agent: str, variables: Mapping[str, Any], given: Iterable[Given]) -> list[Given]:
        """Those of other agents, of its own, or of any; to another question (`target: the new bridge`) none."""
        who = self.priors.agents
        return [
            one
            for one in given
            if (who == "any" or (one.answer.agent == agent) == (who == "own"))
            and all(one.answer.variant.get(name) == value for name, value in variables.items())
        ]


@dataclass
class Habits:
    """How often each agent gives each label over the whole data set: `totals["gpt", "harm"]["yes"]`."""

    codebook: Codebook
    totals: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def __post_init__(self) -> None:
        self._choices = {one.name: len(one.labels) + one.optional for one in self.codebook.leaves if one.labels}

    def count(self, given: Iterable[Given]) -> None:
        for one in given:
            for path, label in self.labels(one.answer).items():
                self.totals[one.answer.agent, path][label] += 1

    def labels(self, answer: Answer) -> dict[str, str]:
        """What it says to each closed question."""
        said = said_by_path(self.codebook, answer.values)
        return {path: str(said[path]) for path in self._choices if path in said}

    def weights(self, given: Sequence[Given]) -> dict[str, float]:
        """job id -> weight of each answer about one record: log(q(l) / b(l)), the mean over its labels, clipped.

        q is the agent's own distribution of labels on this record, b its distribution on all others, smoothed by 1/K:
        an agent that says the same of everything has the least weight. How many others said so plays no part, or those
        who are shown an answer that many gave would be shown the crowd twice.
        """
        own: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        said = {one.answer.job_id: (one.answer.agent, self.labels(one.answer)) for one in given}
        for agent, labels in said.values():
            for path, label in labels.items():
                own[agent, path][label] += 1
        return {job_id: self._weight(agent, labels, own) for job_id, (agent, labels) in said.items()}

    def _weight(self, agent: str, labels: Mapping[str, str], own: Mapping[tuple[str, str], Counter[str]]) -> float:
        if not labels:
            return 1.0
        lifts = []
        for path, label in labels.items():
            here, everywhere, choices = own[agent, path], self.totals[agent, path], self._choices[path]
            base = (everywhere[label] - here[label] + 1 / choices) / (everywhere.total() - here.total() + 1)
            lifts.append(log(here[label] / here.total() / base))
        return round(min(max(sum(lifts) / len(lifts), LEAST), MOST), 4)


def stratum(answer: Answer, strata: Sequence[Stratum]) -> tuple[str, ...]:
    """`("gpt-5.2", "tja")`"""
    return tuple(str(getattr(answer, name)) for name in strata)


def drawn(given: Sequence[Given], weights: Mapping[str, float], priors: Priors, seed: int) -> tuple[Answer, ...]:
    """Of each stratum `n` answers without replacement, by weight; all where there are fewer. In the order of their ids.

    Each answer has a lot of its own, -log(u)/w with u a hash of the seed and its id, and the n lowest are drawn: the
    sampling of Efraimidis and Spirakis (2006), "Weighted random sampling with a reservoir", Information Processing
    Letters 97(5). Of several answers about one precedent the lowest lot alone takes part.
    """
    shares = {one.answer.job_id: (derive_seed(seed, "lot", one.answer.job_id) + 1) / 2**63 for one in given}
    lots = {job_id: -log(share) / weights.get(job_id, 1.0) for job_id, share in shares.items()}
    taken: dict[tuple[str, ...], dict[str, Answer]] = defaultdict(dict)
    for answer in sorted((one.answer for one in given), key=lambda one: (lots[one.job_id], one.job_id)):
        of_stratum = taken[stratum(answer, priors.strata)]
        one = answer.job_id if priors.scope == "same_record" else answer.record_id
        if len(of_stratum) < priors.n:
            of_stratum.setdefault(one, answer)
    found = (answer for of_stratum in taken.values() for answer in of_stratum.values())
    weighed = (Answer(**{**dict(one), "weight": weights.get(one.job_id)}) for one in found)
    return tuple(sorted(weighed, key=lambda one: one.job_id))
