"""JSONL: types are kept, and a line that is not sound is named and never repaired."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def lines(*rows: Any) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def test_types_are_what_they_are(desk: Any) -> None:
    row = {"id": 7, "text": "a", "year": 1923, "f": 0.5, "no": False, "none": None, "tags": ["x", {"y": 1}]}
    (record,) = desk.records("verse.jsonl", lines(row))
    assert record.record_id == "7"
    kept = {name: item for name, item in row.items() if name not in ("id", "text")}
    assert record.metadata == kept
    assert record.metadata["no"] is False


def test_labels_keep_their_type_and_null_is_none(desk: Any) -> None:
    content = lines({"id": 1, "text": "a", "harm": False}, {"id": 2, "text": "b", "harm": None}, {"id": 3, "text": "c"})
    records = desk.records("verse.jsonl", content, {"labels": {"harm": "harm"}})
    assert [record.label("harm") for record in records] == [False, None, None]


BAD = [
    ('{"id": 1, "text": "a"', "", "this is not JSON: expecting ',' delimiter, at column 22."),
    ("nope", "", "this is not JSON: expecting value, at column 1."),
    ("[1]", "", "this is not an object with fields"),
    ('{"id": 1, "text": "a", "text": "b"}', "", "the field 'text' is there twice."),
    ('{"id": 1, "text": "a", "x": {"y": 1, "y": 2}}', "", "the field 'y' is there twice."),
    ('{"id": 1, "text": "a", "x": NaN}', "", "NaN is no number that JSON has."),
    ('{"id": 1, "text": "a", "x": 1e999}', "x", "this is inf (not a number)."),
    ('{"id": 1, "text": "\\ud83d"}', "", "half a surrogate pair"),
    ('{"id": 1, "text": "a", "x": ' + "[" * 100_000 + "}", "", "nested too deeply"),
    ('{"id": 1, "text": "a", "x": ' + "9" * 5_000 + "}", "", "digits"),
    ('{"id": 1}', "text", "this row has no text."),
    ('{"text": "a"}', "id", "this row has no id."),
    ('{"id": true, "text": "a"}', "id", "this is true or false, not text."),
    ('{"id": 1, "text": ["a"]}', "text", "this is a list, not text."),
    ('{"id": 1, "text": "a", "tone": {"v": 1}}', "tone", "a label is one word or one number"),
]


@pytest.mark.parametrize(("line", "column", "why"), BAD)
def test_a_line_that_is_not_sound_is_named(desk: Any, line: str, column: str, why: str) -> None:
    content = lines({"id": 0, "text": "a", "tone": "x"}, "", line, {"id": 2, "text": "b"})
    records, (reject,) = desk.read("verse.jsonl", content, {"labels": {"tone": "tone"}})
    assert [record.record_id for record in records] == ["0", "2"]
    assert (reject.where, reject.column) == ("verse.jsonl line 3", column)
    assert why in reject.why
    assert reject.content == line[:500]


def test_an_emoji_written_as_a_pair_is_sound(desk: Any) -> None:
    assert desk.records("verse.jsonl", '{"text": "\\ud83d\\ude00"}\n')[0].text == "😀"


def test_a_field_that_comes_late_is_found_and_one_that_never_comes_is_not(desk: Any) -> None:
    content = lines(*[{"id": n, "text": "a"} for n in range(300)], {"id": "z", "text": "b", "tone": "sad"})
    assert desk.records("verse.jsonl", content, {"labels": {"tone": "tone"}})[-1].label("tone") == "sad"
    screen = desk.screen("verse.jsonl", content, {"labels": {"tone": "tune"}})
    assert "no column 'tune' (columns.labels.tone)" in screen
    assert "Did you mean 'tone'?" in screen


@pytest.mark.parametrize("content", ['[{"text": "a"},\n{"text": "b"}]', '[\n{"text": "a"}\n]', '{\n"text": "a"\n}'])
def test_one_json_document_is_told_from_lines(desk: Any, content: str) -> None:
    screen = desk.screen("verse.jsonl", content)
    assert "this is not one object a line" in screen
    assert "If this is one JSON document, save it as JSONL (one object a line), or as CSV." in screen


def test_a_file_of_which_no_line_can_be_read_shows_the_first(desk: Any) -> None:
    screen = desk.screen("verse.jsonl", "id,text\n1,a\n")
    assert "verse.jsonl line 1: this is not one object a line: this is not JSON" in screen


def test_a_file_in_another_encoding_is_not_guessed(desk: Any) -> None:
    assert "verse.jsonl line 1: the text is not UTF-8" in desk.screen("verse.jsonl", b'{"text": "caf\xe9"}\n')
    assert desk.records("verse.jsonl", '{"text": "café"}\n'.encode("utf-16"))[0].text == "café"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


NAMES = st.text(max_size=6).filter(lambda name: name not in ("id", "record_id", "verse"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_any_metadata_comes_back_as_it_was(desk: Any, metadata: dict[str, Any]) -> None:
    (record,) = desk.records("verse.jsonl", lines({"verse": "a", **metadata}), {"text": "verse"})
    assert record.metadata == metadata
