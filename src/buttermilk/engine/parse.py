"""The parsing ladder: strict → fence or think-block stripped → repaired. The rung is kept on every Result.

What was cut off is never mended into an answer, nor are two objects made one, nor is a label bent to fit, nor is a
draft out of a think-block that never ended taken for the answer: that is `unparsed`, and the engine asks once more with
the reason.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import json_repair
from pydantic import ValidationError
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from buttermilk.core.flows import Codebook, Question
from buttermilk.core.jobs import Parse
from buttermilk.core.questions import IN_WORDS

_THINK = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
# Some servers put the opening tag into the prompt, so that a reply begins within the block.
_THINK_ENDS = re.compile(
    r"\A(?:(?!<(?:think|thinking|reasoning)>).)*?</(?:think|thinking|reasoning)>", re.DOTALL | re.I
)
_STILL_THINKING = re.compile(r"\A[^{]*<(?:think|thinking|reasoning)>", re.IGNORECASE)
_EMPTY = re.compile(r"""(?<!\\)(?:""|'')""")
_FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*\Z", re.DOTALL)

TWICE = "it is answered twice"


class Parsed(NamedTuple):
    """Answers and the rung they were found on, or None and why not in words a model can act on."""

    answers: dict[str, Any] | None
    how: Parse
    why: str = ""


def _form(question: Question) -> CoreSchema:
    """A wrong type is not bent into a right one; a key nobody asked for is left in the verbatim text."""
    if question.parts:
        kind: CoreSchema = _object(question.parts)
    elif question.labels:
        kind = core_schema.literal_schema(list(question.label_names))
    elif question.level in IN_WORDS:
        kind = core_schema.str_schema(strict=True)
    else:
        kind = core_schema.float_schema(ge=question.minimum, le=question.maximum, allow_inf_nan=False, strict=True)
    if question.many:
        return core_schema.list_schema(kind, strict=True)
    return core_schema.nullable_schema(kind) if question.optional else kind


def _object(questions: Iterable[Question]) -> CoreSchema:
    fields = {question.name: core_schema.typed_dict_field(_form(question)) for question in questions}
    return core_schema.typed_dict_schema(fields, extra_behavior="ignore", strict=True)


class Forms:
    """Codebooks as validators: strict types, closed labels, every question answered. Each is built once."""

    def __init__(self) -> None:
        self._built: dict[str, SchemaValidator] = {}

    def of(self, codebook: Codebook) -> SchemaValidator:
        built = self._built.get(codebook.hash)
        if built is None:
            built = self._built[codebook.hash] = SchemaValidator(_object(codebook.questions))
        return built


def parse(text: str, form: SchemaValidator, *, truncated: bool = False) -> Parsed:
    """Climb the ladder to a fit for `form` (from `Forms`). Of a `truncated` reply only a whole, valid answer counts."""
    answers, why = _valid(form, text)
    if answers is not None:
        return Parsed(answers, "strict")
    if truncated:
        return Parsed(None, "none", "the reply was cut off before it was complete")
    bare = _bare(text)
    if _STILL_THINKING.match(bare):
        return Parsed(None, "none", "the reply ends before its thinking does")
    if bare != text:
        answers, why = _valid(form, bare)
        if answers is not None:
            return Parsed(answers, "stripped")
    inside = None if why.endswith(TWICE) else _object_in(bare)
    if inside is None:
        return Parsed(None, "none", why)
    mended = _mended(inside)
    answers, repaired_why = _valid(form, mended)
    if answers is None:
        return Parsed(None, "none", repaired_why or why)
    lost = _lost(answers, inside, mended)
    return Parsed(None, "none", lost) if lost else Parsed(answers, "repaired")


def _lost(answers: dict[str, Any], text: str, mended: str) -> str:
    """What of a reply was mended away, and should not have been; empty where nothing was."""
    known: dict[tuple[str, bool], str] = {}  # a list of a thousand has one name
    for path, name, item in _within(answers):
        known.setdefault((name, isinstance(item, float)), path)
    for (name, number), path in known.items():
        if len(_keys(name, text)) > len(_keys(name, mended)):
            return f"{path}: {TWICE}"
        if number and not _says(name, text):
            return f"{path}: Input should be a valid number and nothing else"
    return ""


def _valid(form: SchemaValidator, text: str) -> tuple[dict[str, Any] | None, str]:
    try:
        answers: dict[str, Any] = form.validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:3]
        return None, "; ".join(f"{_path(item['loc']) or 'reply'}: {item['msg']}" for item in found)
    # JSON lets a key come twice, and the parser takes the last; which was meant, nobody knows.
    may_be = any(isinstance(item, dict | list) or text.count(f'"{name}"') > 1 for name, item in answers.items())
    twice = _said_twice(answers, json.loads(text, object_pairs_hook=_Pairs)) if may_be else ""
    return (None, f"{twice}: {TWICE}") if twice else (answers, "")


def _path(steps: Iterable[str | int]) -> str:
    """`("frames", 0, "problem")` -> `frames.1.problem`"""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in steps)


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with every key as it came."""


