"""The form of an answer: JSON, schemas, paths, numbers."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from buttermilk.checks.bounds import bounds_in
from buttermilk.checks.json_path import at, steps_of
from buttermilk.checks.number import number_of
from buttermilk.checks.schema import KEYWORDS, check_schema, complaints
from buttermilk.core.cases import Expectation
from buttermilk.core.errors import ConfigError
from judging import check, expected, judged, passes, said, trial
from strategies import jsons

pytestmark = pytest.mark.anyio
ANY = Expectation(check="any")
STORE = {
    "store": {
        "book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
            {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3"},
        ],
        "bicycle": {"color": "red", "price": 399},
    }
}


# ---- JSON


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ('{"label": "no"}', True),
        (" [1, 2.5e3, null]\n", True),
        ('"a"', True),
        ("", False),
        ("{'label': 'no'}", False),
        ('{"label": "no"} So it is.', False),
        ('```json\n{"label": "no"}\n```', False),
        ('{"label": NaN}', False),
        ('{"label": "no"', False),
        ("[" * 100_000 + "]" * 100_000, False),
        ('"\ud800"', False),
    ],
)
async def test_json_is_json_and_nothing_else(text: str, passed: bool) -> None:
    assert await passes("is-json: true", text) is passed
    assert await passes("not-is-json: true", text) is not passed


async def test_where_the_engine_had_to_mend_the_json_it_is_read_as_it_was_mended() -> None:
    fenced = said('```json\n{"label": "no"}\n```', answers={"label": "no"}, parse="stripped")
    assert await passes("json-path: {path: $.label, equals: 'no'}", fenced)
    assert await passes("schema: {type: object, required: [label]}", fenced)
    assert not await passes("is-json: true", fenced)


# ---- schemas

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "required": ["a"]},
    {"type": ["object", "array"]},
    {"type": "integer", "minimum": -2, "maximum": 7},
    {"type": "number", "minimum": 0.5},
    {"type": "string", "minLength": 2, "maxLength": 4},
    {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
    {"enum": [1, "a", None, True, {"a": [1]}]},
    {"properties": {"a": {"type": "boolean"}, "b": {"properties": {"a": {"type": "null"}}}}},
    {"properties": {"a": {}}, "additionalProperties": False},
    {"properties": {"a": {}}, "additionalProperties": {"type": "string"}},
    {"additionalProperties": {"items": {"maximum": 1}}, "title": "A", "description": "words"},
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.sampled_from([0.5, 1.0, 2.5])
    | st.text("ab\U0001f98b", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(SCHEMAS), values | jsons)
@example({"enum": [1, "a", None, True, {"a": [1]}]}, {"a": [1.0]})
def test_a_value_fits_a_schema_where_the_reference_validator_says_so(schema: dict[str, Any], value: Any) -> None:
    check_schema(ANY, schema, "it")
    assert (not list(complaints(schema, value, "$"))) == Draft202012Validator(schema).is_valid(value)


def test_every_keyword_is_held_to_the_reference_but_for_patterns_which_are_searched_elsewhere() -> None:
    used = {keyword for schema in SCHEMAS for keyword in schema}
    assert used == KEYWORDS.keys() - {"pattern"}


async def test_what_is_wrong_is_said_with_its_place() -> None:
    schema = {
        "type": "object",
        "required": ["frames"],
        "properties": {
            "frames": {"type": "array", "items": {"required": ["problem"], "properties": {"sure": {"maximum": 1}}}},
            "year": {"pattern": "^1[0-9]{3}$"},
        },
        "additionalProperties": False,
    }
    answer = json.dumps({"frames": [{"sure": 2}], "year": "2012", "mood": "glad"})
    verdict = await judged({"schema": schema}, trial(answer))
    assert verdict.why == (
        "wanted: the reply has the form of the schema; came: $.frames[0] has no 'problem'; "
        "$.frames[0].sure is 2: more than 1; $.year is “2012”, which does not match ^1[0-9]{3}$"
    )
    assert await passes({"schema": schema}, json.dumps({"frames": [], "year": "1912"}))
    assert not await passes({"not-schema": schema}, json.dumps({"frames": [], "year": "1912"}))


@pytest.mark.parametrize(
    ("schema", "why", "hint"),
    [
        ({"tpye": "object"}, "'tpye', which is not checked here", "Did you mean 'type'?"),
        ({"oneOf": []}, "'oneOf', which is not checked", "There are: additionalProperties"),
        ({"type": "text"}, "the schema has a type 'text'", "There are: array"),
        ({"items": {"type": ["string", "txt"]}}, "the schema.items has a type 'txt'", "There are"),
        ({"properties": {"items": {"format": "date"}}}, "the schema.items has 'format'", "There are"),
        ({"properties": {"a": 1}}, "the schema.properties.a is 1, and no object", "json-schema.org"),
        ({"minLength": -1}, "minLength is -1: less than 0", "json-schema.org"),
        ({"enum": []}, "enum is []", "json-schema.org"),
        ({"pattern": "("}, "no regular expression", "backslash"),
        (["a"], "is no map of keywords", "required: [label]"),
    ],
)
def test_a_schema_that_would_be_half_checked_is_refused(schema: Any, why: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(expected({"schema": schema}))
    assert why in caught.value.message
    assert hint in caught.value.hint


# ---- paths


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [STORE]),
        ("$.store.book[*].author", ["Nigel Rees", "Evelyn Waugh", "Herman Melville"]),
        ("$..author", ["Nigel Rees", "Evelyn Waugh", "Herman Melville"]),
        ("$.store..price", [8.95, 12.99, 399]),
        ("$..book[2].title", ["Moby Dick"]),
        ("$..book[-1].title", ["Moby Dick"]),
        ("$['store'][\"bicycle\"]['color']", ["red"]),
        ("$.store.bicycle.*", ["red", 399]),
        ("$..book[9]", []),
        ("$..book[-4]", []),
        ("$.store[0]", []),
        ("$.store.book.author", []),
        ("$['']", []),
    ],
)
def test_a_path_leads_where_rfc_9535_says(path: str, found: list[Any]) -> None:
    """The bookstore of RFC 9535, section 1.5, cut short."""
    assert list(at(STORE, steps_of(ANY, path))) == found


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("store", "store"),
        ("$store", "store"),
        ("$.", "."),
        ("$..", ".."),
        ("$...a", "...a"),
        ("$.a[?(@.price)]", "[?(@.price)]"),
        ("$.a[0:2]", "[0:2]"),
        ("$.a[0,1]", "[0,1]"),
        ("$.a[b]", "[b]"),
        ("$.a['b", "['b"),
        ("$.a b", " b"),
    ],
)
def test_a_path_that_cannot_be_followed_is_refused_at_its_step(path: str, rest: str) -> None:
    with pytest.raises(ConfigError, match="A path begins with") as caught:
        steps_of(ANY, path)
    assert f"at '{rest}'" in caught.value.message


@pytest.mark.parametrize(
    ("argument", "passed"),
    [
        ("$.store.bicycle", True),
        ("$.store.car", False),
        ({"path": "$..color", "equals": "red"}, True),
        ({"path": "$..category", "equals": "fiction"}, False),
        ({"path": "$..price", "is": "> 8"}, True),
        ({"path": "$..price", "is": {"from": 8, "to": 20}}, False),
        ({"path": "$..title", "is": "> 8"}, False),
        ({"path": "$.store.bicycle", "equals": {"price": 399, "color": "red"}}, True),
    ],
)
async def test_all_that_a_path_leads_to_must_fit(argument: Any, passed: bool) -> None:
    assert await passes({"json-path": argument}, json.dumps(STORE)) is passed
    assert await passes({"not-json-path": argument}, json.dumps(STORE)) is not passed


async def test_true_is_neither_one_nor_a_word() -> None:
    for other in ("1", '"true"'):
        assert not await passes({"json-path": {"path": "$.a", "equals": True}}, f'{{"a": {other}}}')
    assert await passes({"json-path": {"path": "$.a", "equals": True}}, '{"a": true}')


def test_equals_and_is_are_two_checks() -> None:
    with pytest.raises(ConfigError, match="Write two checks"):
        check(expected({"json-path": {"path": "$.a", "equals": 1, "is": 1}}))


@given(jsons, st.lists(st.sampled_from([".a", "[0]", "[*]", "..a", "..*", "['b c']", ".*"]), max_size=4))
def test_a_path_leads_somewhere_or_nowhere_in_any_json(value: Any, steps: list[str]) -> None:
    assert isinstance(list(at(value, steps_of(ANY, "$" + "".join(steps)))), list)


# ---- numbers


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (3, [3, 3.0], [2.999, 4]),
        ({"from": 0, "to": 1}, [0, 0.5, 1], [-0.01, 1.01]),
        ({"from": 0}, [0, 1e9], [-1]),
        ({"to": 1}, [-1e9, 1], [1.1]),
        ({"is": 0.3, "within": 0.1}, [0.2, 0.4], [0.19, 0.41]),
        ({"is": 2}, [2], [2.1]),
        (">= 0.5", [0.5, 2], [0.49]),
        ("< 0.5", [0.49, -1], [0.5]),
        ("> -1e3", [-999], [-1000]),
        ("==2", [2], [3]),
    ],
)
def test_bounds_hold_what_lies_within_them(bounds: Any, inside: list[float], outside: list[float]) -> None:
    """0.3 + 0.1 is 0.4 for a scholar, and 0.30000000000000004 + 0.1 for nobody."""
    read = bounds_in(ANY, bounds)
    assert [number for number in inside if not read.hold(number)] == []
    assert [number for number in outside if read.hold(number)] == []


@pytest.mark.parametrize(
    "bounds", [None, True, "0.5", ">> 1", "> a", {}, {"from": "0"}, {"from": 2, "to": 1}, {"is": 1, "to": 2}, [1]]
)
def test_bounds_that_mean_nothing_are_refused(bounds: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        bounds_in(ANY, bounds)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (" 0.25\n", 0.25),
        ("-3e2", -300.0),
        ("30%", None),
        ("3 of 10", None),
        ("1_000", None),
        ("inf", None),
        ("1e999", None),
        ("٣", None),
        ("9" * 1000, None),
        (10**400, None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_a_number_stands_alone_or_is_none(value: Any, number: float | None) -> None:
    assert number_of(value) == number


async def test_a_number_is_read_from_the_reply_or_from_an_answer() -> None:
    assert await passes("number: {from: 0, to: 1}", "0.75")
    assert not await passes("number: {from: 0, to: 1}", "about 0.75")
    assert await passes("{number: '>= 0.5', question: sure}", said("", answers={"sure": 0.5}))
    assert not await passes("{number: '>= 0.5', question: sure}", said("", answers={"sure": None}))
