"""A full disk: it is said, nothing is half-written, and what was stored can be read afterwards."""

import sqlite3
import subprocess
import sys
import textwrap
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from buttermilk.core.errors import StoreError
from buttermilk.core.records import Record
from buttermilk.stores.sqlite import SqliteStore
from keeping import SPEC, job, pairs, record, result

TESTS = str(Path(__file__).parent.parent)


def filled(store: SqliteStore) -> list[str]:
    """Puts pair after pair until it is refused, and says the ids of those that were taken."""
    taken: list[str] = []

    def put(number: int) -> None:
        one = job(record(number, text=f"{number} " * 400))
        store.put("r1", [(one, result(one, text="x" * 2_000))])
        taken.append(one.job_id)

    with pytest.raises(StoreError) as caught:
        deque(map(put, range(10_000)), maxlen=0)
    assert "the disk is full: answers can no longer be stored." in str(caught.value)
    assert "Every answer stored so far is safe. Free some space, then type the same command again" in str(caught.value)
    return taken


def test_a_full_disk_is_said_and_everything_stored_before_is_readable(small_disk: Path) -> None:
    path = small_disk / "jobs.db"
    with closing(SqliteStore(path)) as store:
        taken = filled(store)
        assert len(taken) > 10
        assert {row["job_id"] for row in store.results("r1")} == set(taken)
        assert all(store.job(job_id) is not None for job_id in taken)
    with closing(SqliteStore(path)) as store:
        assert {row["job_id"] for row in store.results("r1")} == set(taken)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("jobs", "results")]
        assert counts == [len(taken)] * 2


def test_when_there_is_room_again_it_goes_on(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 500_000)
    with closing(SqliteStore(small_disk / "jobs.db")) as store:
        taken = filled(store)
        (small_disk / "ballast").unlink()
        more = pairs(5, step="later")
        store.put("r1", more)
        assert {row["job_id"] for row in store.results("r1")} == {*taken, *(one.job_id for one, _ in more)}


def test_no_store_is_begun_on_a_disk_that_is_full(small_disk: Path) -> None:
    with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    with pytest.raises(StoreError, match="the disk is full"):
        SqliteStore(small_disk / "study" / "jobs.db")
    (small_disk / "ballast").unlink()
    with closing(SqliteStore(small_disk / "study" / "jobs.db")) as store:
        store.put("r1", pairs(1))


def test_a_dataset_too_large_for_the_disk_is_not_half_there(small_disk: Path) -> None:
    def large() -> Iterator[Record]:
        for number in range(2_000):
            yield record(number, text=f"{number} " * 500)

    with closing(SqliteStore(small_disk / "jobs.db")) as store:
        with pytest.raises(StoreError, match="the disk is full"):
            store.keep_dataset("src", SPEC, large())
        assert store.dataset("src") is None
        assert store.keep_dataset("other", SPEC, [record(1)]).records == 1


LIMITED = textwrap.dedent(
    """
    import resource, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from buttermilk.core.errors import StoreError
    from buttermilk.stores.sqlite import SqliteStore
    from keeping import pairs
    store = SqliteStore(Path(sys.argv[1]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    made = pairs(2000)
    try:
        for number, pair in enumerate(made):
            store.put("r1", [pair])
            taken = number + 1
    except StoreError as error:
        print(taken, len(list(store.results("r1"))), error.message)
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of files are POSIX")
def test_a_file_that_may_not_grow_keeps_what_was_stored(tmp_path: Path) -> None:
    """The same promise where no disk can be mounted: a quota, as on a shared machine."""
    path = tmp_path / "jobs.db"
    said = subprocess.run([sys.executable, "-c", LIMITED, str(path), TESTS], capture_output=True, text=True, check=True)
    taken, readable, message = said.stdout.strip().split(" ", 2)
    assert int(taken) == int(readable) > 10
    assert message.startswith("the store cannot be opened or written")
    with closing(SqliteStore(path)) as store:
        assert len(list(store.results("r1"))) == int(taken)
        store.put("r1", pairs(int(taken) + 1))
