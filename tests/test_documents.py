"""What a study is written in: YAML read as it is read aloud, headers, files by name; every error has its line."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from buttermilk.core.errors import ConfigError
from buttermilk.documents import find_file, front_matter, in_plain_words, load_yaml, read_text


def where_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_yaml(text, "conf/x.yaml")
    return caught.value.where


def test_each_key_and_item_has_its_line() -> None:
    data, lines = load_yaml(
        "title: Tone\n\nquestions:\n  tone:\n    labels:\n      yes: there is one\n      no: [a,\n b]\n", "x.yaml"
    )
    assert data == {"title": "Tone", "questions": {"tone": {"labels": {"yes": "there is one", "no": ["a", "b"]}}}}
    assert lines["questions.tone.labels.yes"] == 6
    assert lines["questions.tone.labels.no.1"] == 8
    assert lines["title"] == 1


@pytest.mark.parametrize(
    "word",
    ["yes", "no", "on", "off", "y", "n", "2024-05-01", "12:30", "007", "0x1F", "1_000", "+1", ".inf", "NaN", "1e999"],
)
def test_a_label_stays_the_word_that_was_written(word: str) -> None:
    assert load_yaml(f"label: {word}\n{word}: 1\n", "x")[0] == {"label": word, word: 1}


@pytest.mark.parametrize(
    ("written", "value"),
    [("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("0", 0),
     ("0.70", 0.7), ("-.5", -0.5), ("1e3", 1000.0), ("'12'", "12"), ("!!str 12", "12")],
)  # fmt: skip
def test_numbers_truth_and_nothing_are_read_as_such(written: str, value: Any) -> None:
    read = load_yaml(f"key: {written}", "x")[0]["key"]
    assert read == value
    assert type(read) is type(value)


def test_a_version_is_a_name_and_no_number() -> None:
    assert load_yaml("version: 1.10\ndeep: {version: 2}\n", "x")[0] == {"version": "1.10", "deep": {"version": "2"}}
    assert load_yaml("version:\n", "x")[0] == {"version": None}


def test_a_key_is_text_whatever_it_looks_like() -> None:
    assert load_yaml("1: bad\n2: good\ntrue: so\n", "x")[0] == {"1": "bad", "2": "good", "true": "so"}


def test_a_key_that_is_given_twice_is_an_error_that_names_both_lines() -> None:
    with pytest.raises(ConfigError, match=r"x.yaml:5: 'judge' is here a second time \(first on line 2\)"):
        load_yaml("steps:\n  judge: {}\n  # a comment\n\n  judge: {}\n", "x.yaml")


def test_an_alias_repeats_its_anchor() -> None:
    data, _ = load_yaml("a: &a {x: 1, y: 2}\nc: *a\n", "x")
    assert data["c"] == {"x": 1, "y": 2}


def test_a_bomb_of_aliases_is_refused() -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 12))
    with pytest.raises(ConfigError, match="repeats itself through aliases"):
        load_yaml(bomb, "x")


def test_yaml_that_contains_itself_is_refused() -> None:
    assert where_of("a: &a [1, *a]\n") == "conf/x.yaml:1"
    assert where_of("a: &a\n  b: *a\n").startswith("conf/x.yaml:")


@pytest.mark.parametrize("text", ["[" * 400, "{b: " * 100 + "1" + "}" * 100])
def test_bottomless_yaml_is_refused(text: str) -> None:
    assert where_of(text).startswith("conf/x.yaml")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\n\tb: 2\n", 2, "a tab, perhaps"),
        ("a: one: two\n", 1, "second ': '"),
        ("a: 1\nb\nc: 2\n", 3, "a ':' is missing"),
        ("a:\n  - 1\n b: 2\n", 3, "does not fit the lines around it"),
        ("a: 1\n---\nb: 2\n", 2, "one file holds one"),
        ("a: *b\n", 1, "before its anchor"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "tag"),
        ("a: !!binary aGk=\n", 1, "tag"),
        ("a: !mine {b: 1}\n", 1, "tag"),
        ("[1, 2]: x\n", 1, "a key must be a word"),
        ("a: 1\n'': x\n", 2, "a key is missing"),
        ("a: 1\n: x\n", 2, "does not fit"),
        ("a: 1\nb: \x00\n", 2, "U\\+0000"),
        ("a: 'never closed\n", 2, "."),
    ],
)
def test_broken_yaml_names_its_line_in_plain_words(text: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_yaml(text, "conf/x.yaml")
    assert caught.value.where == f"conf/x.yaml:{line}"


def test_an_empty_file_holds_nothing() -> None:
    assert load_yaml("# only a remark\n", "x") == (None, {})


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
keys = words.filter(lambda word: word not in ("", "version"))
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def as_yaml(value: Any) -> str:
    """JSON is YAML: text in quotes, so nothing is left to guess."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return (
        {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)
    )


