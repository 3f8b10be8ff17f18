"""What is asked, as questions within questions, and answers to them, leaf by leaf."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from buttermilk.core.values import Json, Value, plain

IN_WORDS = ("text", "quote", "answer")  # the levels whose answers are not compared
Level = Literal["nominal", "ordinal", "interval", "ratio", "text", "quote", "answer", "group"]


class LabelDefinition(Value):
    """A closed label, what it means, and cases that show it."""

    name: str
    definition: str = ""
    examples: tuple[str, ...] = ()


class Question(Value):
    """One thing that is asked: its wording, its level of measurement, and what may be answered.

    A `group` is answered by an object, a key for each of its `parts`; `many` is answered by a list of such answers, and
    an empty list is an answer. A `quote` is words copied from the record, an `answer` the id of an answer read.
    """

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    ask: str
    level: Level = "nominal"
    labels: tuple[LabelDefinition, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    optional: bool = Field(default=False, description="true: `null` is an answer too, and means: does not apply")
    parts: tuple["Question", ...] = Field(default=(), exclude_if=lambda parts: not parts)
    many: bool = Field(default=False, exclude_if=lambda many: not many)
    each: Literal["", "criterion"] = Field(default="", exclude_if=lambda each: not each)

    @model_validator(mode="after")
    def _level_fits(self) -> "Question":
        closed, names = self.level in ("nominal", "ordinal"), self.label_names
        for wrong, said in (
            (closed and len(self.labels) < 2, "and needs at least two labels"),
            (not closed and self.labels, "and takes no labels"),
            (self.level == "group" and not self.parts, "and has no questions of its own"),
            (self.level != "group" and self.parts, "and takes no questions of its own: leave out its level"),
        ):
            if wrong:
                raise ValueError(f"question '{self.name}' is {self.level} {said}")
        if len(set(names)) != len(names):
            raise ValueError(f"question '{self.name}' names a label twice")
        if self.optional and (self.many or self.parts):
            said = "an empty list says that there is none" if self.many else "let each of its questions be optional"
            raise ValueError(f"question '{self.name}' cannot be optional: {said}")
        if any(part.each for part in self.parts):
            raise ValueError(f"question '{self.name}' is a group: `each` stands there, and not at what is in it")
        return self

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides an answer, without what is empty, within its parts too."""
        own = plain(self, without=frozenset({"parts"}))
        return own | {"parts": [part.identity for part in self.parts]} if self.parts else own

    @property
    def every(self) -> "Iterator[Question]":
        """Itself and whatever is asked within it."""
        yield self
        for part in self.parts:
            yield from part.every

    def of(self, criteria: tuple[str, ...]) -> "Question":
        """Written out, where it is asked of each criterion: a group of `c1`, `c2`, …, each in a criterion's words."""
        if not self.each or not criteria:
            return self
        asked = [(f"c{number}", words) for number, words in enumerate(criteria, 1)]
        parts = tuple(self.model_copy(update={"name": name, "ask": words, "each": ""}) for name, words in asked)
        return Question(name=self.name, ask=self.ask, level="group", parts=parts)


COPIED = {
    "quote": "Copied letter for letter from the text.",
    "answer": "The id of an answer that was given to read, copied sign for sign.",
}


def object_schema(questions: tuple[Question, ...]) -> dict[str, Json]:
    """Every question required, nothing else allowed, and null by the list of types: as strict modes want it."""
    properties: dict[str, Json] = {question.name: _schema(question) for question in questions}
    required: list[Json] = [question.name for question in questions]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _schema(question: Question) -> dict[str, Json]:
    words = [question.ask] + [f"{label.name}: {label.definition}" for label in question.labels if label.definition]
    words += [COPIED[question.level]] if question.level in COPIED else []
    said: dict[str, Json] = {"description": "\n".join(words)}
    if question.many:
        return {"type": "array", **said, "items": _value(question)}
    value = _value(question)
    return {"type": value.pop("type"), **said, **value}


def _value(question: Question) -> dict[str, Json]:
    """Of one answer, without its wording."""
    if question.parts:
        return object_schema(question.parts)
    kind = "string" if question.labels or question.level in IN_WORDS else "number"
    schema: dict[str, Json] = {"type": [kind, "null"] if question.optional else kind}
    if question.labels:
        schema["enum"] = [*question.label_names, None] if question.optional else list(question.label_names)
    if question.minimum is not None:
        schema["minimum"] = question.minimum
    if question.maximum is not None:
        schema["maximum"] = question.maximum
    return schema


# ---- answers, leaf by leaf

UNSAID: Any = object()
"""What an answer says to a question that it leaves out, which is no null."""

YES_NO = (LabelDefinition(name="yes"), LabelDefinition(name="no"))
_LABEL = {"level": "nominal", "labels": YES_NO, "many": False}
_COUNT = {"level": "ratio", "labels": (), "parts": (), "minimum": 0.0, "maximum": None, "many": False}
_ITEM = {"many": False}


class Place(NamedTuple):
    """Where in an answer a leaf stands, and what is said there."""

    path: str
    ask: str
    question: Question
    changes: Mapping[str, Any]
    value: Any

    @property
    def leaf(self) -> Question:
        """Not checked again: of all questions, a leaf alone has dots in its name."""
        return self.question.model_copy(update={"name": self.path, "ask": self.ask, **self.changes})


def places(questions: tuple[Question, ...], answers: Any, before: str = "", asked: str = "") -> Iterator[Place]:
    said = answers if isinstance(answers, Mapping) else {}
    for question in questions:
        path, ask = before + question.name, f"{asked} {question.ask}".lstrip()
        value = said.get(question.name, UNSAID)
        if question.many:
            yield from _places_of_list(question, value, path, ask)
        else:
            yield from _places_of_one(question, value, path, ask)


def _places_of_list(question: Question, value: Any, path: str, ask: str) -> Iterator[Place]:
    given = list(value) if isinstance(value, list | tuple) else None
    if question.labels:
        for label in question.labels:
            asks = f"{ask} {label.name}: {label.definition}" if label.definition else f"{ask} {label.name}?"
            answer = UNSAID if given is None else "yes" if label.name in given else "no"
            yield Place(f"{path}.{label.name}", asks, question, _LABEL, answer)
        return
    yield Place(f"{path}.count", f"{ask} (How many?)", question, _COUNT, UNSAID if given is None else len(given))
    for number, item in enumerate(given or (), 1):
        yield from _places_of_one(question, item, f"{path}.{number}", ask)


def _places_of_one(question: Question, value: Any, path: str, ask: str) -> Iterator[Place]:
    if question.parts:
        yield from places(question.parts, value, f"{path}.", ask)
    else:
        yield Place(path, ask, question, _ITEM, value)


def answers_from(questions: tuple[Question, ...], said: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """An answer put together from what is said to its fixed leaves: `{"topics.art": "yes"}` -> `{"topics": ["art"]}`.

    A list that is not of labels has no fixed leaves but its number, and comes out empty."""
    answers: dict[str, Any] = {}
    for question in questions:
        path = before + question.name
        if question.many:
            answers[question.name] = [name for name in question.label_names if said[f"{path}.{name}"] == "yes"]
        elif question.parts:
            answers[question.name] = answers_from(question.parts, said, f"{path}.")
        else:
            answers[question.name] = said[path]
    return answers
