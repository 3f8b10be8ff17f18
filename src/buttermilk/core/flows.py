"""Who is asked what, and how often: codebooks, perspectives, prompts, agents, steps and flows, all as values."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from buttermilk.core.hashing import fingerprint
from buttermilk.core.priors import PRIOR_ARMS, Priors
from buttermilk.core.questions import COPIED, IN_WORDS, UNSAID, LabelDefinition, Question, object_schema, places
from buttermilk.core.values import Json, Scalar, Value, plain

__all__ = ["LabelDefinition", "Question"]  # what a codebook is made of can be had from here as well
_NUMBERED = re.compile(r"\s{0,3}\d{1,3}[.)]\s+(.*)")
Role = Literal["system", "user", "assistant"]
Strategy = Literal["native", "tool", "prompted"]
CitableKind = Literal["prompt", "perspective", "codebook"]


class Citable(Value):
    """What people write, change and cite: a prompt, criteria, a codebook. The `hash` is of what is asked alone: a
    corrected credit line asks nobody again."""

    name: str
    version: str = ""
    title: str = ""
    description: str = ""
    author: str = ""
    source: str = ""
    licence: str = ""
    changelog: str = ""

    @property
    @abstractmethod
    def hash(self) -> str: ...

    @property
    def version_name(self) -> str:
        """`judge@3f9a1c`"""
        return f"{self.name}@{self.hash[:6]}"


class Codebook(Citable):
    """Versioned questions. The same codebook makes the model's output schema and the human coding screen."""

    version: str = "1"
    questions: tuple[Question, ...] = Field(min_length=1)

    @cached_property
    def hash(self) -> str:
        """Of the questions alone."""
        return fingerprint([question.identity for question in self.questions])

    def question(self, name: str) -> Question:
        return next(question for question in self.questions if question.name == name)

    def of(self, perspective: "Perspective | None") -> "Codebook":
        """As it is asked from a perspective: see `Question.of`. Without criteria, each question is asked once."""
        criteria = perspective.criteria if perspective else ()
        if not criteria or not any(question.each for question in self.questions):
            return self
        return self.model_copy(update={"questions": tuple(question.of(criteria) for question in self.questions)})

    @cached_property
    def every(self) -> tuple[Question, ...]:
        """Its questions, and those within them."""
        return tuple(one for question in self.questions for one in question.every)

    @cached_property
    def nested(self) -> bool:
        """Whether any answer is more than one value."""
        return any(question.many or question.parts for question in self.questions)

    @cached_property
    def quotes(self) -> bool:
        """Whether something in its answers is to be found again in what was read."""
        return any(question.level in COPIED for question in self.every)

    @cached_property
    def cites(self) -> bool:
        return any(question.level == "answer" for question in self.every)

    def cited(self, answers: Mapping[str, Any] | None) -> frozenset[str]:
        """Where ids of answers that were read are cited: `differences.1.positions.2.answers.1`."""
        if not self.cites:
            return frozenset()
        return frozenset(leaf.name for leaf, _ in leaves_of(self, answers) if leaf.level == "answer")

    @cached_property
    def by_path(self) -> dict[str, Question]:
        return {place.path: place.leaf for place in places(self.questions, {})} if self.nested else {}

    @cached_property
    def leaves(self) -> tuple[Question, ...]:
        """What every answer says something to, flat: `sentiment`, `criteria.c1.verdict`, of labels of which several
        may be given `topics.politics` (yes or no), of any other list `frames.count`."""
        return tuple(self.by_path.values()) if self.nested else self.questions

    @property
    def coded(self) -> tuple[Question, ...]:
        """Of the leaves those that are answered by a label or a number."""
        return tuple(leaf for leaf in self.leaves if leaf.level not in IN_WORDS)

    @cached_property
    def schema_(self) -> dict[str, Json]:
        """The JSON Schema of an answer: closed labels as `enum`, every question required, nothing else allowed."""
        return object_schema(self.questions)


def leaves_of(codebook: Codebook, answers: Mapping[str, Any] | None) -> Iterator[tuple[Question, Any]]:
    """Every leaf with what is said to it, in the codebook's order: the fixed ones, UNSAID where they are left out, and
    those of the lists that this answer has: `frames.1.problem`, `frames.1.evidence.2`."""
    if not codebook.nested:
        yield from ((question, (answers or {}).get(question.name, UNSAID)) for question in codebook.questions)
        return
    for place in places(codebook.questions, answers or {}):
        yield codebook.by_path.get(place.path) or place.leaf, place.value


