"""What a template sees: of a record only what may be sent, of a codebook the words, of earlier answers every one."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from buttermilk.core.flows import Codebook, LabelDefinition, Perspective, Question
from buttermilk.core.hashing import derive_seed
from buttermilk.core.jobs import Answer, Job
from buttermilk.core.records import Part
from buttermilk.prompts.sandbox import Media, View

_NUMBERED = re.compile(r"\s{0,3}\d{1,3}[.)]\s+(.*)")


PART_FIELDS = ("kind", "text", "role", "media_type", "alt")
PERSPECTIVE_FIELDS = ("name", "title", "text", "criteria")
CODEBOOK_FIELDS = ("name", "title", "questions", "instructions")
QUESTION_FIELDS = ("name", "ask", "level", "labels", "minimum", "maximum", "optional")
LABEL_FIELDS = ("name", "definition", "examples")
ANSWER_FIELDS = ("id", "agent", "perspective", "repeat", "status", "values")


def _view(what: str, item: object, fields: Sequence[str], **instead: Any) -> View:
    """The fields of a value as they are, or what stands instead of one."""
    return View(what, {name: instead[name] if name in instead else getattr(item, name) for name in fields})


def _part(part: Part) -> View:
    return _view("a part of the record", part, PART_FIELDS)


def _media(*kinds: str) -> Callable[[Job], Media]:
    return lambda job: Media(_part(part) for part in job.record.parts if part.kind in kinds)


def _title(job: Job) -> str:
    return next((part.text for part in job.record.parts if part.role == "title" and part.text is not None), "")


def _metadata(job: Job) -> View:
    metadata = job.record.metadata
    return View("record.metadata", {name: metadata[name] for name in job.sent_columns if name in metadata})


MEDIA_FIELDS = frozenset({"media", "image", "audio", "video", "pdf"})
RECORD_FIELDS: Mapping[str, Callable[[Job], Any]] = {
    "id": lambda job: job.record.record_id,
    "text": lambda job: job.record.text,
    "title": _title,
    "metadata": _metadata,
    "parts": lambda job: [_part(part) for part in job.record.parts],
    "media": _media("image", "audio", "video", "pdf"),
    **{kind: _media(kind) for kind in ("image", "audio", "video", "pdf")},
}


def record_view(job: Job, fields: Sequence[str]) -> View:
    """Only the fields that the template reads are made."""
    return View("record", {name: RECORD_FIELDS[name](job) for name in fields})


def perspective_view(perspective: Perspective) -> View:
    title, criteria = perspective.title or perspective.name, criteria_of(perspective.text)
    return _view("perspective", perspective, PERSPECTIVE_FIELDS, title=title, criteria=criteria)


def criteria_of(text: str) -> list[str]:
    """The points of a numbered list: `1. Be accurate.` -> `["Be accurate."]`. A point ends with a blank line."""
    points: list[str] = []
    inside = False
    for line in text.split("\n"):
        numbered = _NUMBERED.fullmatch(line)
        if numbered:
            points.append(numbered[1].strip())
        elif inside and line.strip():
            points[-1] += " " + line.strip()
        inside = bool(numbered) or (inside and bool(line.strip()))
    return points


def codebook_view(codebook: Codebook) -> View:
    questions = [
        _view(
            "a question of the codebook",
            question,
            QUESTION_FIELDS,
            labels=[
                _view("a label of the codebook", label, LABEL_FIELDS, examples=list(label.examples))
                for label in question.labels
            ],
        )
        for question in codebook.questions
    ]
    title, told = codebook.title or codebook.name, instructions(codebook)
    return _view("codebook", codebook, CODEBOOK_FIELDS, title=title, questions=questions, instructions=told)


def instructions(codebook: Codebook) -> str:
    """The questions and what may be answered, in words that a person and a model read alike."""
    return "\n\n".join(_in_words(question) for question in codebook.questions)


def _in_words(question: Question) -> str:
    lines = [f"{question.name}: {question.ask}"]
    if question.labels:
        order = ", in order from lowest to highest" if question.level == "ordinal" else ""
        lines.append(f"Answer with exactly one of these{order}:")
        lines += [_label_in_words(label) for label in question.labels]
    elif question.level == "text":
        lines.append("Answer in your own words.")
    else:
        lines.append(f"Answer with a number{_range(question)}.")
    if question.optional:
        lines.append("Where the question does not apply, answer null.")
    return "\n".join(lines)


def _label_in_words(label: LabelDefinition) -> str:
    definition = f": {label.definition}" if label.definition else ""
    examples = "".join(f"\n  Example: {example}" for example in label.examples)
    return f"- {label.name}{definition}{examples}"


def _range(question: Question) -> str:
    low, high = question.minimum, question.maximum
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    return f" of at most {high:g}" if high is not None else ""


def answers_view(job: Job, name: str) -> list[View]:
    """The earlier answers in an order drawn from the seed: no agent is always first, and every rerun sees the same."""

    def drawn(answer: Answer) -> tuple[int, str]:
        return derive_seed(job.seed, "reads", job.record.record_id, answer.job_id), answer.job_id

    return [_answer(answer, name) for answer in sorted(job.inputs[name], key=drawn)]


def _answer(answer: Answer, name: str) -> View:
    values = None if answer.values is None else dict(answer.values)
    return _view(f"an answer of {name}", answer, ANSWER_FIELDS, id=answer.job_id[:8], values=values)
