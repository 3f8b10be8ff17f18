"""Parquet: a column's type is found from all its values, in one reading."""

import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttermilk.core.tables import Table
from buttermilk.exports.parquet import BATCH, ParquetExport


def column(path: Path, *values: Any) -> tuple[str, list[Any]]:
    """Type and values of a column that was written and read."""
    ParquetExport().write(Table(("a",), ((value,) for value in values)), path)
    table = pq.read_table(path)
    return str(table.schema.field("a").type), table.column("a").to_pylist()


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, None, 2], "int64", [1, None, 2]),
        ([True, None, False], "bool", [True, None, False]),
        ([1, 0.5], "double", [1.0, 0.5]),
        ([None, None], "string", [None, None]),
        ([], "string", []),
        (["a", "", None], "string", ["a", "", None]),
        ([1, "a", True, None, 0.5], "string", ["1", "a", "true", None, "0.5"]),
        ([True, 1], "string", ["true", "1"]),
        ([2**63], "string", [str(2**63)]),
        ([2**60 + 1, 0.5], "string", [str(2**60 + 1), "0.5"]),
        (["half \ud83d"], "string", ["half \\ud83d"]),
    ],
)
def test_a_column_has_the_type_that_all_its_values_have(
    tmp_path: Path, values: list[Any], kind: str, read: list[Any]
) -> None:
    assert column(tmp_path / "a.parquet", *values) == (kind, read)


def test_a_type_may_show_itself_late(tmp_path: Path) -> None:
    assert column(tmp_path / "a.parquet", *[None] * BATCH, *[1] * BATCH, 0.5) == (
        "double",
        [None] * BATCH + [1.0] * BATCH + [0.5],
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.none() | st.integers(-(2**63) + 1, 2**63 - 1), max_size=8))
def test_whole_numbers_come_back_exactly(tmp_path: Path, values: list[int | None]) -> None:
    assert column(tmp_path / "a.parquet", *values)[1] == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=8))
def test_texts_come_back_exactly(tmp_path: Path, values: list[str | None]) -> None:
    assert column(tmp_path / "a.parquet", *values)[1] == values


def test_many_rows_need_little_memory(tmp_path: Path) -> None:
    rows = ((n, "verse " * 100) for n in range(20_000))
    tracemalloc.start()
    assert ParquetExport().write(Table(("n", "text"), rows), tmp_path / "a.parquet") == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15_000_000  # of 12 MB of text, and a batch of 3 MB
