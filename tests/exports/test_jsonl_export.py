"""JSONL: every type as it is."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar
from buttermilk.plugins import find

COLUMNS = ("a", "b")
CELL = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=5))
def test_what_is_written_is_what_is_read(tmp_path: Path, rows: list[tuple[Scalar, ...]]) -> None:
    target = tmp_path / "a.jsonl"
    assert find("exports", "jsonl")().write(Table(COLUMNS, iter(rows)), target) == len(rows)
    lines = target.read_bytes().decode("utf-8").split("\n")[:-1]
    read = [tuple(json.loads(line).values()) for line in lines]
    assert read == rows
    assert [[type(cell) for cell in row] for row in read] == [[type(cell) for cell in row] for row in rows]


def test_half_a_pair_is_written_as_json_writes_it(tmp_path: Path) -> None:
    find("exports", "jsonl")().write(Table(("a",), iter([("é \ud83d",)])), tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8") == '{"a": "é \\ud83d"}\n'
