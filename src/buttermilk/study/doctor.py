"""`doctor`: what works here and what does not, without spending anything."""

import platform
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from buttermilk.config import flows
from buttermilk.core.errors import ButtermilkError
from buttermilk.plugins import find, names
from buttermilk.study.opening import check_plugs, open_study

KINDS = ("models", "tools", "sources", "stores", "vaults", "exports")


@dataclass
class Finding:
    """One line of `doctor`: what was looked at, whether it is well, and what to do if not."""

    what: str
    well: bool
    said: str
    hint: str = ""


def doctor(root: Path | None) -> list[Finding]:
    """What works here and what does not, without spending anything."""
    free = shutil.disk_usage(root or Path.cwd()).free / 1e9
    room = "" if free > 1 else "Answers need room: free some space."
    found = [_python(), _sqlite(), *_plugs(), Finding("disk", free > 1, f"{free:.1f} GB free", room)]
    if root is None:
        return [*found, Finding("study", True, "none here", "buttermilk init mystudy")]
    return [*found, *(_flow(root, name) for name in flows(root))]


def _python() -> Finding:
    try:
        ours = version("buttermilk")
    except PackageNotFoundError:
        ours = "not installed"
    return Finding("buttermilk", True, f"{ours} on Python {platform.python_version()}, {platform.system()}")


def _sqlite() -> Finding:
    """WAL needs shared memory, which some network drives do not have: tried, not guessed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            connection = sqlite3.connect(Path(folder) / "try.db")
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            connection.close()
        except sqlite3.Error as error:
            return Finding("SQLite", False, str(error), "Set TMPDIR to a folder on a local disk.")
    return Finding("SQLite", mode == "wal", f"{sqlite3.sqlite_version}, journal mode {mode}")


def _plugs() -> list[Finding]:
    found = []
    for kind in KINDS:
        missing = []
        for name in names(kind):
            try:
                find(kind, name)
            except ButtermilkError as error:
                missing.append(f"{name} ({error.hint})")
        said = ", ".join(names(kind))
        found.append(Finding(kind, True, said, f"optional: {'; '.join(missing)}" if missing else ""))
    return found


def _flow(root: Path, name: str) -> Finding:
    """Composed, its records read, its keys found: everything short of a call."""
    try:
        with closing(open_study(root, name)) as study:
            check_plugs(study)
    except ButtermilkError as error:
        return Finding(f"flow {name}", False, error.message, error.hint or error.where)
    return Finding(f"flow {name}", True, f"{study.dataset.records} records, {len(study.flow.steps)} steps")
