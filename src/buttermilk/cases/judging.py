"""Answers held against what their case expects: one verdict an expectation, in the scholar's order."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from buttermilk.cases.loading import Case, PromptTests
from buttermilk.core.cases import Expectation, Said, Trial, Verdict, all_pass, negated
from buttermilk.core.contracts import Asks, Check, Compares, Embeds, Judges, Reads, Wants
from buttermilk.core.errors import ConfigError, ProviderError, did_you_mean
from buttermilk.plugins import find

Answers = Mapping[str, tuple[Said, ...]]  # the name of a case -> what one agent answered, repeats in order
Checks = Mapping[str, Sequence[tuple[Expectation, Check]]]  # the name of a case -> what is expected, and by which plug


class Judged(NamedTuple):
    """One expectation, and how it fared."""

    expectation: Expectation
    verdict: Verdict


class Outcome(NamedTuple):
    """One case as one agent answered it. `passed` is None while somebody has yet to say."""

    case: str
    agent: str
    answers: tuple[Said, ...]
    judged: tuple[Judged, ...]

    @property
    def passed(self) -> bool | None:
        """What has no weight is told and decides nothing."""
        return all_pass([one.verdict.passed for one in self.judged if one.expectation.weight])

    @property
    def score(self) -> float:
        """The mean of its scores, by weight; what is open is left out."""
        told = [one for one in self.judged if one.verdict.passed is not None]
        weight = math.fsum(one.expectation.weight for one in told)
        return math.fsum(one.expectation.weight * one.verdict.score for one in told) / weight if weight else 1.0


def metrics(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The mean score of the expectations that share a `metric`."""
    found: dict[str, list[float]] = {}
    for one in (one for outcome in outcomes for one in outcome.judged):
        if one.expectation.metric and one.verdict.passed is not None:
            found.setdefault(one.expectation.metric, []).append(one.verdict.score)
    return {name: math.fsum(scores) / len(scores) for name, scores in sorted(found.items())}


def checks_of(tests: PromptTests) -> Checks:
    """Each case's checks, opened. Raises ConfigError for an argument that cannot be used, a case that is not there."""
    names = [case.name for case in tests.cases]
    return {case.name: [(one, _opened(one, case, names)) for one in case.expect] for case in tests.cases}


def _opened(expectation: Expectation, case: Case, names: Sequence[str]) -> Check:
    check: Check = find("checks", expectation.check)(expectation.argument, expectation)
    for other in check.cases if isinstance(check, Compares) else ():
        if other not in names or other == case.name:
            raise expectation.wrong(f"there is no other case '{other}'.", did_you_mean(other, names))
    known = [one.name for one in case.codebook.questions]
    for path in (expectation.question, *(check.questions if isinstance(check, Reads) else ())):
        question = path.partition(".")[0]
        if question and question not in known:
            said = f"codebook '{case.codebook.name}' has no question '{question}'."
            raise expectation.wrong(said, did_you_mean(question, known))
    for path, labels in check.labels.items() if isinstance(check, Wants) else ():
        for label in labels:
            allowed = case.labels_of(path)
            if allowed and label not in allowed:
                raise expectation.wrong(f"'{path}' has no label '{label}'.", did_you_mean(label, allowed))
    return check


def asking(checks: Checks) -> list[Asks]:
    """The checks that ask somebody themselves."""
    return [check for pairs in checks.values() for _, check in pairs if isinstance(check, Asks)]


def embedding(checks: Checks) -> list[Expectation]:
    """The expectations for which somebody has to embed texts."""
    return [one for pairs in checks.values() for one, check in pairs if isinstance(check, Embeds) and check.embeds]


async def judge(checks: Checks, agent: str, answers: Answers, judges: Judges) -> list[Outcome]:
    """Every case that was answered, judged."""
    outcomes = []
    for name, pairs in checks.items():
        if name not in answers:
            continue
        others = {other: said for other, said in answers.items() if other != name}
        trial = Trial(name, agent, answers[name], others)
        judged = [
            Judged(expectation, await _verdict(expectation, check, trial, judges)) for expectation, check in pairs
        ]
        outcomes.append(Outcome(name, agent, answers[name], tuple(judged)))
    return outcomes


async def _verdict(expectation: Expectation, check: Check, trial: Trial, judges: Judges) -> Verdict:
    """A judge who cannot be asked fails nobody's light to green."""
    try:
        verdict = await check.judge(trial, judges)
    except (ProviderError, ConfigError) as error:
        return Verdict(False, 0.0, f"it could not be judged: {error.message}")
    return negated(verdict, expectation.share) if expectation.negated else verdict
