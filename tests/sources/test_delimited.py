"""CSV and TSV as scholars have them: semicolons, accents, stray quotation marks, ragged rows."""

import csv
import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

VERSE = {"text": "verse"}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(desk: Any, mark: str) -> None:
    rows = [["id", "text", "score"], ["1", "a, b; c | d\te", "3,5"], ["2", "x", "1"]]
    file = io.StringIO()
    csv.writer(file, delimiter=mark).writerows(rows)
    records = desk.records("verse.csv", file.getvalue())
    assert [record.text for record in records] == ["a, b; c | d\te", "x"]
    assert [record.metadata for record in records] == [{"score": "3,5"}, {"score": "1"}]


def test_the_delimiter_can_be_said(desk: Any) -> None:
    (record,) = desk.records("verse.csv", "id#text\n1#a,b\n", delimiter="#")
    assert (record.record_id, record.text) == ("1", "a,b")
    (record,) = desk.records("verse.csv", "id\ttext\n1\ta,b\n", delimiter="tab")
    assert record.text == "a,b"
    assert "must be one character, or tab, not 'comma'" in desk.screen("verse.csv", delimiter="comma")


def test_a_header_that_two_delimiters_cut_alike_is_asked_about(desk: Any) -> None:
    screen = desk.screen("verse.csv", "id,text;tone\n1,a;b\n")
    assert "it cannot be told whether its cells are separated by commas or semicolons" in screen
    assert "options: {delimiter: ','}" in screen


def test_a_list_of_verses_with_commas_is_one_column(desk: Any) -> None:
    records = desk.records("verse.csv", "text\nShall I compare thee, love\nThou art\n")
    assert [record.text for record in records] == ["Shall I compare thee, love", "Thou art"]


def test_a_quoted_cell_may_hold_lines_and_marks(desk: Any) -> None:
    (record,) = desk.records("verse.csv", 'id,text\n1,"Shall I, ""love"",\nThou art, no"\n')
    assert record.text == 'Shall I, "love",\nThou art, no'


def test_a_ragged_row_is_named_and_not_mended(desk: Any) -> None:
    content = "id,text,tone\n1,a,pos\n2,b, and c,neg\n3,d\n4,e,pos\n"
    records, rejects = desk.read("verse.csv", content)
    assert [record.record_id for record in records] == ["1", "4"]
    assert [(reject.where, reject.column) for reject in rejects] == [
        ("verse.csv row 3", ""),
        ("verse.csv row 4", "tone"),
    ]
    assert rejects[0].why.startswith("the row has 4 cells and the header has 3")
    assert rejects[0].content == "2,b, and c,neg"
    assert "nothing is there for 'tone'" in rejects[1].why


def test_rows_are_numbered_as_a_spreadsheet_does_and_lines_as_an_editor_does(desk: Any) -> None:
    _, rejects = desk.read("verse.csv", 'id,text\n1,"a\nb"\n\n2,c,d\n')
    assert rejects[0].where == "verse.csv row 4 (line 5)"


def test_lines_of_empty_cells_are_no_rows(desk: Any) -> None:
    assert len(desk.records("verse.csv", "\nid,text\n\n,\n1,a\n\n")) == 1


def test_cells_stay_text_and_empty_ones_stay(desk: Any) -> None:
    (record,) = desk.records("verse.csv", "id,text,year,note\n007,a, 1923,\n")
    assert record.record_id == "007"
    assert record.metadata == {"year": " 1923", "note": ""}


def test_a_dropped_column_is_not_kept(desk: Any) -> None:
    (record,) = desk.records("verse.csv", "id,text,email\n1,a,x@y\n", {"drop": ("email",)})
    assert record.metadata == {}


def test_without_an_id_the_content_gives_one_that_stays(desk: Any) -> None:
    first, second = desk.records("verse.csv", "text,year\na,1\nb,1\n")
    assert first.record_id != second.record_id
    assert desk.records("verse.csv", "text,year\nb,1\na,1\n")[1].record_id == first.record_id


