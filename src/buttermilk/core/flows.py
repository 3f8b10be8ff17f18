"""Who is asked what, and how often: codebooks, perspectives, prompts, agents, steps and flows, all as values."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from buttermilk.core.hashing import fingerprint
from buttermilk.core.values import Json, Scalar, Value, plain

Level = Literal["nominal", "ordinal", "interval", "ratio", "text"]
Role = Literal["system", "user", "assistant"]
Strategy = Literal["native", "tool", "prompted"]


class LabelDefinition(Value):
    """A closed label, what it means, and cases that show it."""

    name: str
    definition: str = ""
    examples: tuple[str, ...] = ()


class Question(Value):
    """One thing that is asked: its wording, its level of measurement, and what may be answered."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    ask: str
    level: Level = "nominal"
    labels: tuple[LabelDefinition, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    optional: bool = Field(default=False, description="true: `null` is an answer too, and means: does not apply")

    @model_validator(mode="after")
    def _level_fits(self) -> "Question":
        closed = self.level in ("nominal", "ordinal")
        if closed and len(self.labels) < 2:
            raise ValueError(f"question '{self.name}' is {self.level} and needs at least two labels")
        if not closed and self.labels:
            raise ValueError(f"question '{self.name}' is {self.level} and takes no labels")
        names = [label.name for label in self.labels]
        if len(set(names)) != len(names):
            raise ValueError(f"question '{self.name}' names a label twice")
        return self

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)


class Codebook(Value):
    """Versioned questions. The same codebook makes the model's output schema and the human coding screen."""

    name: str
    version: str = "1"
    title: str = ""
    author: str = ""
    source: str = ""
    licence: str = ""
    questions: tuple[Question, ...] = Field(min_length=1)

    @cached_property
    def hash(self) -> str:
        """Of the questions alone: a corrected credit line asks nobody again."""
        return fingerprint([plain(question) for question in self.questions])

    def question(self, name: str) -> Question:
        return next(question for question in self.questions if question.name == name)

    @cached_property
    def schema_(self) -> dict[str, Json]:
        """The JSON Schema of an answer: closed labels as `enum`, every question required, nothing else allowed."""
        properties: dict[str, Json] = {question.name: _schema(question) for question in self.questions}
        required: list[Json] = [question.name for question in self.questions]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _schema(question: Question) -> dict[str, Json]:
    words = [question.ask] + [f"{label.name}: {label.definition}" for label in question.labels if label.definition]
    kind = "string" if question.labels or question.level == "text" else "number"
    schema: dict[str, Json] = {"type": [kind, "null"] if question.optional else kind, "description": "\n".join(words)}
    if question.labels:
        schema["enum"] = [*question.label_names, None] if question.optional else list(question.label_names)
    if question.minimum is not None:
        schema["minimum"] = question.minimum
    if question.maximum is not None:
        schema["maximum"] = question.maximum
    return schema


class Perspective(Value):
    """A named, citable set of criteria: a theory, a style guide, a community's standard."""

    name: str
    text: str
    title: str = ""
    author: str = ""
    source: str = ""
    retrieved: str = ""
    licence: str = ""
    version: str = ""

    @cached_property
    def hash(self) -> str:
        """Of the text alone."""
        return fingerprint(self.text)


class Section(Value):
    """One message of a prompt before it is rendered. The split into roles is made here, before any record is seen."""

    role: Role
    template: str
    line: int = Field(default=1, description="where in its file it begins, for messages; not part of what it is")


class Prompt(Value):
    """A versioned template with all it includes, so that it renders anywhere and in ten years.

    `includes` maps the name in `{% include "rules.md" %}` to its text.
    """

    name: str
    sections: tuple[Section, ...] = Field(min_length=1)
    includes: Mapping[str, str] = Field(default_factory=dict)
    inputs: tuple[str, ...] = Field(default=(), description="variables it expects beyond record and codebook")
    description: str = ""
    version: str = ""
    author: str = ""
    licence: str = ""

    @cached_property
    def hash(self) -> str:
        """Of the resolved template: the sections and what they include."""
        return fingerprint([[[part.role, part.template] for part in self.sections], dict(self.includes)])

    @property
    def version_name(self) -> str:
        """`judge@3f9a1c`"""
        return f"{self.name}@{self.hash[:6]}"


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

    @cached_property
    def hash(self) -> str:
        parts = [self.name, self.arm, self.repeats, list(self.after), dict(self.reads), self.codebook.hash]
        axes = [[item.hash for item in axis] for axis in (self.agents, self.prompts, self.perspectives)]
        return fingerprint([*parts, *axes, {name: list(values) for name, values in self.variables.items()}])


class Flow(Value):
    """A study's method: steps in an order that respects `after`, the seed and the wave they are asked in."""

    name: str
    title: str = ""
    dataset: str = ""
    steps: tuple[Step, ...] = Field(min_length=1)
    seed: int = 1
    wave: str = "1"
    variant: Mapping[str, Scalar] = Field(
        default_factory=dict, description="what a sweep (-m) set for this one: key -> value"
    )

    @cached_property
    def hash(self) -> str:
        steps: list[Json] = [step.hash for step in self.steps]
        return fingerprint([self.name, self.dataset, self.seed, self.wave, dict(self.variant), steps])

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)
