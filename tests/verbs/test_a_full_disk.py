"""A disk that fills while a run goes on, and a folder nobody may write to: said at once, and nothing is lost."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scholar import Scholar, is_plain

MANY = ("store.path=disk/jobs.db", "steps.judge.agents=[reader_a]", "steps.judge.repeats=300")  # 4 x 2 x 300, and 4
JOBS = 2404
ENDED = ("answered", "refused", "unparsed")


def mount(*words: str) -> bool:
    """Only root may, and not in every container."""
    command = shutil.which("mount")
    return command is not None and subprocess.run([command, *words], capture_output=True, check=False).returncode == 0


def unmount(folder: Path) -> None:
    os.chdir(folder.parent)  # nobody may stand in it
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def disk(scholar: Scholar) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = scholar.folder / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)):
        pytest.skip("only root can make a small disk")
    yield folder
    unmount(folder)


@pytest.mark.slow
def test_a_full_disk_ends_the_run_and_space_lets_it_go_on(
    scholar: Scholar, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = scholar.types("run", "verse", *MANY, code=2)
    assert "the disk is full" in said.err
    assert "Free some space" in said.err
    assert is_plain(said.err), said.err
    assert mount("-o", "remount,size=64m", str(disk))
    here = ("--study", str(scholar.folder))
    scholar.writes("conf/local.yaml", "store: {path: disk/jobs.db}\n")
    before = scholar.types("status", "--json").json
    assert 0 < before["answered"] < JOBS
    assert scholar.types("export", "a.csv").out.startswith(f"{2 * sum(before[name] for name in ENDED):,} rows")
    rescue = re.search(r"buttermilk import (\S+\.jsonl)", said.err)
    assert rescue, said.err
    rescued = len(Path(rescue[1]).read_text("utf-8").splitlines())
    assert f"{rescued:,} answers stored" in scholar.types("import", rescue[1], *here).out
    assert scholar.types("import", rescue[1]).out  # twice does no harm
    after = scholar.types("status", "--json").json
    assert sum(after[name] for name in ENDED) > sum(before[name] for name in ENDED)
    again = scholar.types("run", "verse", *MANY)
    assert "goes on" in again.out
    assert (again.counts["remaining"], again.counts["failed"]) == (0, 0)
    assert again.counts["skipped"] == sum(after[name] for name in ENDED)


@pytest.fixture
def locked(asked: Scholar) -> Iterator[Scholar]:
    """A study on a disk that cannot be written, as an archive or a colleague's folder is."""
    folder = str(asked.folder)
    if os.geteuid() == 0:
        if not (mount("--bind", folder, folder) and mount("-o", "remount,bind,ro", folder)):
            pytest.skip("this root cannot make a folder read-only")
        yield asked
        unmount(asked.folder)
        return
    folders = [path for path in [asked.folder, *asked.folder.rglob("*")] if path.is_dir()]
    for path in folders:
        path.chmod(0o555)
    yield asked
    for path in folders:
        path.chmod(0o755)


def test_a_study_that_cannot_be_written_says_so(locked: Scholar) -> None:
    before = locked.files()
    for words in (["run", "verse"], ["run", "verse", "wave=2"], ["report"], ["export", "a.csv"]):
        said = locked.types(*words, code=2)
        assert is_plain(said.err), said.err
        assert said.out == ""
    assert locked.files() == before


def test_a_new_study_is_not_begun_where_nothing_can_be_written(locked: Scholar) -> None:
    said = locked.types("init", "second", code=2)
    assert "cannot be written" in said.err
    assert is_plain(said.err)
    assert not (locked.folder / "second").exists()