@given(st.dictionaries(keys, trees, max_size=4))
def test_what_is_written_in_quotes_is_read_as_it_was_written(data: dict[str, Any]) -> None:
    assert load_yaml(as_yaml(data), "x")[0] == (data or {})


# --- headers


def test_a_header_is_taken_off_and_the_body_knows_its_line() -> None:
    header, body, line = front_matter("---\nversion: 1.10\nretrieved: 2026-11-22\n---\n# system\nHello\n", "p.md")
    assert header == {"version": "1.10", "retrieved": "2026-11-22"}
    assert body == "# system\nHello\n"
    assert line == 5


def test_numbers_in_a_header_stay_as_they_are_written() -> None:
    assert front_matter("---\nyear: 1990\nissue: 2.50\nopen: true\n---\n", "p")[0] == {
        "year": "1990",
        "issue": "2.50",
        "open": True,
    }


def test_a_file_without_a_header_is_all_body() -> None:
    assert front_matter("Dear reader,\n---\nhello\n", "p") == ({}, "Dear reader,\n---\nhello\n", 1)
    assert front_matter("", "p") == ({}, "", 1)
    assert front_matter("---\n---\nhello", "p") == ({}, "hello", 3)


def test_a_header_survives_windows_and_its_byte_order_mark() -> None:
    assert front_matter("\ufeff---\r\nname: judge\r\n---\r\nHello\r\n", "p") == ({"name": "judge"}, "Hello\n", 4)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("---\nname: judge\n", "p.md:1", "has no end"),
        ("---\nname: judge\nautor: me\n---\n", "p.md:3", "Did you mean 'author'"),
        ("---\njust words\n---\n", "p.md:2", "no `key: value` lines"),
        ("---\nname: a: b\n---\n", "p.md:2", "second ': '"),
        ("---\nname: a\nname: b\n---\n", "p.md:3", "second time \\(first on line 2\\)"),
    ],
)
def test_a_broken_header_names_its_line(text: str, where: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        front_matter(text, "p.md", {"name", "author"})
    assert caught.value.where == where


# --- files


def test_the_first_folder_that_has_the_file_wins(tmp_path: Path) -> None:
    study, packaged = tmp_path / "study", tmp_path / "packaged"
    for folder in (study, packaged):
        folder.mkdir()
    (packaged / "judge.md").touch()
    assert find_file("prompt", "judge", [study, packaged], [".md"]) == packaged / "judge.md"
    (study / "judge.md").touch()
    assert find_file("prompt", "judge", [study, packaged], [".md"]) == study / "judge.md"


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../b", "", ".hidden", "a\\b", "a/", "a\nb", "~/x"])
def test_a_name_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a prompt"):
        find_file("prompt", name, [tmp_path], [".md"])


def test_a_mistyped_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "judge.md").touch()
    with pytest.raises(ConfigError, match=r"no prompt 'jugde'.\n  Did you mean 'judge'\? There are: judge"):
        find_file("prompt", "jugde", [tmp_path, tmp_path / "not there"], [".md"])


def test_two_files_of_one_name_are_not_chosen_between(tmp_path: Path) -> None:
    (tmp_path / "tja.md").touch()
    (tmp_path / "tja.docx").touch()
    with pytest.raises(ConfigError, match="means two things"):
        find_file("perspective", "tja", [tmp_path], [".md", ".docx"])


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "old.md"
    path.write_bytes("first\ncafé\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"old.md:2: .* not UTF-8"):
        read_text(path)


def test_a_file_reads_the_same_from_every_machine(tmp_path: Path) -> None:
    path = tmp_path / "one.md"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert read_text(path) == "one\ntwo\nthree\n"


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_text(tmp_path)


# --- pydantic, translated


class Shelf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    books: int = 0
    open: bool = True
    kind: str = "wood"


@pytest.mark.parametrize(
    ("data", "path", "says"),
    [
        ({"name": 3}, "name", "must be text (put it in quotes), not 3"),
        ({"name": "a", "boks": 1}, "boks", "is not known here"),
        ({}, "name", "is missing"),
        ({"name": "a", "books": "many"}, "books", "must be a whole number, not 'many'"),
        ({"name": "a", "books": 1.5}, "books", "must be a whole number, not 1.5"),
        ({"name": "a", "open": "wide"}, "open", "must be true or false, not 'wide'"),
    ],
)
def test_what_pydantic_found_is_said_in_plain_words(data: dict[str, Any], path: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Shelf.model_validate(data)
    assert in_plain_words(caught.value) == [(path, says)]
