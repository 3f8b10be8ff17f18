"""From a tool's own scores to a codebook's answers, by rules that can be read aloud and moved afterwards.

What `conf/agent/vader.yaml` says under `parameters.answers`, a question of the codebook each:

    answers:                                              # a part of a group by its path: criteria.verdict, topics.art
      sentiment:                                          # a list of rules: the first that holds is the answer
        - {label: mixed, when: {pos: ">= 0.2", neg: ">= 0.2"}}
        - {label: positive, when: {compound: ">= 0.05"}}
        - {label: negative, when: {neg: "> pos"}}         # one score against another
        - {label: mixed, when: {verdict: is BOTH}}        # a score that is a word
        - {label: no_impact}                              # no `when`: in every other case
      valence: compound                                   # a number is asked: the score as it is

Rules are a list because their order counts; two orders are two methods, and two agents.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from pydantic import Field, ValidationError

from buttermilk.core.errors import ConfigError, Permanent, did_you_mean
from buttermilk.core.flows import Agent, Codebook, Question
from buttermilk.core.jobs import Job
from buttermilk.core.questions import answers_from
from buttermilk.core.values import Json, Value

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
_CONDITION = re.compile(r"\s*(>=|<=|==|>|<)\s*(\S+)\s*|\s*is\s+(.*\S)\s*")

Scalar = str | float | int | bool | None


class Condition(NamedTuple):
    """`neg: "> pos"` is Condition("neg", ">", "pos")."""

    score: str
    sign: str
    bound: float | str

    def holds(self, raw: Mapping[str, Any]) -> bool:
        if self.sign == "is":
            return bool(raw[self.score] == self.bound)
        bound = raw[self.bound] if isinstance(self.bound, str) else self.bound
        return _SIGNS[self.sign](raw[self.score], bound)

    @property
    def scores(self) -> tuple[str, ...]:
        return (self.score, self.bound) if isinstance(self.bound, str) and self.sign != "is" else (self.score,)


class Rule(Value):
    """`{label: mixed, when: {pos: ">= 0.2", neg: ">= 0.2"}}`: all conditions of one rule must hold together."""

    label: str
    when: Mapping[str, str] = Field(default={}, description="score -> condition; none: in every other case")

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Raises ValueError where a condition cannot be read."""
        return tuple(_condition(score, text) for score, text in self.when.items())


