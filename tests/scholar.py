"""A scholar at a terminal: types commands into a study of a few verses, and reads what is said."""

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from buttermilk.cli import buttermilk
from buttermilk.config import init

COMMAND = str(Path(sys.executable).parent / "buttermilk")
COUNTS = ("answered", "refused", "unparsed", "failed", "skipped", "remaining")
LAST_LINE = re.compile(" · ".join(rf"{name} ([\d,]+)" for name in COUNTS))
ANSWERS = ("runs", "run_jobs", "jobs", "results", "cells")  # tables of a store that only asking may change
JARGON = ("Traceback", "ExceptionGroup", "Errno", "sqlite3.", "pydantic", "Error:", "NoneType", "omegaconf")

VERSES = (
    ("v1", "with pale blue berries. in these peaceful shades--", "positive"),
    ("v2", "it flows so long as falls the rain,", "no_impact"),
    ("v3", "and that is why, the lonesome day,", "negative"),
    ("v4", "when i peruse the conquered fame of heroes,", "mixed"),
)


@dataclass
class Said:
    """What came back: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def counts(self) -> dict[str, int]:
        """The last line of a run: `answered 28 · refused 0 · … · remaining 0`."""
        found = LAST_LINE.fullmatch(self.out.strip().splitlines()[-1])
        assert found, f"the last line counts nothing:\n{self.out}{self.err}"
        return {name: int(text.replace(",", "")) for name, text in zip(COUNTS, found.groups(), strict=True)}

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines_of_json(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Scholar:
    """`scholar.types("plan", "verse")` runs in this process; `scholar.starts(...)` starts another."""

    folder: Path
    go_to: Callable[[Path], None]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def types(self, *words: str, code: int | None = 0, given: str | None = None) -> Said:
        """`given` is typed into the command while it runs."""
        self.go_to(self.folder)
        result = CliRunner().invoke(buttermilk, words, input=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        said = Said(result.exit_code, result.stdout, result.stderr)
        assert code is None or said.code == code, f"exit code {said.code}\n{said.out}{said.err}"
        return said

    def starts(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, *words],
            cwd=self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def goes_home(self) -> None:
        """Nothing that was started is left."""
        for process in self.started:
            process.kill()
            process.communicate()

    # ---- what lies in the folder

    def reads(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def writes(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")

    def changes(self, name: str, old: str, new: str) -> None:
        assert old in self.reads(name), f"{name} has no {old!r}"
        self.writes(name, self.reads(name).replace(old, new, 1))

    def files(self) -> set[str]:
        """All but the database's own side files, which come and go."""
        found = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())
        return {name for name in found if not name.endswith(("-wal", "-shm"))}

    @property
    def store(self) -> Path:
        return self.folder / ".buttermilk" / "jobs.db"

    def answers(self) -> dict[str, list[tuple[Any, ...]]]:
        """What was ever asked and answered, as it lies in the store."""
        if not self.store.exists():
            return {}
        with closing(sqlite3.connect(self.store)) as connection:
            return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in ANSWERS}

    def asked(self) -> int:
        return len(self.answers().get("results", ()))

    def table(self, name: str) -> Iterator[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)


def new_study(folder: Path) -> Path:
    """The study that `init` writes, with four verses and two repeats: 56 jobs that need no network."""
    init(folder)
    with (folder / "data" / "verse.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "verse", "sentiment"), *VERSES])
    flow = folder / "conf" / "flow" / "verse.yaml"
    flow.write_text(flow.read_text("utf-8").replace("repeats: 3", "repeats: 2"), "utf-8")
    return folder


def copied(study: Path, folder: Path) -> Path:
    shutil.copytree(study, folder)
    return folder


def is_plain(text: str) -> bool:
    """One screen, and nothing on it that only a programmer reads."""
    return not any(word in text for word in JARGON) and len(text.strip().splitlines()) <= 12
