"""What a template sees: of a record only what may be sent, of a codebook the words, of earlier answers every one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import indent
from typing import Any

from buttermilk.core.flows import Codebook, LabelDefinition, Perspective, Question
from buttermilk.core.hashing import derive_seed
from buttermilk.core.jobs import Answer, Job
from buttermilk.core.records import Part
from buttermilk.prompts.sandbox import Media, View

PART_FIELDS = ("kind", "text", "role", "media_type", "alt")
PERSPECTIVE_FIELDS = ("name", "title", "text", "criteria")
CODEBOOK_FIELDS = ("name", "title", "questions", "instructions")
QUESTION_FIELDS = ("name", "ask", "level", "labels", "minimum", "maximum", "optional", "many", "parts")
LABEL_FIELDS = ("name", "definition", "examples")
ANSWER_FIELDS = ("id", "agent", "perspective", "repeat", "status", "values")
PRIOR_FIELDS = ("values", "text")


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
    title, criteria = perspective.title or perspective.name, list(perspective.criteria)
    return _view("perspective", perspective, PERSPECTIVE_FIELDS, title=title, criteria=criteria)


def codebook_view(codebook: Codebook) -> View:
    questions = list(map(_question, codebook.questions))
    title, told = codebook.title or codebook.name, instructions(codebook)
    return _view("codebook", codebook, CODEBOOK_FIELDS, title=title, questions=questions, instructions=told)


def _question(question: Question) -> View:
    labels = [
        _view("a label of the codebook", label, LABEL_FIELDS, examples=list(label.examples))
        for label in question.labels
    ]
    parts = list(map(_question, question.parts))
    return _view("a question of the codebook", question, QUESTION_FIELDS, labels=labels, parts=parts)


def instructions(codebook: Codebook) -> str:
    """The questions and what may be answered, in words that a person and a model read alike."""
    return "\n\n".join(_in_words(question) for question in codebook.questions)


def _in_words(question: Question) -> str:
    return "\n".join([f"{question.name}: {question.ask}", *_how(question, "Answer")])


def _how(question: Question, answer: str) -> Iterator[str]:
    """`Answer with exactly one of these:`, or of each of several alike, `Answer each with exactly one of these:`"""
    if question.parts:
        yield from _how_group(question, answer)
    elif question.labels:
        order = ", in order from lowest to highest" if question.level == "ordinal" else ""
        several = "a list of every label below that fits, an empty list if none does"
        yield f"{answer} with {several if question.many else 'exactly one of these'}{order}:"
        yield from map(_label_in_words, question.labels)
    else:
        yield f"{answer} {_what(question)}."
    if question.optional:
        yield "Where the question does not apply, answer null."


def _what(question: Question) -> str:
    copied = "exactly as they stand there, with [...] where you leave words out"
    lists = {
        "text": "texts, each in your own words",
        "quote": f"passages copied from the text {copied}",
        "answer": "ids of answers above, each copied sign for sign",
    }
    if question.many:
        what = lists.get(question.level, f"numbers{_range(question)}")
        return f"with a list of {what}; an empty list if there is none"
    if question.level == "quote":
        return f"with words copied from the text {copied}"
    if question.level == "answer":
        return "with the id of one of the answers above, copied sign for sign"
    return "in your own words" if question.level == "text" else f"with a number{_range(question)}"


def _how_group(question: Question, answer: str) -> Iterator[str]:
    """The keys of an object with what belongs to each; where all are asked the same, that is said once."""
    first, *others = question.parts
    several = "a list, empty if there is nothing to name; each entry is an object with these keys"
    yield f"{answer} with {several if question.many else 'an object that has these keys'}:"
    if others and all(_bare(part) == _bare(first) for part in others):
        yield from (f"- {part.name}: {part.ask}" for part in question.parts)
        yield from _how(first, "Answer each")
    else:
        yield from (
            indent(f"\n{_in_words(part)}" if part in others else _in_words(part), "  ") for part in question.parts
        )


def _bare(question: Question) -> Question:
    return question.model_copy(update={"name": "", "ask": ""})


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
    """The earlier answers in an order drawn from the seed, another for each record and each repeat: what comes first is
    nobody's privilege, its weight is averaged out, and every rerun sees the same."""

    def drawn(answer: Answer) -> tuple[int, str]:
        return derive_seed(job.seed, "reads", job.record.record_id, job.repeat, answer.job_id), answer.job_id

    return [_answer(answer, name) for answer in sorted(job.inputs[name], key=drawn)]


def _answer(answer: Answer, name: str) -> View:
    """Of a prior answer only what it says, and of a precedent what it is about: not who gave it, when, or how often."""
    values = None if answer.values is None else dict(answer.values)
    if name == "priors":
        return _view("a prior answer", answer, PRIOR_FIELDS, values=values)
    return _view(f"an answer of {name}", answer, ANSWER_FIELDS, id=answer.shown_id, values=values)