def _condition(score: str, text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise ValueError(f"cannot read the condition '{score}: {text}'")
    sign, bound, word = match.groups()
    if word is not None:
        return Condition(score, "is", word)
    try:
        return Condition(score, sign, float(bound))
    except ValueError:
        return Condition(score, sign, bound)


def apply_rules(rules: Sequence[Rule], raw: Mapping[str, Any]) -> str | None:
    """The label of the first rule that holds; None where none does. `raw` is a tool's output as it was stored."""
    for rule in rules:
        if all(condition.holds(raw) for condition in rule.conditions):
            return rule.label
    return None


class Scale(Value):
    """How one agent's scores answer questions: question -> rules, or the name of the score that is the answer."""

    agent: str
    answers: Mapping[str, tuple[Rule, ...] | str]

    def values(self, codebook: Codebook, raw: Mapping[str, Any]) -> dict[str, Json]:
        """An answer per question; null where the tool has none to give, which `check` allows for optional questions."""
        return answers_from(codebook.questions, self._leaves(codebook, raw))

    def _leaves(self, codebook: Codebook, raw: Mapping[str, Any]) -> dict[str, Scalar]:
        return {leaf.name: self._value(leaf.name, raw) for leaf in codebook.leaves}

    def read(self, codebook: Codebook, raw: Mapping[str, Any]) -> dict[str, Json]:
        """`values` of what a stranger's code said. Raises Permanent where a score is missing, or not of its kind."""
        try:
            values = self._leaves(codebook, raw)
        except KeyError as error:
            found = ", ".join(name for name in raw if name != "reply") or "none"
            raise Permanent(f"the answer has no score {error}; it has: {found}", kind="no_score") from error
        except TypeError as error:
            raise Permanent("a rule compares a score that is no number", kind="no_score") from error
        for question in codebook.leaves:
            value, number = values[question.name], question.level in ("interval", "ratio")
            if not question.labels and value is not None and isinstance(value, str) == number:
                raise Permanent(f"{value!r} is no answer to '{question.name}' ({question.level})", kind="no_score")
        return answers_from(codebook.questions, values)

    def _value(self, question: str, raw: Mapping[str, Any]) -> Scalar:
        answer = self.answers.get(question, ())
        if isinstance(answer, str):
            score: Scalar = raw[answer]
            return score
        return apply_rules(answer, raw)

    def check(self, codebook: Codebook) -> None:
        """Raises ConfigError where the rules and the codebook do not fit each other."""
        for question in codebook.every:
            if question.many and not question.labels:
                hint = "Ask that of models alone, in a step with a codebook of its own."
                raise self._wrong(f"'{question.name}' is answered by a list, which a tool cannot make.", hint)
        known = [question.name for question in codebook.leaves]
        for name in self.answers:
            if name not in known:
                raise self._wrong(f"codebook '{codebook.name}' has no question '{name}'.", did_you_mean(name, known))
        for question in codebook.leaves:
            self._check_question(question, codebook.name)

    def _check_question(self, question: Question, codebook: str) -> None:
        answer = self.answers.get(question.name)
        if answer is None:
            if not question.optional:
                hint = (
                    f"Add rules for it under `parameters.answers`, or `optional: true` to it in codebook '{codebook}'."
                )
                raise self._wrong(f"nothing says how to answer '{question.name}', which must be answered.", hint)
            return
        if isinstance(answer, str) != (not question.labels):
            wanted = "a list of rules" if question.labels else "the name of one score"
            raise self._wrong(f"the question '{question.name}' is {question.level}.", f"Give {wanted} for it.")
        if isinstance(answer, str):
            return
        for rule in answer:
            if rule.label not in question.label_names:
                hint = did_you_mean(rule.label, question.label_names)
                raise self._wrong(f"question '{question.name}' has no label '{rule.label}'.", hint)
        if answer[-1].when and not question.optional:
            hint = "Let the last rule be a label without `when`: it is the answer in every other case."
            raise self._wrong(f"some texts would get no answer to '{question.name}'.", hint)

    def _wrong(self, message: str, hint: str) -> ConfigError:
        return ConfigError(message, where=f"agent '{self.agent}'", hint=hint)


class Scaled:
    """A tool with a scale: what it said is kept whole, and read by whichever rules stand now."""

    deterministic: ClassVar[bool] = True
    _scale: Scale

    def check(self, codebook: Codebook) -> None:
        """Raises ConfigError where the agent's rules do not fit the codebook."""
        self._scale.check(codebook)

    def reread(self, codebook: Codebook, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._scale.read(codebook, raw)

    async def close(self) -> None:
        """Nothing is held open, unless a tool says otherwise."""


def scale_of(agent: Agent, scores: Iterable[str], *, also: Iterable[str] = ()) -> Scale:
    """What the agent's parameters say under `answers`, checked against the scores that the tool gives.

    `also` names the tool's other parameters. Raises ConfigError.
    """
    where = f"agent '{agent.name}'"
    allowed = {"answers", *also}
    for name in agent.parameters:
        if name not in allowed:
            raise ConfigError(
                f"'{agent.type}' has no parameter '{name}'.", where=where, hint=did_you_mean(name, allowed)
            )
    answers = agent.parameters.get("answers")
    if not isinstance(answers, dict) or not answers:
        hint = "Like this: answers: {sentiment: [{label: positive, when: {SCORE: '>= 0.05'}}, {label: negative}]}"
        raise ConfigError("`parameters.answers` says for no question how to answer it.", where=where, hint=hint)
    known = sorted(scores)
    return Scale(agent=agent.name, answers={name: _answer(where, name, item, known) for name, item in answers.items()})


def _answer(where: str, question: str, given: Json, scores: list[str]) -> tuple[Rule, ...] | str:
    if isinstance(given, str):
        _check_score(where, question, given, scores)
        return given
    if not isinstance(given, list) or not given:
        hint = "Give a list of rules, or the name of the score that is the answer."
        raise ConfigError(f"`answers.{question}` is not readable: {given!r}.", where=where, hint=hint)
    rules = tuple(_rule(where, question, number, item) for number, item in enumerate(given, start=1))
    for number, rule in enumerate(rules, start=1):
        for condition in rule.conditions:
            for score in condition.scores:
                _check_score(where, question, score, scores)
        if not rule.when and number < len(rules):
            hint = "Move it to the end, or say `when` it holds."
            raise ConfigError(f"`answers.{question}`: nothing gets past rule {number}.", where=where, hint=hint)
    return rules


def _rule(where: str, question: str, number: int, given: Json) -> Rule:
    """Reading the conditions here finds what is wrong with them before anything is asked."""
    try:
        rule = Rule.model_validate(given)
        _ = rule.conditions
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(item) for item in first["loc"])
        reason = f"{key}: {first['msg']}" if key else first["msg"]
    except ValueError as error:
        reason = str(error)
    else:
        return rule
    hint = (
        "A rule looks like this: {label: mixed, when: {pos: '>= 0.2', neg: '> pos'}}; the signs are >= <= > < ==, is."
    )
    raise ConfigError(f"`answers.{question}`, rule {number}: {reason}.", where=where, hint=hint)


def _check_score(where: str, question: str, score: str, scores: list[str]) -> None:
    if score not in scores:
        message = f"`answers.{question}` speaks of a score '{score}', which this tool does not give."
        raise ConfigError(message, where=where, hint=did_you_mean(score, scores))


def text_of(job: Job) -> str:
    """The record's words, and those that stand in for its media. Raises Permanent where there are none to read."""
    parts = (part.text if part.text is not None else part.alt for part in job.record.parts)
    text = "\n\n".join(part for part in parts if part)
    if not text.strip():
        raise Permanent(
            f"record '{job.record.record_id}' has no words that '{job.agent.type}' could read", kind="no_text"
        )
    return text
