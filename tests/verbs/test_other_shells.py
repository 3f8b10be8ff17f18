"""A run in one shell, and what may be done to it: Ctrl-C once and twice, and all that another shell may say."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from buttermilk.testing import MockProvider
from scholar import LAST_LINE, Scholar

SLOT = "limits: {concurrency: 2, start: 2}\n"
PATIENCE_SECONDS = 30.0


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    """It takes a third of a second to answer, so that there is time to interrupt."""
    with MockProvider(latency_ms=300) as mock:
        yield mock


@pytest.fixture
def slow(scholar: Scholar, mock: MockProvider) -> Scholar:
    """In a study whose 36 questions are asked two at a time."""
    scholar.writes("conf/agent/slow.yaml", f"type: openai\nmodel: mock\nbase_url: {mock.url}\n{SLOT}")
    scholar.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [slow]")
    scholar.changes("conf/flow/verse.yaml", "repeats: 2", "repeats: 4")
    scholar.changes("conf/flow/verse.yaml", "agents: [reader_a]", "agents: [slow]")
    return scholar


def soon(what: Callable[[], object]) -> None:
    """Until it is so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, "it never came to be so"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


@pytest.mark.slow
def test_ctrl_c_once_finishes_what_is_in_flight_and_the_same_command_goes_on(slow: Scholar, mock: MockProvider) -> None:
    process = slow.starts("run", "verse")
    soon(lambda: mock.stats()["answered"] >= 4)
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert code == 130
    assert err.strip() == "To go on, type the same command again."
    asked = mock.stats()
    assert asked["requests"] == asked["answered"] == slow.asked() < 32
    assert LAST_LINE.fullmatch(out.splitlines()[-1])
    assert "stopped by Ctrl-C" in out
    assert slow.types("status").out.splitlines()[-2].endswith("stopped by Ctrl-C")
    mock.configure(latency_ms=0)
    again = slow.types("run", "verse")
    assert "goes on" in again.out
    assert again.counts["remaining"] == 0
    assert mock.stats()["requests"] == 36


@pytest.mark.slow
def test_ctrl_c_twice_stops_now(slow: Scholar, mock: MockProvider) -> None:
    mock.configure(latency_ms=20_000)
    process = slow.starts("run", "verse")
    soon(lambda: mock.stats()["requests"] >= 2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130
    assert time.monotonic() - began < 5
    assert err.strip() == "Stopped at once. What was stored is safe. To go on, type the same command again."
    assert "interrupted" in slow.types("status").out or "stopped" in slow.types("status").out
    mock.configure(latency_ms=0)
    assert slow.types("run", "verse").counts["remaining"] == 0


@pytest.mark.slow
def test_another_shell_looks_pauses_resumes_and_cancels(slow: Scholar, mock: MockProvider) -> None:
    process = slow.starts("run", "verse", "--json")
    soon(lambda: mock.stats()["answered"] >= 2)
    assert slow.types("status", "--json").json["state"] == "running"
    second = slow.types("run", "verse", code=2)
    assert "is going on" in second.err
    assert "buttermilk watch" in second.err
    assert "told to pause" in slow.types("pause").out
    soon(lambda: slow.types("status", "--json").json["state"] == "paused")
    time.sleep(1.2)  # what was in flight is answered
    held = mock.stats()["requests"]
    time.sleep(0.8)
    assert mock.stats()["requests"] == held
    assert "told to go on" in slow.types("resume").out
    soon(lambda: mock.stats()["requests"] > held)
    assert "cancelled" in slow.types("cancel").out
    code, out, _ = ended(process)
    last = json.loads(out.splitlines()[-1])
    assert (code, last["state"]) == (3, "cancelled")
    assert last["answered"] == slow.asked() < 36
    assert slow.types("status", "--json").json["state"] == "cancelled"
    assert "begins" in slow.types("run", "verse").out  # under a new name; what was answered serves it, too


@pytest.mark.slow
def test_watching_ends_with_the_run(slow: Scholar, mock: MockProvider) -> None:
    process = slow.starts("run", "verse")
    soon(lambda: mock.stats()["answered"] >= 2)
    mock.configure(latency_ms=50)
    watched = slow.types("watch")
    assert ended(process)[0] == 0
    assert watched.out.splitlines()[-2].endswith(" finished")
    assert watched.counts["remaining"] == 0


@pytest.mark.slow
def test_a_run_that_was_killed_is_called_interrupted_and_goes_on(slow: Scholar, mock: MockProvider) -> None:
    process = slow.starts("run", "verse")
    soon(lambda: mock.stats()["answered"] >= 4)
    process.kill()
    process.communicate()
    said = slow.types("status", "--json").json
    assert (said["state"], said["lanes"]) == ("interrupted", [])
    mock.configure(latency_ms=0)
    assert slow.types("run", "verse").counts["remaining"] == 0
    assert len({row[0] for row in slow.answers()["jobs"]}) == 36
