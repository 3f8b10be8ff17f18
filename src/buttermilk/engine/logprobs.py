"""How probable a model held each of its answers: what the tokens that spell it in the reply have together.

The quotation marks of a text belong to it, and the sign after a number: `3` and `3.5` begin alike. Where a token spells
a part of something else as well, or the tokens do not spell the reply, nothing is said.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from buttermilk.core.messages import Token

UNTOLD = -9999.0  # what OpenAI and vLLM write for a token that is too improbable for a figure
DEEPEST = 20  # nobody means more; it keeps short what is tried at each brace of a long text
_STRUCTURE = re.compile(rb'[\s{}\[\],:"]*')
_SPACE = re.compile(r"\s*")
_JSON = json.JSONDecoder()


class Place(NamedTuple):
    """A value, and the characters of a text which say that it is this one and no other."""

    value: Any
    start: int
    end: int


def logprobs(text: str, tokens: Sequence[Token], answers: Mapping[str, Any]) -> dict[str, float]:
    """`{"harm": -0.02, "frames.1.problem": -3.1}`"""
    spelt, whole = b"".join(token.piece for token in tokens), text.encode("utf-8", "replace")
    if not tokens or spelt.count(whole) != 1:
        return {}
    before, ends = spelt.index(whole), list(accumulate(len(token.piece) for token in tokens))
    found: dict[str, float] = {}
    for path, place in _places(text, answers).items():
        start, end = (before + len(text[:at].encode("utf-8", "replace")) for at in (place.start, place.end))
        first, last = bisect_right(ends, start), bisect_left(ends, end)
        beside = spelt[ends[first] - len(tokens[first].piece) : start] + spelt[end : ends[last]]
        said = [token.logprob for token in tokens[first : last + 1]]
        if _STRUCTURE.fullmatch(beside) and min(said) > UNTOLD:
            found[path] = sum(said)
    return found


def _places(text: str, answers: Mapping[str, Any]) -> dict[str, Place]:
    """Of the last object in the text that says these answers: a model may think aloud before it."""
    wanted = _walked(json.dumps(answers), 0)
    for brace in reversed(list(re.finditer("{", text))):
        found = _walked(text, brace.start())
        if all(path in found and found[path].value == place.value for path, place in wanted.items()):
            return {path: found[path] for path in wanted}
    return {}


def _walked(text: str, at: int) -> dict[str, Place]:
    """Nothing where there is no JSON."""
    found: dict[str, Place] = {}
    try:
        _walk(text, at, "", found)
    except (ValueError, IndexError, RecursionError):
        return {}
    return found


def _walk(text: str, at: int, path: str, found: dict[str, Place]) -> int:
    """Note each value within; returns where this one ends."""
    sign = text[at]
    if sign not in "{[":
        value, end = _JSON.raw_decode(text, at)
        found[path] = Place(value, at, end if sign == '"' else min(end + 1, len(text)))
        return end
    if path.count(".") > DEEPEST:
        raise ValueError(path)
    number, at = 0, _after_space(text, at + 1)
    while text[at] not in "}]":
        number, key = number + 1, str(number + 1)
        if sign == "{":
            key, at = _JSON.raw_decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        at = _after_space(text, _walk(text, at, f"{path}.{key}".lstrip("."), found))
        at = _after_space(text, at + 1) if text[at] == "," else at
    return at + 1


def _after_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]
