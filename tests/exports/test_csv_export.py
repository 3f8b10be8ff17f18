"""CSV: what a spreadsheet opens is what was meant, and never a formula."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttermilk.core.errors import StoreError
from buttermilk.core.tables import Table
from buttermilk.plugins import find


def written(path: Path, columns: tuple[str, ...], *rows: Any) -> str:
    find("exports", "csv")().write(Table(columns, iter(rows)), path)
    return path.read_bytes().decode("utf-8")


def test_four_kinds_of_nothing_stay_four(tmp_path: Path) -> None:
    text = written(tmp_path / "a.csv", ("label", "harm", "value", "repeat"), ("", False, 0.0, 0), (None,) * 4)
    assert text == 'label,harm,value,repeat\n"",false,0.0,0\n,,,\n'


def test_quoting_is_that_of_rfc_4180(tmp_path: Path) -> None:
    text = written(tmp_path / "a.csv", ("a", "b"), ('say "no"', "one,\r\ntwo"), (" kept ", "plain"))
    assert text == 'a,b\n"say ""no""","one,\r\ntwo"\n" kept ",plain\n'


@pytest.mark.parametrize("cell", ["=1+1", "+SUM(A1)", "-cmd|' /C calc'!A0", "@import", "\t=1", "\r=1", "=", "-"])
def test_a_formula_is_made_a_text(tmp_path: Path, cell: str) -> None:
    written(tmp_path / "a.csv", ("a", "b"), (cell, 1))
    with (tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.reader(file))[1] == ["'" + cell, "1"]


@pytest.mark.parametrize("cell", ["-5", "+0.5", "-.5e10", "-1.", "a=b"])
def test_a_number_or_a_word_is_none(tmp_path: Path, cell: str) -> None:
    assert written(tmp_path / "a.csv", ("a", "b"), (cell, 1)) == f"a,b\n{cell},1\n"


def test_a_column_name_is_no_formula_either(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", ("=a", "b")) == "'=a,b\n"


def test_in_one_column_nothing_is_still_a_row(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", ("a",), (None,), ("x",)) == 'a\n""\nx\n'


def test_half_a_pair_is_shown_and_utf_8_stays(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", ("a",), ("é \ud83d 😀",)) == "a\né \\ud83d 😀\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_what_the_file_has_no_word_for_is_named(tmp_path: Path, kind: str, value: float) -> None:
    with pytest.raises(StoreError, match=f"row 2 of the table has {value} in 'b'"):
        find("exports", kind)().write(Table(("a", "b"), iter([(1, 1.0), (1, value)])), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_every_text_comes_back_through_a_reader(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    written(tmp_path / "a.csv", ("a", "b"), *rows)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.reader(file))[1:]
    for got, cells in zip(read, rows, strict=True):
        for cell, text in zip(got, cells, strict=True):
            assert cell == text or (cell == f"'{text}" and text[0] in "=+-@\t\r")
