"""What stands at a place in the answer's JSON, in the part of JSONPath (RFC 9535) that needs no program:

    json-path: "$.frames[0].problem"                          # there is something
    json-path: {path: "$.frames[*].agent", equals: "state"}   # it is this, wherever the path leads
    json-path: {path: "$..confidence", is: ">= 0.5"}          # it is a number: see `number`

`$`, `.name`, `['name']`, `[0]` (the last is `[-1]`), `[*]`, `.*`, `..name`. Filters and slices are refused.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from buttermilk.checks.arguments import options_in, text_in
from buttermilk.checks.bounds import bounds_in
from buttermilk.checks.each import EachAnswer
from buttermilk.checks.equality import same
from buttermilk.checks.structure import json_of
from buttermilk.core.cases import Expectation, Finding, Said, found, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.values import Json, is_number

_STEP = re.compile(
    r"""(?:(?P<deep>\.\.)|\.)(?P<name>[^\W\d][\w-]*|\*)"""
    r"""|\[(?:(?P<index>-?\d{1,9})|(?P<all>\*)|'(?P<single>[^'\\]*)'|"(?P<double>[^"\\]*)")\]"""
)
_LIKE = 'json-path: {path: "$.frames[0].problem", equals: "crime"}'


class Step(NamedTuple):
    """`..name` is Step("name", deep=True), `[*]` is Step(None)."""

    key: str | int | None
    deep: bool = False


class JsonPath(EachAnswer):
    def _reads(self, argument: Json) -> str:
        options = options_in(self._expected, argument, ("path", "equals", "is"), "path", _LIKE)
        if len(options) > 2:
            raise self._expected.wrong("it asks for `equals` and `is`.", "Write two checks.")
        path = text_in(self._expected, options["path"], _LIKE)
        self._steps = steps_of(self._expected, path)
        self._bounds = bounds_in(self._expected, options["is"]) if "is" in options else None
        self._equals = [options["equals"]] if "equals" in options else []
        wants = f"equals {shown(self._equals[0])}" if self._equals else "exists"
        return f"has {path}, which {f'is {self._bounds.words}' if self._bounds else wants}"

    async def _finding(self, said: Said, judges: Judges) -> Finding:
        value = json_of(said, self._expected.question)
        if isinstance(value, Finding):
            return value
        there = list(at(value, self._steps))
        if not there:
            return found(False, f"nothing there, in {shown(value)}")
        wrong = [one for one in there if not self._fits(one)]
        return found(not wrong, shown((wrong or there)[0]))

    def _fits(self, value: Json) -> bool:
        if self._bounds:
            return is_number(value) and self._bounds.hold(value)
        return not self._equals or (
            same(value, self._equals[0]) and isinstance(value, bool) == isinstance(self._equals[0], bool)
        )


def steps_of(expected: Expectation, path: str) -> list[Step]:
    """`$.frames[0]..problem` -> frames, 0, ..problem. Raises ConfigError at what it cannot follow."""
    steps, place = [], 1
    while path.startswith("$") and place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            break
        name = match["name"] or match["single"] or match["double"]
        every = match["all"] or match["name"] == "*"
        key = None if every else int(match["index"]) if match["index"] else name or ""
        steps.append(Step(key, deep=bool(match["deep"])))
        place = match.end()
    if not path.startswith("$") or place < len(path):
        rest = path[place:] if path.startswith("$") else path
        hint = "A path begins with $ and goes on with .name, ['name'], [0], [*] or ..name: \"$.frames[0].problem\""
        raise expected.wrong(f"the path '{path:.80}' cannot be followed at '{rest:.40}'.", hint)
    return steps


def at(value: Json, steps: list[Step]) -> Iterator[Json]:
    """What stands at the end of the path, in the order of the document."""
    if not steps:
        yield value
        return
    for one in _within(value) if steps[0].deep else (value,):
        for below in _children(one, steps[0].key):
            yield from at(below, steps[1:])


def _children(value: Json, key: str | int | None) -> list[Json]:
    if key is None:
        return list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    if isinstance(key, int):
        return value[key:][:1] if isinstance(value, list) and -len(value) <= key < len(value) else []
    return [value[key]] if isinstance(value, Mapping) and key in value else []


def _within(value: Json) -> Iterator[Json]:
    yield value
    for below in _children(value, None):
        yield from _within(below)
