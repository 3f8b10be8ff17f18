"""`schema: {type: object, required: [label], properties: {label: {enum: ["yes", "no"]}}}`: the answer's JSON has this
form, in the words of JSON Schema (draft 2020-12, https://json-schema.org/draft/2020-12/json-schema-validation, read
2026-11) that are in KEYWORDS. Others are refused, for a form that is half checked is worse than none."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from buttermilk.checks.each import EachAnswer
from buttermilk.checks.searching import checked, searched
from buttermilk.checks.structure import json_of
from buttermilk.core.cases import Expectation, Finding, Said, found, nothing, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.errors import did_you_mean
from buttermilk.core.values import Json, is_number


def _equal(one: Any, other: Any) -> bool:
    """1 is 1.0, however deep, and true is not 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return (type(one) is type(other) and bool(one == other)) or (is_number(one) and is_number(other) and one == other)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": lambda value: is_number(value) and value == int(value),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


class Wrong(NamedTuple):
    """What is wrong at a place; or, with a pattern, what is wrong if `text` does not match it."""

    what: str
    pattern: str = ""
    text: str = ""


class Schema(EachAnswer):
    def _reads(self, argument: Json) -> str:
        check_schema(self._expected, argument, "the schema")
        self._schema = argument
        return "has the form of the schema"

    async def _finding(self, said: Said, judges: Judges) -> Finding:
        value = json_of(said, self._expected.question)
        if isinstance(value, Finding):
            return value
        wrong = list(complaints(self._schema, value, "$"))
        sought = [one for one in wrong if one.pattern]
        places = await searched([(one.pattern, one.text) for one in sought])
        if isinstance(places, str):
            return nothing(places)
        unmatched = {one for one, place in zip(sought, places, strict=True) if place is None}
        told = [one.what for one in wrong if not one.pattern or one in unmatched]
        return found(not told, "; ".join(told[:3]) or shown(value))


def check_schema(expected: Expectation, schema: Json, place: str) -> None:
    """Raises ConfigError for what is no schema, and for keywords that are not known here."""
    if not isinstance(schema, Mapping):
        hint = "Like this: schema: {type: object, required: [label]}"
        raise expected.wrong(f"{place} is no map of keywords.", hint)
    for keyword in schema:
        if keyword not in KEYWORDS:
            raise expected.wrong(
                f"{place} has '{keyword}', which is not checked here.", did_you_mean(keyword, KEYWORDS)
            )
    for wrong in complaints(_FORM, schema, place):
        raise expected.wrong(f"{wrong.what}.", "https://json-schema.org says what may stand there.")
    names = schema.get("type", [])
    for name in names if isinstance(names, list) else [names]:
        if name not in TYPES:
            raise expected.wrong(f"{place} has a type '{name}'.", did_you_mean(str(name), TYPES))
    if "pattern" in schema:
        checked(expected, str(schema["pattern"]))
    named = schema.get("properties")
    inner = list(named.items()) if isinstance(named, Mapping) else []
    for name, one in [*inner, *((word, schema.get(word)) for word in _INNER)]:
        if isinstance(one, Mapping):
            check_schema(expected, one, f"{place}.{name}")


def complaints(schema: Any, value: Any, place: str) -> Iterator[Wrong]:
    """All that is wrong with a value, and the patterns that have yet to be tried."""
    for keyword, wanted in schema.items():
        yield from KEYWORDS[keyword](wanted, value, place, schema)


Rule = Callable[[Any, Any, str, Any], Iterator[Wrong]]


def _type(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    names = wanted if isinstance(wanted, list) else [wanted]
    if not any(TYPES[name](value) for name in names):
        yield Wrong(f"{place} is {shown(value)}, and no {' or '.join(names)}")


def _enum(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    if not any(_equal(value, item) for item in wanted):
        yield Wrong(f"{place} is {shown(value)}, and none of {shown(wanted)}")


def _required(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    missing = [name for name in wanted if name not in value] if isinstance(value, Mapping) else []
    if missing:
        yield Wrong(f"{place} has no '{missing[0]}'")


def _properties(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    if isinstance(value, Mapping):
        for name in (one for one in wanted if one in value):
            yield from complaints(wanted[name], value[name], f"{place}.{name}")


def _additional(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    more = value.keys() - (schema.get("properties") or {}).keys() if isinstance(value, Mapping) else ()
    for name in sorted(more):
        if wanted is False:
            yield Wrong(f"{place} has '{name:.80}', which is not foreseen")
        elif wanted is not True:
            yield from complaints(wanted, value[name], f"{place}.{name:.80}")


def _items(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    for number, item in enumerate(value if isinstance(value, list) else ()):
        yield from complaints(wanted, item, f"{place}[{number}]")


def _pattern(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    if isinstance(value, str):
        yield Wrong(f"{place} is {shown(value)}, which does not match {wanted}", wanted, value)


def _itself(value: Any) -> Any:
    return value


def _limit(kind: str, sign: int, measure: Callable[[Any], float], said: str) -> Rule:
    """A rule about how large, how long or how many: `sign` 1 is at most, -1 at least."""

    def rule(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
        if TYPES[kind](value) and sign * measure(value) > sign * wanted:
            yield Wrong(f"{place} is {shown(value)}: {said} {wanted}")

    return rule


def _said(wanted: Any, value: Any, place: str, schema: Any) -> Iterator[Wrong]:
    """To people."""
    yield from ()


KEYWORDS: Mapping[str, Rule] = {
    "title": _said,
    "description": _said,
    "type": _type,
    "enum": _enum,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "pattern": _pattern,
    "minimum": _limit("number", -1, _itself, "less than"),
    "maximum": _limit("number", 1, _itself, "more than"),
    "minLength": _limit("string", -1, len, "its length is less than"),
    "maxLength": _limit("string", 1, len, "its length is more than"),
    "minItems": _limit("array", -1, len, "they are fewer than"),
    "maxItems": _limit("array", 1, len, "they are more than"),
}


_INNER = ("items", "additionalProperties")
_SIZE = {"type": "integer", "minimum": 0}
_FORM: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "description": {"type": "string"},
        "type": {"type": ["string", "array"], "items": {"type": "string"}},
        "enum": {"type": "array", "minItems": 1},
        "required": {"type": "array", "items": {"type": "string"}},
        "properties": {"type": "object", "additionalProperties": {"type": "object"}},
        "additionalProperties": {"type": ["boolean", "object"]},
        "items": {"type": "object"},
        "pattern": {"type": "string"},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _SIZE),
    },
}
