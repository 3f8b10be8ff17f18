"""`label code`: one key a label, in a terminal and where keys are piped in."""

import json
import os
import pty
import select
import sqlite3
import subprocess
import termios
import time

import pytest

from poems import draw, poems_of
from scholar import COMMAND, Scholar


@pytest.fixture
def poems(scholar: Scholar) -> Scholar:
    return poems_of(scholar)


def test_keys_choose_labels_and_each_answer_is_kept_at_once(poems: Scholar) -> None:
    draw(poems, "--dev", "1")
    said = poems.types("label", "code", "gold", "--coder", "ana", given="the lamp\n4\ns1uu1")
    assert "[1] negative  [2] no_impact  [3] positive  [4] mixed" in said.out
    assert said.out.splitlines()[-1].endswith("left.")
    assert poems.types("label", "status", "--json").json["samples"][0]["coders"]["ana"]["coded"] >= 1


@pytest.mark.slow
def test_in_a_terminal_one_key_is_enough_and_undo_asks_again(poems: Scholar) -> None:
    """Words, then mixed; the next record skipped and negative, one back, positive; and the end."""
    draw(poems, "--dev", "1")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([COMMAND, "label", "code", "gold", "--coder", "ana"], cwd=poems.folder, stdin=theirs,
                               stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "dumb"})  # fmt: skip
    poems.started.append(process)
    os.close(theirs)
    for wanted, keys in (("does not apply)", b"the lamp\n"), ("[q] end", b"4"), ("does not apply)", b"s\n"),
                         ("[q] end", b"1"), ("does not apply)", b"u\n"), ("[q] end", b"3"),
                         ("does not apply)", b"q\n")):  # fmt: skip
        until(ours, wanted, one_key=wanted == "[q] end")
        os.write(ours, keys)
    assert "3 answers kept; 21 left." in until(ours, "left.")
    assert process.wait(timeout=60) == 0
    os.close(ours)
    kept = [json.loads(body) for body in papers(poems, "Coding")]
    assert [one["value"] for one in kept] == ["the lamp", "mixed", "negative", "positive"]
    assert {one["blind"] for one in kept} == {True}


def until(terminal: int, wanted: str, *, one_key: bool = False) -> str:
    """What is shown up to these words; with `one_key`, until the terminal hands on each key at once."""
    seen, end = "", time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            seen += os.read(terminal, 65_536).decode()
        if wanted in seen and not (one_key and termios.tcgetattr(terminal)[3] & termios.ICANON):
            return seen
    raise AssertionError(seen)


def papers(scholar: Scholar, kind: str) -> list[str]:
    with sqlite3.connect(scholar.store) as connection:
        return [body for (body,) in connection.execute("SELECT body FROM papers WHERE kind = ? ORDER BY id", (kind,))]