def test_a_row_without_its_id_is_rejected(desk: Any) -> None:
    _, rejects = desk.read("verse.csv", "id,text\n ,a\n")
    assert (rejects[0].column, rejects[0].why) == ("id", "this row has no id.")


def test_labels_of_several_coders_are_kept_apart(desk: Any) -> None:
    labels = {"labels": {"tone": {"ana": "tone_ana", "ben": "tone_ben"}, "era": "period"}}
    (record,) = desk.records("verse.csv", "id,text,tone_ana,tone_ben,period\n1,a,2,,old\n", labels)
    assert [(label.question, label.coder, label.value) for label in record.labels] == [
        ("tone", "ana", "2"),
        ("era", "human", "old"),
    ]


def test_a_title_comes_before_the_text(desk: Any) -> None:
    first, second = desk.records("verse.csv", "id,text,poem\n1,a,Ode\n2,b,\n", {"title": "poem"})
    assert [(part.role, part.text) for part in first.parts] == [("title", "Ode"), ("body", "a")]
    assert len(second.parts) == 1


def test_the_text_column_is_never_guessed(desk: Any) -> None:
    screen = desk.screen("verse.csv", "n,verse,tone\n1,a,b\n")
    assert screen.startswith("verse.csv: it is not said which column is the text. The columns are: n, verse, tone.")
    assert "Write in conf/dataset/verse.yaml:\n    columns: {text: verse}" in screen
    assert "options: {header: [" in screen
    assert desk.records("verse.csv", "n,TEXT\n1,a\n")[0].text == "a"
    assert "which of Text and TEXT is the text" in desk.screen("verse.csv", "Text,TEXT\n1,a\n")


def test_a_column_both_dropped_and_used_is_asked_about(desk: Any) -> None:
    screen = desk.screen("verse.csv", "id,verse\n1,a\n", {"text": "verse", "drop": ("verse",)})
    assert "column 'verse' is dropped, and is also columns.text" in screen


def test_a_file_without_header_gets_its_names_from_the_dataset(desk: Any) -> None:
    records = desk.records("verse.tsv", "1\ta\t0\n2\tb\t1\n", VERSE, header=["id", "verse", "tone"])
    assert [(record.record_id, record.text, record.metadata["tone"]) for record in records] == [
        ("1", "a", "0"),
        ("2", "b", "1"),
    ]
    assert "must be a list of column names" in desk.screen("verse.tsv", header="id")


def test_two_columns_of_one_name_stop_the_reading(desk: Any) -> None:
    screen = desk.screen("verse.csv", "id,text,tone,tone\n1,a,b,c\n")
    assert "verse.csv row 1: two columns have the name 'tone' (columns 3 and 4)." in screen