def _said_twice(answers: Any, said: Any, before: str = "") -> str:
    """Where a key that was asked for comes twice in one object; what nobody asked for may."""
    if isinstance(answers, dict):
        values = dict(said)
        for name, item in answers.items():
            if sum(key == name for key, _ in said) > 1:
                return f"{before}{name}"
            if twice := _said_twice(item, values[name], f"{before}{name}."):
                return twice
    elif isinstance(answers, list):
        for place, item in enumerate(answers):
            if twice := _said_twice(item, said[place], f"{before}{place + 1}."):
                return twice
    return ""


def _within(answers: Any, before: str = "", name: str = "") -> Iterator[tuple[str, str, Any]]:
    """Each value with its path and the key under which it stands: `("frames.1.weight", "weight", 3.0)`."""
    if before:
        yield before, name, answers
    inner = answers.items() if isinstance(answers, dict) else enumerate(answers, 1) if isinstance(answers, list) else ()
    for key, item in inner:
        yield from _within(item, f"{before}.{key}".lstrip("."), key if isinstance(key, str) else name)


def _keys(name: str, text: str) -> list[str]:
    return re.findall(rf"[\"']{name}[\"']\s*:", text)


def _bare(text: str) -> str:
    """Without a think-block before it and a fence around it."""
    text = _THINK_ENDS.sub("", _THINK.sub("", text, count=1), count=1).strip()
    fenced = _FENCE.match(text)
    return fenced.group(1).strip() if fenced else text


def _object_in(text: str) -> str | None:
    """The one object in a text, with words around it perhaps; None if it is cut off or there are several."""
    start = text.find("{")
    if start < 0:
        return None
    depth, quoted, escaped = 0, False, False
    for index in range(start, len(text)):
        sign = text[index]
        if quoted:
            quoted = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            quoted = True
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
            if depth == 0:
                return None if "{" in text[index + 1 :] else text[start : index + 1]
    return None


def _says(name: str, text: str) -> bool:
    """Whether numbers stand there alone: `3-4`, `3 of 10` and `30%` would be mended into their first figures."""
    said = re.findall(rf"\b{name}[\"']?\s*:\s*(\[[^\]]*|[^,}}\n\"]*)", text)
    each = [one.partition("//")[0].strip() for found in said for one in found.lstrip("[").split(",")]
    numbers = [one for one in each if one not in ("", "null")]
    try:
        return bool(numbers) and all(math.isfinite(float(one)) for one in numbers)
    except ValueError:
        return False


def _mended(text: str) -> str:
    """Without the empty texts into which a value that is not there is mended: nobody said them."""
    try:
        mended = json_repair.loads(text, skip_json_loads=True)
        whole = json.dumps(mended)
        more = len(_EMPTY.findall(whole)) > len(_EMPTY.findall(text))
        return json.dumps(_without_empty(mended)) if more else whole
    except (ValueError, RecursionError):  # nested deeper than anybody means
        return "null"


def _without_empty(item: Any) -> Any:
    if isinstance(item, dict):
        return {name: _without_empty(value) for name, value in item.items() if value != ""}
    return [_without_empty(value) for value in item if value != ""] if isinstance(item, list) else item
