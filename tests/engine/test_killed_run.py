"""`kill -9` in the midst of a run, again and again: nothing that was stored is lost, and nothing is stored twice."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from studies import Study, agent, flow, step, study

from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio
JOBS, KILLS, CONCURRENCY = 2_000, 20, 32
HERE = Path(__file__).parent

NURSERY = textwrap.dedent(
    """
    import asyncio, os, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from studies import agent, flow, step, study

    def run():
        with study(Path(sys.argv[2]), int(sys.argv[4])) as one:
            engine = one.prepare(flow(step(agent(sys.argv[3], concurrency=int(sys.argv[5]), start=int(sys.argv[5])))))
            print(os.getpid(), flush=True)
            progress = asyncio.run(engine.go())
            print(progress.state, progress.remaining, flush=True)

    for line in sys.stdin:  # each line is a run, in a process of its own that need not import everything again
        child = os.fork()
        if child == 0:
            run()
            os._exit(0)
        os.waitpid(child, 0)
        print("gone", flush=True)
    """
)


class Nursery:
    """Starts runs, each in a process that knows its modules already, and kills them."""

    def __init__(self, folder: Path, url: str) -> None:
        command = [sys.executable, "-c", NURSERY, str(HERE), str(folder), url, str(JOBS), str(CONCURRENCY)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def go_on(self, kill_after_seconds: float | None) -> str:
        """Begin the run, or go on with it; what it said at its end, if it came so far."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write("go\n")
        child = int(stdout.readline())
        if kill_after_seconds is not None:
            time.sleep(kill_after_seconds)
            os.kill(child, signal.SIGKILL)
        return "".join(iter(stdout.readline, "gone\n"))

    def close(self) -> None:
        self.process.communicate()


def answers(one: Study) -> dict[str, object]:
    return {row["record_id"]: row["answers"] for row in one.rows()}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork; tests/stores/test_killed.py kills there too")
async def test_a_run_killed_twenty_times_has_each_answer_once_and_asked_only_what_was_in_flight_again(
    tmp_path: Path,
) -> None:
    chance, kept = random.Random(20261122), [0]
    with MockProvider(process=True, latency_ms=20) as mock:
        with closing(Nursery(tmp_path, mock.url)) as nursery:
            for _ in range(KILLS):
                assert nursery.go_on(chance.uniform(0.01, 0.3)) == ""
                with study(tmp_path) as one:
                    kept.append(len(one.rows()))
            assert kept == sorted(kept)  # nothing that was there is ever gone
            assert 0 < kept[-1] < JOBS
            assert nursery.go_on(None) == "finished 0\n"
        stats = mock.stats()

        with study(tmp_path) as one:
            rows = one.rows()
            assert len({row["job_id"] for row in rows}) == len(rows) == JOBS
            assert Counter(result.status for result in one.attempts()) == {"answered": JOBS}
            assert stats["distinct"] == JOBS, kept
            assert stats["requests"] - JOBS <= KILLS * CONCURRENCY
            assert stats["asked_twice"] <= KILLS * CONCURRENCY
            assert stats["max_in_flight"] <= 2 * CONCURRENCY  # those of the dead, and those of the living
            killed = answers(one)
        mock.configure(latency_ms=0)
        (tmp_path / "unbroken").mkdir()
        with study(tmp_path / "unbroken", JOBS) as unbroken:
            await unbroken.run(flow(step(agent(mock.url))))
            assert answers(unbroken) == killed
