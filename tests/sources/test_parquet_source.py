"""Parquet: the table's own types, with what JSON cannot say refused by name."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def table(desk: Any, **columns: Any) -> str:
    pq.write_table(pa.table(columns), Path(desk.root) / "verse.parquet")
    return "verse.parquet"


def test_types_are_kept_and_dates_become_iso_text(desk: Any) -> None:
    name = table(
        desk,
        id=[10**17 + 1],
        text=["a"],
        n=[3],
        x=[0.5],
        ok=[False],
        day=[date(1923, 5, 1)],
        at=pa.array([datetime(1923, 5, 1, 13, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        price=[Decimal("1.10")],
        tags=[["x", "y"]],
        who=[{"name": "ana"}],
        none=pa.array([None], pa.string()),
    )
    (record,) = desk.records(name)
    assert record.record_id == str(10**17 + 1)
    assert record.metadata == {
        "n": 3,
        "x": 0.5,
        "ok": False,
        "day": "1923-05-01",
        "at": "1923-05-01T13:00:00+00:00",
        "price": "1.10",
        "tags": ["x", "y"],
        "who": {"name": "ana"},
        "none": None,
    }


def test_what_cannot_be_kept_is_named_and_can_be_left_out(desk: Any) -> None:
    name = table(desk, id=[1.0, 2.0], text=["a", "b"], x=[0.5, float("nan")], raw=[b"a", b"b"])
    _, rejects = desk.read(name)
    assert [(reject.where, reject.column) for reject in rejects] == [
        ("verse.parquet row 1", "raw"),
        ("verse.parquet row 2", "x"),
    ]
    assert "this is raw bytes, which cannot be kept" in rejects[0].why
    assert "this is nan (not a number)" in rejects[1].why
    records = desk.records(name, None, {"drop": ("x", "raw")})
    assert [record.record_id for record in records] == ["1", "2"]


def test_rows_of_many_batches_are_in_order(desk: Any) -> None:
    name = table(desk, id=list(range(2_500)), text=["a"] * 2_500)
    assert [record.record_id for record in desk.records(name)] == [str(n) for n in range(2_500)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"<html>", "a web page"),
        (b"id,text\n", "something else"),
        (b"PAR1 cut off", "cannot be read"),
    ],
)
def test_a_file_that_is_no_parquet_is_called_what_it_is(desk: Any, content: bytes, said: str) -> None:
    screen = desk.screen("verse.parquet", content)
    assert screen.startswith("verse.parquet")
    assert said in screen


def test_a_damaged_table_is_refused(desk: Any) -> None:
    name = table(desk, id=list(range(5_000)), text=[f"verse {n}" for n in range(5_000)])
    path = Path(desk.root) / name
    data = bytearray(path.read_bytes())
    data[200:2_000] = b"\xff" * 1_800
    path.write_bytes(data)
    assert "the Parquet table cannot be read" in desk.screen(name)
