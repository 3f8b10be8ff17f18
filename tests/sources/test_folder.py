"""A folder of files is a dataset: one record a name, and nothing passed over without a word."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.sources.listing import pattern_of

JPEG, MP3 = b"\xff\xd8\xff\xe0", b"ID3\x04rest"


@pytest.fixture
def letters(desk: Any) -> Any:
    """`letters.read(...)` reads the folder `letters`."""

    class Letters:
        root = Path(desk.root) / "letters"
        put = staticmethod(lambda name, content: desk.put(f"letters/{name}", content))
        desk_put = staticmethod(desk.put)

        @staticmethod
        def read(columns: dict[str, Any] | None = None, **options: Any) -> Any:
            return desk.read("letters", None, columns, kind="folder", **options)

        @staticmethod
        def screen(columns: dict[str, Any] | None = None, **options: Any) -> str:
            return str(desk.screen("letters", None, columns, kind="folder", **options))

        @staticmethod
        def fingerprint(**options: Any) -> str:
            return str(desk.source("letters", None, "folder", **options).fingerprint())

    (Path(desk.root) / "letters").mkdir()
    return Letters


def test_each_text_is_a_record_named_by_its_path(letters: Any) -> None:
    letters.put("b.txt", "Dear Ben")
    letters.put("1923/a.md", "# Dear Ana\n")
    letters.put("1923/Ä.txt", "\ufeffwith a mark")
    records, rejects = letters.read()
    assert not rejects
    assert [(r.record_id, r.text) for r in records] == [
        ("1923/a", "# Dear Ana\n"),
        ("1923/Ä", "with a mark"),
        ("b", "Dear Ben"),
    ]
    assert records[0].parts[0].role == "body"


def test_files_of_one_name_are_one_record(letters: Any) -> None:
    letters.put("07.jpg", JPEG)
    letters.put("07.txt", "My dear")
    letters.put("07-a.txt", "another")
    letters.put("07.b.txt", "and another")
    records, _ = letters.read()
    assert [record.record_id for record in records] == ["07", "07-a", "07.b"]
    assert [(part.kind, part.role) for part in records[0].parts] == [("image", "body"), ("text", "transcript")]
    (record, *_), _ = letters.read(text_role="caption")
    assert record.parts[1].role == "caption"


def test_two_texts_for_one_record_are_asked_about(letters: Any) -> None:
    letters.put("a.txt", "one")
    letters.put("a.md", "two")
    records, (reject,) = letters.read()
    assert records == []
    assert reject.why == "a.md and a.txt would both be the text of record 'a'. Choose one kind by `pattern`."
    assert letters.read(pattern="*.md")[0][0].text == "two"


REJECTED = [
    ("e.rtf", b"{\\rtf}", "letters/e.rtf", ".rtf files are not read"),
    ("about.csv", b"file\n", "letters/about.csv", "options: {metadata: letters/about.csv}"),
    ("c.jpg", b"<html>", "letters/c.jpg", "but the file is a web page"),
    ("d.txt", b"  \n", "letters/d.txt", "there is no text in this file"),
    ("f.txt", b"%PDF-1.7", "letters/f.txt", "this is not a text but a PDF"),
    ("g.txt", b"one\ncaf\xe9", "letters/g.txt line 2", "options: {encoding: cp1252} reads: …café…"),
    ("h.docx", b"no word file", "letters/h.docx", ".docx"),
    ("i.png", b"", "letters/i.png", "but the file is empty"),
]


@pytest.mark.parametrize(("name", "content", "where", "why"), REJECTED)
def test_a_file_that_cannot_be_read_is_named(letters: Any, name: str, content: bytes, where: str, why: str) -> None:
    letters.put("a.txt", "fine")
    letters.put(name, content)
    records, (reject,) = letters.read()
    assert [record.record_id for record in records] == ["a"]
    assert reject.where == where
    assert why in reject.why


def test_hidden_files_are_passed_over(letters: Any) -> None:
    for name in (".DS_Store", "~$a.docx", "Thumbs.db", ".git/a.txt"):
        letters.put(name, "x")
    letters.put("a.txt", "fine")
    records, rejects = letters.read()
    assert (len(records), rejects) == (1, [])


def test_links_are_followed_only_inside_the_folder(letters: Any, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("secret")
    letters.put("a.txt", "fine")
    (letters.root / "b.txt").symlink_to(letters.root / "a.txt")
    (letters.root / "c.txt").symlink_to(outside / "secret.txt")
    (letters.root / "d").symlink_to(outside)
    (letters.root / "e.txt").symlink_to(letters.root / "gone.txt")
    records, rejects = letters.read()
    assert [record.record_id for record in records] == ["a", "b"]
    assert [reject.where for reject in rejects] == ["letters/c.txt", "letters/d", "letters/e.txt"]
    assert "leads out of the dataset's folder" in rejects[0].why
    assert "link to a folder" in rejects[1].why


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are Unicode there")
def test_a_name_that_is_not_unicode_is_shown_and_not_read(letters: Any) -> None:
    with open(os.fsencode(letters.root) + b"/caf\xe9.txt", "w") as file:
        file.write("x")
    records, (reject,) = letters.read()
    assert records == []
    assert reject.where == "letters/caf\\xe9.txt"
    assert "its name is not UTF-8" in reject.why


def test_accents_in_names_are_one_spelling(letters: Any) -> None:
    letters.put("e\u0301te\u0301.txt", "as macOS writes it")
    letters.desk_put("about.csv", "file,year\n\u00e9t\u00e9.txt,1923\n")
    (record,), rejects = letters.read(metadata="about.csv")
    assert not rejects
    assert (record.record_id, record.metadata) == ("\u00e9t\u00e9", {"year": "1923"})


def test_a_table_gives_ids_labels_titles_and_words_for_media(letters: Any) -> None:
    letters.put("1923/a.mp3", MP3)
    letters.put("b.txt", "Dear Ben")
    letters.put("c.txt", "no row")
    letters.desk_put(
        "about.csv", "file,id,name,words,tone,year\n1923\\a.mp3,A1,Song,la la,sad,1923\n./b.txt,B1,,,,1924\n"
    )
    columns = {"title": "name", "alt": "words", "labels": {"tone": "tone"}}
    records, rejects = letters.read(columns, metadata="about.csv")
    assert not rejects
    assert [record.record_id for record in records] == ["A1", "B1", "c"]
    song = records[0]
    assert [(part.kind, part.role) for part in song.parts] == [("text", "title"), ("audio", "body")]
    assert (song.parts[1].alt, song.label("tone"), song.metadata) == ("la la", "sad", {"year": "1923"})
    assert (records[2].metadata, records[2].labels) == ({}, ())


def test_rows_that_describe_no_file_are_rejected_and_none_is_used_twice(letters: Any) -> None:
    letters.put("a.txt", "fine")
    letters.put("b.txt", "fine too")
    table = "file,year\na.txt,1\nzz.txt,2\n,3\na.txt,4\na,5\nb.txt\n"
    letters.desk_put("about.csv", table)
    records, rejects = letters.read(metadata="about.csv")
    assert [(record.record_id, record.metadata) for record in records] == [("a", {"year": "1"}), ("b", {})]
    assert [(reject.where, reject.why) for reject in rejects] == [
        ("about.csv row 6", "about.csv row 2 already describes this record, a."),
        ("about.csv row 4", "the row names no file."),
        ("about.csv row 5", "about.csv row 2 already describes 'a.txt'."),
        ("about.csv row 7", "the row has 1 cells and the header has 2: nothing is there for 'year'."),
        ("about.csv row 3", "there is no file 'zz.txt' among those that are read from letters."),
    ]


def test_a_table_inside_the_folder_is_no_record_of_it(letters: Any) -> None:
    letters.put("a.txt", "fine")
    letters.put("about.csv", "which,year\na.txt,1\n")
    records, rejects = letters.read({"media": "which"}, metadata={"path": "letters/about.csv", "delimiter": ","})
    assert (len(records), rejects) == (1, [])


def test_the_tables_file_column_must_be_there(letters: Any) -> None:
    letters.put("a.txt", "fine")
    letters.desk_put("about.csv", "filename,year\na.txt,1\n")
    screen = letters.screen(metadata="about.csv")
    assert "about.csv: there is no column 'file' (columns.media)." in screen
    assert "Did you mean 'filename'?" in screen


def test_mistakes_in_the_settings_are_answered(letters: Any) -> None:
    letters.put("a.txt", "fine")
    assert "options.pattern must be a pattern" in letters.screen(pattern=5)
    assert "options.metadata must be the path of a table" in letters.screen(metadata=5)
    assert "'x.dbf' is not a kind of table" in letters.screen(metadata="x.dbf")
    assert "names a column, 'tone', but the folder has no table" in letters.screen({"labels": {"tone": "tone"}})
    assert "texts are in its files" in letters.screen({"text": "words"})
    assert "'delimitr' is not an option of a csv dataset" in letters.screen(metadata={"path": "a.csv", "delimitr": ";"})


def test_a_pattern_that_no_file_is_like_shows_what_there_is(letters: Any) -> None:
    letters.put("a.txt", "fine")
    letters.put("b.jpg", JPEG)
    assert "no file is like '*.tx'. The folder holds: 1 .txt, 1 .jpg." in letters.screen(pattern="*.tx")


def test_an_empty_folder_is_said_to_be_empty(letters: Any) -> None:
    assert "there is no file in it. The folder holds: nothing." in letters.screen()


def test_the_fingerprint_is_of_names_and_bytes(letters: Any) -> None:
    letters.put("a.txt", "fine")
    before = letters.fingerprint()
    os.utime(letters.root / "a.txt", (1, 1))
    assert letters.fingerprint() == before
    (letters.root / "a.txt").rename(letters.root / "b.txt")
    assert letters.fingerprint() != before


@pytest.mark.parametrize(
    ("glob", "name", "meant"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "1923/deep/a.TXT", True),
        ("1923/*.txt", "1923/a.txt", True),
        ("1923/*.txt", "1923/deep/a.txt", False),
        ("1923/**/*.txt", "1923/deep/a.txt", True),
        ("1923/**/*.txt", "1923/a.txt", True),
        ("letter-?.txt", "letter-1.txt", True),
        ("letter-[!a].txt", "letter-a.txt", False),
        ("a.txt", "axtxt", False),
    ],
)
def test_patterns_mean_what_they_mean_in_a_shell(glob: str, name: str, meant: bool) -> None:
    assert bool(pattern_of(glob).fullmatch(name)) is meant


@given(st.text("ab.+()$^|{}é-", min_size=1).filter(lambda name: name.strip(".")))
def test_a_name_without_marks_is_a_pattern_for_itself(name: str) -> None:
    assert pattern_of(name).fullmatch(name)
