"""`kill -9` while a process writes: what it said was stored is there, whole, and nothing else is half there."""

import random
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from buttermilk.core.records import Record
from buttermilk.stores.sqlite import SqliteStore
from keeping import SPEC, pairs, record

TESTS = str(Path(__file__).parent.parent)
GROUP = 7

WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from buttermilk.stores.sqlite import SqliteStore
    from keeping import pairs
    made = pairs(1500)
    store = SqliteStore(Path(sys.argv[1]))
    have = store.done([job.job_id for job, _ in made])
    made = [pair for pair in made if pair[0].job_id not in have]
    print("ready", flush=True)
    for start in range(0, len(made), 7):
        store.put("r1", made[start : start + 7])
        print(" ".join(job.job_id for job, _ in made[start : start + 7]), flush=True)
    """
)
READER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from buttermilk.stores.sqlite import SqliteStore
    from keeping import SPEC, record
    store = SqliteStore(Path(sys.argv[1]))
    print("ready", flush=True)
    store.keep_dataset("src", SPEC, (record(number) for number in range(200_000)))
    """
)


def killed(code: str, path: Path, seconds: float) -> list[str]:
    """Starts a process, kills it so many seconds after it was ready, and returns the whole lines it said."""
    command = [sys.executable, "-c", code, str(path), TESTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.kill()
        said = process.stdout.read()
    return said.split("\n")[:-1]


@pytest.mark.slow
def test_no_answer_that_was_acknowledged_is_lost_and_none_is_torn(tmp_path: Path) -> None:
    path, chance = tmp_path / "jobs.db", random.Random(20261122)
    made = {one.job_id: (one, came) for one, came in pairs(1500)}
    acknowledged: set[str] = set()
    for _ in range(10):
        acknowledged.update(" ".join(killed(WRITER, path, chance.uniform(0, 0.1))).split())
        with closing(SqliteStore(path)) as store:
            stored = {row["job_id"] for row in store.results("r1")}
            assert acknowledged <= stored <= made.keys()
            assert len(stored) - len(acknowledged) <= GROUP  # a group that was stored and not yet said to be
            acknowledged |= stored
            for job_id in chance.sample(sorted(stored), min(20, len(stored))):
                assert store.job(job_id) == made[job_id][0]
                assert store.attempts(job_id) == [made[job_id][1]]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for orphan in (
            "SELECT count(*) FROM results WHERE job_id NOT IN (SELECT job_id FROM jobs)",
            "SELECT count(*) FROM jobs WHERE job_id NOT IN (SELECT job_id FROM results)",
            "SELECT count(*) FROM jobs WHERE cell NOT IN (SELECT cell FROM cells)",
            "SELECT count(*) FROM jobs WHERE record_hash NOT IN (SELECT record_hash FROM records)",
        ):
            assert connection.execute(orphan).fetchone() == (0,)
    assert acknowledged


def test_a_dataset_that_was_being_read_is_not_there_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    killed(READER, path, 0.3)
    given: list[Record] = [record(number) for number in range(3)]
    with closing(SqliteStore(path)) as store:
        assert store.dataset("src") is None
        dataset = store.keep_dataset("src", SPEC, given)
        assert [ref.record_id for chunk in store.refs(dataset.fingerprint) for ref in chunk] == [
            one.record_id for one in given
        ]