def test_a_column_without_name_is_named_by_its_place(desk: Any) -> None:
    (record,) = desk.records("verse.csv", ",text\n0,a\n")
    assert record.metadata == {"column 1": "0"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_with_and_without_its_mark(desk: Any, encoding: str) -> None:
    (record,) = desk.records("verse.csv", "id,text\n1,crème “brûlée” all around\n".encode(encoding))
    assert record.text == "crème “brûlée” all around"


def test_other_encodings_are_never_guessed_but_shown(desk: Any) -> None:
    content = "id,text\n1,plain\n2,crème brûlée\n".encode("cp1252")
    screen = desk.screen("verse.csv", content)
    assert screen.startswith("verse.csv line 3: the text is not UTF-8 (byte E8 at column 5).")
    assert "options: {encoding: cp1252}     reads: …2,crème brûlée…" in screen
    assert "options: {encoding: mac_roman}  reads: …2,crËme br˚lÈe…" in screen
    assert desk.records("verse.csv", content, encoding="cp1252")[1].text == "crème brûlée"


def test_one_damaged_line_among_sound_ones_is_told_from_another_encoding(desk: Any) -> None:
    screen = desk.screen("verse.csv", "id,text\n1,é\n".encode() + b"2,\xe9\n")
    assert "line 3" in screen
    assert "is only this line damaged?" in screen


def test_an_unknown_encoding_is_answered_with_a_near_one(desk: Any) -> None:
    assert "Did you mean 'cp1252'" in desk.screen("verse.csv", "id,text\n1,a\n", encoding="cp125")
    assert "not the name of an encoding" in desk.screen("verse.csv", encoding="hex")


SWALLOWING = [
    ("verse.tsv", 'n\tverse\tt\n1\t"who\'s we?\t0\n2\tsaid he"\t0\n'),
    ("verse.csv", 'n,verse,t\n1,"to be,0\n2,or not",0\n'),
    ("verse.csv", 'n,verse\n1,"to be" or\n'),
    ("verse.csv", 'n,verse\n1,"to be\n2,or not\n'),
]


@pytest.mark.parametrize(("name", "content"), SWALLOWING)
def test_a_stray_quotation_mark_swallows_no_rows(desk: Any, name: str, content: str) -> None:
    screen = desk.screen(name, content, VERSE)
    assert f"{name} row 2 (line 2): a cell begins with a quotation mark" in screen
    assert "options: {quote: none}" in screen
    verses = [record.text for record in desk.records(name, content, VERSE, quote="none")]
    assert verses[0].startswith('"')
    assert len(verses) == content.count("\n") - 1


def test_a_row_that_is_right_as_it_is_can_be_said_to_be(desk: Any) -> None:
    (record,) = desk.records("verse.csv", 'n,verse,t\n1,"to be,0\n2,or not",0\n', VERSE, quote='"')
    assert record.text == "to be,0\n2,or not"
    assert "must be one character, or none" in desk.screen("verse.csv", quote="both")


def test_a_tsv_that_is_a_csv_shows_what_its_columns_are(desk: Any) -> None:
    assert "which column is the text. The columns are: id,text." in desk.screen("verse.tsv", "id,text\n1,a\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "nothing but empty lines"),
        (b"id,text\n", "no rows beneath the header"),
        (b"<!DOCTYPE html><html>", "a web page (HTML)"),
        (b"\x1f\x8b\x08rest", "compressed with gzip"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"i\x00d,text\n1,a\n", "the header holds a NUL character"),
    ],
)
def test_a_file_that_is_no_table_is_called_what_it_is(desk: Any, content: bytes, said: str) -> None:
    screen = desk.screen("verse.csv", content)
    assert screen.startswith("verse.csv")
    assert said in screen


def test_a_nul_in_a_text_is_kept(desk: Any) -> None:
    assert desk.records("verse.csv", "id,text\n1,a\x00b\n")[0].text == "a\x00b"


def test_a_very_long_cell_is_read(desk: Any) -> None:
    assert len(desk.records("verse.csv", f"id,text\n1,{'x' * 1_000_000}\n")[0].text) == 1_000_000


def test_a_folder_in_the_place_of_a_file_is_said(desk: Any) -> None:
    desk.put("verse.csv/a.txt", "a")
    assert "To read a folder of files write `type: folder`" in desk.screen("verse.csv")


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text("abc ,;|\"'\n", min_size=1), CELL), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_what_a_csv_writer_wrote_comes_back_as_it_was(desk: Any, rows: list[tuple[str, str]], mark: str) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerow(["n", "text", "note"])
    writer.writerows([[f"row {n}", *row] for n, row in enumerate(rows)])
    records, rejects = desk.read("verse.csv", file.getvalue(), quote='"', delimiter=mark)
    blank = [text for text, _ in rows if not text.strip()]
    assert [(r.text, r.metadata["note"]) for r in records] == [(t, n) for t, n in rows if t.strip()]
    assert len(rejects) == len(blank)


def test_a_large_file_needs_no_memory(desk: Any) -> None:
    with (desk.root / "verse.csv").open("w") as file:
        file.write("id,text\n")
        file.writelines(f"{n},{'verse ' * 300}\n" for n in range(3_000))
    source = desk.source("verse.csv")
    next(iter(source.records()))
    tracemalloc.start()
    assert sum(1 for _ in source.records()) == 3_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # of a file of 5.4 MB
