"""XLSX as spreadsheets make it: dates, merged cells, errors, formulas nobody calculated, notes on a second sheet."""

import re
import zipfile
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

HEADER = ["id", "text", "note"]


def book(path: Path, *rows: list[Any], merged: tuple[str, ...] = (), **sheets: list[list[Any]]) -> str:
    """A workbook with these rows on its first sheet, and more sheets by name."""
    made = Workbook()
    for row in rows:
        made.active.append(row)
    for ref in merged:
        made.active.merge_cells(ref)
    for name, others in sheets.items():
        sheet = made.create_sheet(name)
        for row in others:
            sheet.append(row)
    made.save(path)
    return path.name


@pytest.fixture
def path(desk: Any) -> Path:
    return Path(desk.root) / "verse.xlsx"


def test_cells_keep_their_type_and_dates_become_iso_text(desk: Any, path: Path) -> None:
    days = [datetime(1923, 5, 1), datetime(1923, 5, 1, 13, 30), time(13, 30)]  # noqa: DTZ001 (a sheet knows no zones)
    name = book(path, ["id", "text", "day", "at", "hour", "n", "x", "ok", "none"], [1, "a", *days, 3, 0.5, False, None])
    (record,) = desk.records(name)
    assert record.record_id == "1"
    assert list(record.metadata.values()) == ["1923-05-01", "1923-05-01T13:30:00", "13:30:00", 3, 0.5, False, None]


def test_labels_keep_the_type_the_sheet_gives_them(desk: Any, path: Path) -> None:
    name = book(path, HEADER, [1, "a", 2], [2, "b", "two"], [3, "c", True], [4, "d", None])
    records = desk.records(name, None, {"labels": {"tone": "note"}})
    assert [record.label("tone") for record in records] == [2, "two", True, None]


REJECTED = [
    (["=1+1", "a", "x"], "id", "cell A3 holds a formula that was never calculated"),
    ([1, "a", "#N/A"], "note", "cell C3 holds the error #N/A"),
    ([1, "a", "b", "c"], "", "cell D3 stands to the right of the last column of the header, note"),
    ([1, None, "b"], "text", "this row has no text"),
    ([123456789012345678, "a", None], "id", "more than 15 digits"),
    ([1, datetime(2020, 5, 1), None], "text", "holds a date (2020-05-01), not text"),  # noqa: DTZ001
]


@pytest.mark.parametrize(("row", "column", "why"), REJECTED)
def test_a_cell_that_is_not_what_it_looks_like_rejects_its_row(
    desk: Any, path: Path, row: list[Any], column: str, why: str
) -> None:
    records, (reject,) = desk.read(book(path, HEADER, [8, "fine", None], row, [9, "fine too", None]))
    assert [record.record_id for record in records] == ["8", "9"]
    assert (reject.where, reject.column) == ("verse.xlsx row 3", column)
    assert why in reject.why


def test_a_formula_that_was_calculated_is_its_value(desk: Any, path: Path) -> None:
    book(path, HEADER, [1, "=A2&B1", 5], [2, "plain", 6])
    calculated = path.with_name("calculated.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(calculated, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            if member.endswith("sheet1.xml"):
                data = re.sub(
                    rb'<c r="B2"><f>(.*?)</f><v ?/></c>', rb'<c r="B2" t="str"><f>\1</f><v>1text</v></c>', data
                )
                data = re.sub(
                    rb'<c r="B2"><f>(.*?)</f><v></v></c>', rb'<c r="B2" t="str"><f>\1</f><v>1text</v></c>', data
                )
            new.writestr(member, data)
    assert [record.text for record in desk.records("calculated.xlsx")] == ["1text", "plain"]


def test_empty_rows_are_none_and_count_in_the_numbers(desk: Any, path: Path) -> None:
    _, (reject,) = desk.read(book(path, HEADER, [1, "a"], [None], [None], [2, None, "x"]))
    assert reject.where == "verse.xlsx row 5"


def test_merged_header_cells_are_named_with_what_to_do(desk: Any, path: Path) -> None:
    name = book(path, ["My corpus", None, None], HEADER, [1, "a", "x"], merged=("A1:C1",))
    screen = desk.screen(name)
    assert screen.startswith("verse.xlsx row 1: cells of the header are merged (A1:C1)")
    assert "unmerge them" in screen
    assert "options: {header_row: 2}" in screen
    assert desk.records(name, header_row=2)[0].metadata == {"note": "x"}


def test_rows_under_merged_cells_are_rejected_and_not_left_empty(desk: Any, path: Path) -> None:
    rows = [[1, "a", "ana"], [2, "b", None], [3, "c", None], [4, "d", "ben"]]
    records, rejects = desk.read(book(path, HEADER, *rows, merged=("C2:C3", "B3:C4", "E1:E9")))
    assert [record.record_id for record in records] == ["4"]
    assert [reject.where for reject in rejects] == [f"verse.xlsx row {n}" for n in (2, 3, 4)]
    assert rejects[0].why.startswith("cells C2:C3 are merged: only the first holds the value.")


def test_of_several_sheets_one_must_be_named(desk: Any, path: Path) -> None:
    name = book(path, ["notes"], Verse=[HEADER, [1, "a", None]], Empty=[])
    assert "it has 2 sheets that hold something: Sheet, Verse" in desk.screen(name)
    assert desk.records(name, sheet="Verse")[0].text == "a"
    assert "Did you mean 'Verse'? There are: Empty, Sheet, Verse." in desk.screen(name, sheet="Vers")
    assert "options.sheet must be text" in desk.screen(name, sheet=1923)


def test_the_only_sheet_that_holds_anything_need_not_be_named(desk: Any, path: Path) -> None:
    assert desk.records(book(path, Verse=[HEADER, [1, "a", None]]))[0].text == "a"


def test_a_workbook_with_nothing_in_it_is_said_to_be_empty(desk: Any, path: Path) -> None:
    assert "the workbook is empty" in desk.screen(book(path))
    assert "this row is empty; it should be the header" in desk.screen(book(path, [None], HEADER))
    assert "must be the number of a row" in desk.screen(book(path, HEADER), header_row=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"<html><body>Sign in", "it is a web page (HTML)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc), or one that is locked with a password"),
        (b"id,text\n1,a\n", "it is something else"),
        (b"PK\x03\x04cut off", "the workbook cannot be read"),
    ],
)
def test_a_file_that_is_no_workbook_is_called_what_it_is(desk: Any, content: bytes, said: str) -> None:
    screen = desk.screen("verse.xlsx", content)
    assert said in screen
    assert "Open it in a spreadsheet program" in screen


def test_a_zip_that_is_no_workbook_is_refused(desk: Any, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    assert "the workbook cannot be read" in desk.screen("verse.xlsx")


def test_a_damaged_sheet_is_refused(desk: Any, path: Path) -> None:
    book(path, HEADER, [1, "a", None])
    broken = path.with_name("broken.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(broken, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, data[: len(data) - 60] if member.endswith("sheet1.xml") else data)
    assert "the workbook cannot be read" in desk.screen("broken.xlsx")


def test_a_zip_bomb_is_not_unpacked(desk: Any, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    assert "unpacked it would be 30 MB" in desk.screen("verse.xlsx")
