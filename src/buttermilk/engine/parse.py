"""The parsing ladder: strict → fence or think-block stripped → repaired. The rung is kept on every Result.

What was cut off is never mended into an answer, nor are two objects made one, nor is a label bent to fit, nor is a
draft out of a think-block that never ended taken for the answer: that is `unparsed`, and the engine asks once more with
the reason.
"""

import json
import math
import re
from typing import Annotated, Any, Literal, NamedTuple

import json_repair
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from buttermilk.core.flows import Codebook, Question
from buttermilk.core.jobs import Parse

_THINK = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
# Some servers put the opening tag into the prompt, so that a reply begins within the block.
_THINK_ENDS = re.compile(
    r"\A(?:(?!<(?:think|thinking|reasoning)>).)*?</(?:think|thinking|reasoning)>", re.DOTALL | re.I
)
_STILL_THINKING = re.compile(r"\A[^{]*<(?:think|thinking|reasoning)>", re.IGNORECASE)
_FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*\Z", re.DOTALL)


class Parsed(NamedTuple):
    """Answers and the rung they were found on, or None and why not in words a model can act on."""

    answers: dict[str, Any] | None
    how: Parse
    why: str = ""


class _Strict(BaseModel):
    # A key nobody asked for is left in the verbatim text; a wrong type is not bent into a right one.
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


def _type_of(question: Question) -> Any:
    if question.labels:
        kind: Any = Literal[question.label_names]
    elif question.level == "text":
        kind = str
    else:
        kind = Annotated[float, Field(ge=question.minimum, le=question.maximum)]
    return kind | None if question.optional else kind


class Forms:
    """Codebooks as pydantic models: strict types, closed labels, every question answered. Each is built once."""

    def __init__(self) -> None:
        self._built: dict[str, type[BaseModel]] = {}

    def of(self, codebook: Codebook) -> type[BaseModel]:
        built = self._built.get(codebook.hash)
        if built is None:
            fields: dict[str, Any] = {question.name: (_type_of(question), ...) for question in codebook.questions}
            built = self._built[codebook.hash] = create_model("Answers", __base__=_Strict, **fields)
        return built


def parse(text: str, model: type[BaseModel], *, truncated: bool = False) -> Parsed:
    """Climb the ladder to a valid `model` (from `Forms`). Of a `truncated` reply only a whole, valid answer counts."""
    answers, why = _valid(model, text)
    if answers is not None:
        return Parsed(answers, "strict")
    if truncated:
        return Parsed(None, "none", "the reply was cut off before it was complete")
    bare = _bare(text)
    if _STILL_THINKING.match(bare):
        return Parsed(None, "none", "the reply ends before its thinking does")
    if bare != text:
        answers, why = _valid(model, bare)
        if answers is not None:
            return Parsed(answers, "stripped")
    inside = _object_in(bare)
    if inside is None:
        return Parsed(None, "none", why)
    twice = next((name for name in model.model_fields if len(_keys(name, inside)) > 1), None)
    if twice:
        return Parsed(None, "none", f"{twice}: it is answered twice")
    answers, repaired_why = _valid(model, _repaired(inside))
    if answers is None:
        return Parsed(None, "none", repaired_why or why)
    unclear = [name for name, item in answers.items() if isinstance(item, float) and not _says(name, inside)]
    if unclear:
        return Parsed(None, "none", f"{unclear[0]}: Input should be a valid number and nothing else")
    return Parsed(answers, "repaired")


def _valid(model: type[BaseModel], text: str) -> tuple[dict[str, Any] | None, str]:
    try:
        answers = model.model_validate_json(text).__dict__
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[:3]
        said = [f"{'.'.join(str(step) for step in item['loc']) or 'reply'}: {item['msg']}" for item in found]
        return None, "; ".join(said)
    for name in answers:  # JSON lets a key come twice, and the parser takes the last; which was meant, nobody knows
        if text.count(f'"{name}"') > 1 and name in _said_twice(text):
            return None, f"{name}: it is answered twice"
    return answers, ""


def _said_twice(text: str) -> set[str]:
    """The keys that the outermost object has twice. Objects end from the inside out, so its pairs come last."""
    pairs: list[str] = []

    def note(found: list[tuple[str, Any]]) -> None:
        pairs[:] = [name for name, _ in found]

    json.loads(text, object_pairs_hook=note)
    return {name for name in pairs if pairs.count(name) > 1}


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
    """Whether a number stands there alone: `3-4`, `3 of 10` and `30%` would be mended into their first figures."""
    found = re.search(rf"\b{name}[\"']?\s*:([^,}}\n\"]*)", text)
    try:
        return found is not None and math.isfinite(float(found[1].partition("//")[0]))
    except ValueError:
        return False


def _repaired(text: str) -> str:
    try:
        mended = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):  # nested deeper than anybody means
        return "null"
    if not isinstance(mended, dict):
        return "null"
    if '""' not in text and "''" not in text:  # a value that is not there is mended into an empty text: nobody said it
        mended = {name: item for name, item in mended.items() if item != ""}
    return json.dumps(mended)
