"""XLSX: read back by openpyxl, and by our own source, as it was written."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from buttermilk.core.errors import StoreError
from buttermilk.core.records import DatasetSpec, Record
from buttermilk.core.tables import Table
from buttermilk.exports import xlsx
from buttermilk.exports.xlsx import XlsxExport
from buttermilk.plugins import find


def cells(path: Path, columns: tuple[str, ...], *rows: Any) -> list[list[tuple[Any, str]]]:
    """Value and type of each cell beneath the header."""
    XlsxExport().write(Table(columns, iter(rows)), path)
    book = load_workbook(path)
    try:
        return [[(cell.value, cell.data_type) for cell in row] for row in book.active.iter_rows(min_row=2)]
    finally:
        book.close()


def test_types_are_kept(tmp_path: Path) -> None:
    (row,) = cells(tmp_path / "a.xlsx", ("a", "b", "c", "d", "e"), ("x", 1, 0.5, False, None))
    assert row == [("x", "s"), (1, "n"), (0.5, "n"), (False, "b"), (None, "n")]


@pytest.mark.parametrize("text", ["=1+1", "#N/A", "-5", "1e5", "TRUE", " kept ", "two\nlines", "😀 é"])
def test_a_text_stays_the_text_it_is(tmp_path: Path, text: str) -> None:
    assert cells(tmp_path / "a.xlsx", ("a",), (text,)) == [[(text, "s")]]


def test_what_a_workbook_cannot_hold_is_shown(tmp_path: Path) -> None:
    ((cell,),) = cells(tmp_path / "a.xlsx", ("a",), ("bell \x07 nul \x00 half \ud83d none \uffff",))
    assert cell[0] == "bell \\u0007 nul \\u0000 half \\ud83d none \\uffff"


@pytest.mark.parametrize("text", ["a\r\nb", "literal _x000D_ here", "_x005F_", "=x", "plain"])
def test_our_own_source_reads_what_was_written(tmp_path: Path, text: str) -> None:
    XlsxExport().write(Table(("id", "text"), iter([("1", text)])), tmp_path / "a.xlsx")
    spec = DatasetSpec(name="a", type="xlsx", path="a.xlsx")
    (record,) = find("sources", "xlsx")(spec, tmp_path).records()
    assert isinstance(record, Record)
    assert record.text == text


def test_a_number_that_a_spreadsheet_would_round_is_text(tmp_path: Path) -> None:
    ((cell,),) = cells(tmp_path / "a.xlsx", ("seed",), (2**62 + 1,))
    assert cell == (str(2**62 + 1), "s")


def test_the_limits_of_a_sheet_are_named_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(StoreError, match=r"(?s)the text in row 2, 'a', has 32,768 characters.*Write CSV or Parquet"):
        XlsxExport().write(Table(("a",), iter([("x" * 32_767,), ("x" * 32_768,)])), tmp_path / "a.xlsx")
    with pytest.raises(StoreError, match="16,385 columns"):
        XlsxExport().write(Table(tuple(f"c{n}" for n in range(16_385)), iter(())), tmp_path / "a.xlsx")
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)
    with pytest.raises(StoreError, match="more rows than the 3 of a sheet"):
        XlsxExport().write(Table(("a",), iter([(1,)] * 3)), tmp_path / "a.xlsx")
    assert XlsxExport().write(Table(("a",), iter([(1,)] * 2)), tmp_path / "b.xlsx") == 2
    assert sorted(os.listdir(tmp_path)) == ["b.xlsx", "temporary"]
    assert os.listdir(tmp_path / "temporary") == []