def said_by_path(codebook: Codebook, answers: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The same without the questions, and without what is left out: `{"criteria.c1.verdict": "kept"}`."""
    if not codebook.nested or not answers:
        return answers or {}
    return {place.path: place.value for place in places(codebook.questions, answers) if place.value is not UNSAID}


class Perspective(Citable):
    """A named set of criteria: a theory, a style guide, a community's standard."""

    text: str
    retrieved: str = ""

    @cached_property
    def hash(self) -> str:
        """Of the text alone."""
        return fingerprint(self.text)

    @cached_property
    def criteria(self) -> tuple[str, ...]:
        """The points of a numbered list: `1. Be accurate.` -> `("Be accurate.",)`. A point ends with a blank line."""
        points: list[str] = []
        inside = False
        for line in self.text.split("\n"):
            numbered = _NUMBERED.fullmatch(line)
            if numbered:
                points.append(numbered[1].strip())
            elif inside and line.strip():
                points[-1] += " " + line.strip()
            inside = bool(numbered) or (inside and bool(line.strip()))
        return tuple(points)


class Section(Value):
    """One message of a prompt before it is rendered. The split into roles is made here, before any record is seen."""

    role: Role
    template: str
    line: int = Field(default=1, description="where in its file it begins, for messages; not part of what it is")


class Prompt(Citable):
    """A versioned template with all it includes, so that it renders anywhere and in ten years.

    `includes` maps the name in `{% include "rules.md" %}` to its text.
    """

    sections: tuple[Section, ...] = Field(min_length=1)
    includes: Mapping[str, str] = Field(default_factory=dict)
    inputs: tuple[str, ...] = Field(default=(), description="variables it expects beyond record and codebook")

    @cached_property
    def hash(self) -> str:
        """Of the resolved template: the sections and what they include."""
        return fingerprint([[[part.role, part.template] for part in self.sections], dict(self.includes)])


class Capabilities(Value):
    """What a model takes and gives, and how it is given. What is empty here is not part of an agent's hash."""

    inputs: tuple[Literal["text", "image", "audio", "video", "pdf"], ...] = ("text",)
    answers: Strategy = Field(default="native", description="how the answer's schema is asked for")
    seed: bool = Field(default=False, description="true: send the job's seed; whether it is honoured is its affair")
    media: Literal["", "upload"] = Field(default="", description="upload: each file once, by the vendor's files API")
    cache: Literal["", "prefix"] = Field(
        default="", description="prefix: mark what the jobs of a cell begin with; OpenAI and Gemini find it themselves"
    )


class Limits(Value):
    """How hard an endpoint may be pressed. Not part of who answers."""

    concurrency: int = Field(default=64, ge=1, description="most calls in flight")
    start: int = Field(default=8, ge=1, description="calls in flight at first; grows while the answers come")
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    bytes_in_flight: int | None = Field(default=None, gt=0)
    timeout_seconds: float = Field(default=120, gt=0)
    attempts: int = Field(default=6, ge=1, description="tries per job in one run, all kinds of failure together")


class Price(Value):
    """Of one model, per million tokens, from a dated source: `simulated` is free and says so."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0, description="of input that is put into a cache")
    cache_write_hour: float | None = Field(default=None, ge=0, description="... which keeps it for an hour")
    batch: float = Field(default=1, ge=0, le=1, description="share of it that is paid for answers in a batch")
    currency: str = "USD"
    source: str = Field(min_length=1, description="who says so")
    dated: str = Field(min_length=1, description="when it was read: 2026-11-22")

    @property
    def version(self) -> str:
        return f"{self.source} ({self.dated})"


class Agent(Value):
    """Who answers, as a value: a model with its parameters, an analysis tool, or a human coder.

    `type` is the name of a plug in `models/` or `tools/`. `parameters` are sent as they stand: none is added.
    """

    name: str
    type: str
    role: Literal["model", "tool", "human"] = "model"
    model: str = ""
    parameters: Mapping[str, Json] = Field(default_factory=dict)
    base_url: str = ""
    door: str = Field(default="", description="the cloud one gets in by: vertex, azure, foundry, bedrock")
    provider: str = Field(default="", description="stands for the address in the identity, where the address moves")
    key: str = Field(default="", description="a reference: secret://env/NAME")
    headers: Mapping[str, str] = Field(
        default_factory=dict, description="extra headers; a value may be a secret reference"
    )
    capabilities: Capabilities = Capabilities()
    limits: Limits = Limits()
    price: Price | None = None
    deterministic: bool = Field(default=False, description="asked once: a second asking would tell nothing")
    family: str = Field(
        default="",
        exclude_if=lambda family: not family,
        description="of the model; else its name tells: `core.kinship`",
    )

    @cached_property
    def hash(self) -> str:
        """Of what decides the answer: not the key, the limits or the price."""
        address = self.provider or self.base_url
        return fingerprint([self.type, self.model, dict(self.parameters), address, plain(self.capabilities)])

    @cached_property
    def raw_hash(self) -> str:
        """Of what decides a tool's own scores: the rules that make answers of them are left out."""
        return self.model_copy(
            update={"parameters": {name: item for name, item in self.parameters.items() if name != "answers"}}
        ).hash


class Step(Value):
    """One question put to several agents, from several perspectives, several times. Every list is an axis."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    agents: tuple[Agent, ...] = Field(min_length=1)
    prompts: tuple[Prompt, ...] = Field(default=(), description="none where only tools answer")
    perspectives: tuple[Perspective, ...] = ()
    codebook: Codebook
    repeats: int = Field(default=1, ge=1)
    after: tuple[str, ...] = ()
    reads: Mapping[str, str] = Field(
        default_factory=dict, description="template variable -> the earlier step whose answers it is"
    )
    variables: Mapping[str, tuple[Scalar, ...]] = Field(default_factory=dict, description="swept template variables")
    arm: str = "control"
    priors: Priors | None = Field(default=None, description="earlier answers shown in an arm beside this one")
    blind: bool = Field(default=False, description="what it reads is shown without who said it")
    quorum: float = Field(default=0, ge=0, le=1, description="share of a panel that must have answered to be read")

    @model_validator(mode="before")
    @classmethod
    def _arm_of_a_reader(cls, given: Any) -> Any:
        """Whoever reads answers is no judge beside those who gave them (METHODS 1.6), and no source of priors."""
        reads = isinstance(given, dict) and given.get("reads") and not given.get("arm") and not given.get("priors")
        return {**given, "arm": "synthesis"} if reads else given

    @model_validator(mode="after")
    def _control_stays(self) -> "Step":
        """The control arm is no choice: it is there wherever priors are, and nothing else has their arms' names."""
        if self.arm in PRIOR_ARMS.values() or (self.priors and self.arm != "control"):
            raise ValueError(
                f"the arm cannot be '{self.arm}': a step with `priors` is asked in the arm 'control' and in theirs "
                "beside it, and neither can be switched off. Take `arm` out"
            )
        return self

    @property
    def gives(self) -> frozenset[str]:
        """The variables that its prompts may ask for."""
        more = [name for name, there in (("perspective", self.perspectives), ("priors", self.priors)) if there]
        return frozenset({"record", "codebook", *self.reads, *self.variables, *more})

    @cached_property
    def hash(self) -> str:
        parts = [self.name, self.arm, self.repeats, list(self.after), dict(self.reads), self.codebook.hash]
        more = {"priors": self.priors and plain(self.priors), "blind": self.blind, "quorum": self.quorum}
        parts += [said] if (said := {name: value for name, value in more.items() if value}) else []
        axes = [[item.hash for item in axis] for axis in (self.agents, self.prompts, self.perspectives)]
        return fingerprint([*parts, *axes, {name: list(values) for name, values in self.variables.items()}])


class Analysis(Value):
    """What is to be estimated, declared with the flow: the share of a label, or how it hangs on a column."""

    outcome: str = Field(default="", description="the question; every one where it is empty")
    label: str = Field(default="", description="whose share; the commonest where it is empty")
    covariate: str = Field(default="", description="a column of the data set: numbers, or two different texts")
    primary: str = Field(
        default="", description="the cell that counts: `gpt · tja · the majority`, `all · their shares`"
    )


class Flow(Value):
    """A study's method: steps in an order that respects `after`, the seed and the wave they are asked in."""

    name: str
    title: str = ""
    dataset: str = ""
    steps: tuple[Step, ...] = Field(min_length=1)
    seed: int = 1
    wave: str = "1"
    anchor: int = Field(default=30, ge=1, description="so many records, drawn by the seed, are asked in every wave")
    variant: Mapping[str, Scalar] = Field(
        default_factory=dict, description="what a sweep (-m) set for this one: key -> value"
    )

    @cached_property
    def hash(self) -> str:
        steps: list[Json] = [step.hash for step in self.steps]
        return fingerprint([self.name, self.dataset, self.seed, self.wave, dict(self.variant), steps])

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)
