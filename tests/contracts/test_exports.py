"""What every export promises: all of the table or nothing, and a plain sentence where it cannot be written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buttermilk.core.contracts import Export
from buttermilk.core.errors import StoreError
from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar
from buttermilk.plugins import find, names

COLUMNS = ("record_id", "label", "value", "harm", "repeat")
ROWS: list[tuple[Scalar, ...]] = [
    ("v1", "positive", 0.25, True, 1),
    ("v2", "Nähe, “dein”\nSchimmer", None, False, 2),
    ("v3", None, 1.0, None, 3),
]


@pytest.fixture(params=names("exports"))
def export(request: pytest.FixtureRequest) -> Export:
    made: Export = find("exports", request.param)()
    return made


def left_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_an_export_walks_through_the_door_and_knows_its_suffix(export: Export) -> None:
    assert isinstance(export, Export)
    assert export.suffix.startswith(".")


def test_it_writes_one_file_and_counts_its_rows(export: Export, tmp_path: Path) -> None:
    target = tmp_path / f"answers{export.suffix}"
    assert export.write(Table(COLUMNS, iter(ROWS)), target) == 3
    assert left_in(tmp_path) == [target.name]
    assert target.stat().st_size > 0


def test_a_table_without_rows_is_a_file_too(export: Export, tmp_path: Path) -> None:
    target = tmp_path / f"answers{export.suffix}"
    assert export.write(Table(COLUMNS, iter(())), target) == 0
    assert target.is_file()


def test_rows_that_fail_half_way_leave_the_old_file_and_nothing_beside_it(export: Export, tmp_path: Path) -> None:
    target = tmp_path / f"answers{export.suffix}"
    target.write_text("as it was")

    def rows() -> Iterator[tuple[Scalar, ...]]:
        yield from ROWS
        raise StoreError("the store was closed.")

    with pytest.raises(StoreError, match="the store was closed"):
        export.write(Table(COLUMNS, rows()), target)
    assert target.read_text() == "as it was"
    assert left_in(tmp_path) == [target.name]


def test_a_row_of_another_length_is_a_bug_and_writes_nothing(export: Export, tmp_path: Path) -> None:
    target = tmp_path / f"answers{export.suffix}"
    with pytest.raises(ValueError, match="zip"):
        export.write(Table(COLUMNS, iter([("v1",)])), target)
    assert left_in(tmp_path) == []


def test_a_missing_folder_is_named_with_what_to_do(export: Export, tmp_path: Path) -> None:
    target = tmp_path / "exprots" / f"answers{export.suffix}"
    with pytest.raises(StoreError, match=r"(?s)exprots/answers.*no such file or directory.*Make the folder first"):
        export.write(Table(COLUMNS, iter(ROWS)), target)


def test_a_folder_is_not_written_over(export: Export, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="add a file's name"):
        export.write(Table(COLUMNS, iter(ROWS)), tmp_path)
    assert left_in(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_device_or_a_pipe_is_not_replaced_by_a_file(export: Export, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(StoreError, match="device or a pipe"):
        export.write(Table(COLUMNS, iter(ROWS)), pipe)
    assert pipe.is_fifo()


def test_a_link_stays_one_and_the_file_behind_it_is_written(export: Export, tmp_path: Path) -> None:
    real, link = tmp_path / f"real{export.suffix}", tmp_path / f"link{export.suffix}"
    real.write_text("old")
    link.symlink_to(real)
    export.write(Table(COLUMNS, iter(ROWS)), link)
    assert link.is_symlink()
    assert real.read_bytes() != b"old"


def test_writing_twice_gives_the_same_table(export: Export, tmp_path: Path) -> None:
    first, second = tmp_path / f"one{export.suffix}", tmp_path / f"two{export.suffix}"
    export.write(Table(COLUMNS, iter(ROWS)), first)
    export.write(Table(COLUMNS, iter(ROWS)), second)
    if export.suffix != ".xlsx":  # a workbook holds the minute it was made
        assert first.read_bytes() == second.read_bytes()


def test_half_a_surrogate_pair_is_written_as_its_number(export: Export, tmp_path: Path) -> None:
    assert export.write(Table(("text",), iter([("half \ud83d",)])), tmp_path / f"answers{export.suffix}") == 1


FULL_DISK = """
import os, resource, signal, sys
from pathlib import Path
from buttermilk.core.errors import StoreError
from buttermilk.core.tables import Table
from buttermilk.plugins import find

export = find("exports", sys.argv[1])()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
rows = ((n, os.urandom(200).hex()) for n in range(2_000))
resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, 64_000))
try:
    export.write(Table(("n", "text"), rows), Path(sys.argv[2]))
except StoreError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no file's size")
@pytest.mark.parametrize("name", names("exports"))
def test_a_disk_that_takes_no_more_is_one_sentence_and_the_old_file_stays(name: str, tmp_path: Path) -> None:
    target = tmp_path / "answers"
    target.write_text("as it was")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL_DISK, name, str(target)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{target}: it cannot be written: file too large.")
    assert "Traceback" not in done.stderr
    assert target.read_text() == "as it was"
    assert left_in(tmp_path) == [target.name]
