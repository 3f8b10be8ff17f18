"""A prompt's test cases as values: what a case was answered, what is expected of it, and the verdict on that.

A verdict is made of findings, one for each repeat, or one for all where a check compares them. Its `why`:

    wanted: the reply contains “vermin”; came in 2 of 3 repeats: “The minister said …”; no answer: it was refused
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from unicodedata import normalize

from pydantic import Field, ValidationError

from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import leaves_of
from buttermilk.core.hashing import canonical
from buttermilk.core.jobs import Job, Result
from buttermilk.core.questions import UNSAID
from buttermilk.core.values import Json, Value

SHOWN = 80  # characters of what came that a verdict shows
LISTED = 3  # different answers that it lists


class Said(NamedTuple):
    """One answer to a case."""

    job: Job
    result: Result


class Trial(NamedTuple):
    """One case as one agent answered it, its repeats in order; `others`: the same agent's answers to the other cases
    of the prompt."""

    case: str
    agent: str
    answers: tuple[Said, ...]
    others: Mapping[str, tuple[Said, ...]] = {}


class Expectation(Value):
    """`{not-contains: "as an AI", question: reason, weight: 2}`, read."""

    check: str
    argument: Json = None
    negated: bool = Field(default=False, description="it was written as not-…")
    question: str = Field(default="", description="the answer it is about, dotted; else the reply's verbatim text")
    weight: float = Field(default=1, ge=0)
    threshold: float | None = Field(default=None, gt=0, le=1, description="the score that passes")
    share: float = Field(default=1, gt=0, le=1, description="of the repeats that must pass")
    metric: str = Field(default="", description="a name under which scores are gathered")
    where: str = Field(default="", description="where it stands, for messages")

    @property
    def name(self) -> str:
        return f"not-{self.check}" if self.negated else self.check

    @property
    def place(self) -> str:
        return f"{self.where}: {self.name}" if self.where else f"check '{self.name}'"

    def wrong(self, message: str, hint: str = "") -> ConfigError:
        """What is raised where the argument cannot be used."""
        return ConfigError(message, where=self.place, hint=hint)


SIBLINGS = ("question", "weight", "threshold", "share", "metric")


def expectation_of(said: Any, known: Collection[str], where: str = "") -> Expectation:
    """One entry of `expect`, as YAML gave it. `known` are the names of all checks. Raises ConfigError."""
    like = 'Like this: {not-contains: "as an AI", question: reason}'
    if not isinstance(said, Mapping) or not all(isinstance(name, str) for name in said):
        message = f"an expectation is a check's name and what it wants, and no {said!r:.80}."
        raise ConfigError(message, where=where, hint=like)
    checks = [name for name in said if name not in SIBLINGS]
    if len(checks) != 1:
        found = " and ".join(f"'{name}'" for name in checks) or "none"
        raise ConfigError(f"an expectation names one check; here: {found}.", where=where, hint=like)
    name = checks[0]
    negated = name not in known and name.startswith("not-")
    check = name.removeprefix("not-") if negated else name
    if check not in known:
        raise ConfigError(f"there is no check '{check}'.", where=where, hint=did_you_mean(check, known))
    siblings = {key: item for key, item in said.items() if key != name}
    try:
        return Expectation(check=check, argument=said[name], negated=negated, where=where, **siblings)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][0] == "argument":  # a date, say
            message = f"'{name}' cannot use what YAML reads here as {type(first['input']).__name__}."
            raise ConfigError(message, where=where, hint="Put it in quotes.") from error
        message = f"`{first['loc'][0]}` of '{name}' cannot be {first['input']!r:.80}: {first['msg']}."
        raise ConfigError(message, where=where, hint=f"Beside a check may stand: {', '.join(SIBLINGS)}.") from error


class Finding(NamedTuple):
    """How one answer fared: `came` says in a few words what it was. `passed` None: a human has yet to say.

    `judged` is False where there was nothing to judge: such an answer fails, and fails the opposite too. An outage
    must turn no light green.
    """

    passed: bool | None
    score: float
    came: str
    judged: bool = True


class Verdict(NamedTuple):
    """On one expectation. `why` is one sentence for a scholar: what was wanted, and what came."""

    passed: bool | None  # None: nobody can say yet
    score: float  # from 0 to 1
    why: str
    wanted: str = ""
    each: tuple[Finding, ...] = ()


def nothing(came: str) -> Finding:
    return Finding(False, 0.0, came, judged=False)


def found(passed: bool, came: str) -> Finding:
    return Finding(passed, float(passed), came)


def together(wanted: str, each: Sequence[Finding], share: float = 1, verb: str = "wanted") -> Verdict:
    """The verdict on all repeats: `share` of them must pass. `wanted` is a clause: `the reply contains “vermin”`."""
    each = each or [nothing("no answer at all")]
    needed = math.ceil(share * len(each) - 1e-9)
    sure = sum(one.passed is True for one in each)
    unsaid = sum(one.passed is None for one in each)
    passed = True if sure >= needed else None if sure + unsaid >= needed else False
    telling = [one for one in each if one.passed is passed]
    different = list(dict.fromkeys(one.came for one in telling))
    more = f"; and {len(different) - LISTED} others" if len(different) > LISTED else ""
    repeats = f" in {len(telling)} of {len(each)} repeats" if len(each) > 1 else ""
    why = _printable(f"{verb}: {wanted}; came{repeats}: {'; '.join(different[:LISTED])}{more}")
    return Verdict(passed, math.fsum(one.score for one in each) / len(each), why, wanted, tuple(each))


def all_pass(said: Collection[bool | None]) -> bool | None:
    """Nobody says no, and nobody has yet to say."""
    return False if False in said else None if None in said else True


def negated(verdict: Verdict, share: float = 1) -> Verdict:
    """Of `not-contains`, where the verdict is that of `contains`: each answer the other way round.

    What could not be judged fails both, and what is open stays open.
    """
    each = verdict.each or (Finding(verdict.passed, verdict.score, verdict.why),)
    turned = [
        Finding(not one.passed, 1 - one.score, one.came) if one.judged and one.passed is not None else one
        for one in each
    ]
    return together(verdict.wanted or "what this check looks for", turned, share, verb="not wanted")


def weighed(
    verdicts: Sequence[Verdict], weights: Sequence[float], threshold: float | None = None
) -> tuple[bool | None, float]:
    """Whether several verdicts pass together, and their mean score by weight: all must pass, or, with a threshold, the
    score must reach it. What is open may turn out either way, and what weighs nothing decides nothing.
    """
    counted = [(one, weight) for one, weight in zip(verdicts, weights, strict=True) if weight]
    total = math.fsum(weight for _, weight in counted)
    score = math.fsum(one.score * weight for one, weight in counted) / total if total else 0.0
    if threshold is None:
        return all_pass([one.passed for one, _ in counted]), score
    unsaid = math.fsum(weight for one, weight in counted if one.passed is None) / total if total else 0.0
    return (True if score >= threshold - 1e-9 else None if score + unsaid >= threshold - 1e-9 else False), score


def no_answer(said: Said) -> Finding | None:
    """What stands in place of a finding about content where nothing was answered; None where something was."""
    result = said.result
    if result.status == "answered":
        return None
    if result.status == "refused":
        return nothing("no answer: it was refused")
    if result.status == "unparsed":
        return nothing("no answer: the reply could not be read")
    return nothing(f"no answer: the call failed ({result.error_kind or 'no reason given'})")


def content(said: Said, question: str = "") -> Json | Finding:
    """What a check is about: the answer to `question`, else the verbatim text; a Finding where there is none."""
    missing = no_answer(said)
    if missing:
        return missing
    if not question:
        return said.result.text
    answers = said.result.answers or {}
    leaf = next((value for one, value in leaves_of(said.job.codebook, answers) if one.name == question), UNSAID)
    values = answers_at(answers, question) if leaf is UNSAID else [leaf]
    if not values:
        return nothing(f"no answer to '{question}' (there are: {', '.join(said.result.answers or ()) or 'none'})")
    return values[0] if len(values) == 1 else values


def answers_at(answers: Json | Mapping[str, Json], path: str) -> list[Json]:
    """What stands at a dotted path: `frames.1.problem` of the first frame, `frames.problem` of all of them."""
    reached: list[Any] = [answers]
    for step in path.split("."):
        reached = [item for one in reached for item in _below(one, step)]
    return reached


def _below(value: Any, step: str) -> list[Json]:
    if isinstance(value, Mapping):
        return [value[step]] if step in value else []
    if not isinstance(value, list | tuple):
        return []
    if step.isdecimal():
        return list(value[int(step) - 1 : int(step)]) if int(step) else []
    return [item for one in value for item in _below(one, step)]


def in_text(value: Any) -> str:
    """An answer as text: itself, or its JSON; composed (NFC), so that é is é however it was typed."""
    return normalize("NFC", value if isinstance(value, str) else canonical(value))


def shown(value: Any) -> str:
    """In a sentence: on one line, cut short, nothing in it that a terminal would obey. `“The minister said …”`"""
    text = value if isinstance(value, str) else canonical(value)
    short = " ".join(text[: 8 * SHOWN].split())
    short = short if len(short) <= SHOWN and len(text) <= 8 * SHOWN else f"{short[: SHOWN - 2].rstrip()} …"
    return f"“{_printable(short)}”" if isinstance(value, str) else _printable(short)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "·" for sign in text)
