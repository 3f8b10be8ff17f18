"""Small disks and disks that nobody may write to, where this machine lets us make them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def mount(folder: Path, options: str) -> bool:
    tool = shutil.which("mount")
    return (
        tool is not None
        and not subprocess.run(
            [tool, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two mebibytes. Only root may mount it; elsewhere the same is shown by a limit on the size of files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder, "size=2m"):
        pytest.skip("mounting a small disk needs root; the test with a limit on files runs everywhere")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Makes a folder read-only, for root too: permissions do not stop root, a disk mounted read-only does."""
    done: list[Path] = []

    def lock(folder: Path) -> None:
        if os.geteuid():
            for path in (*folder.iterdir(), folder):
                path.chmod(0o500 if path.is_dir() else 0o400)
        elif subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode:
            pytest.skip("root without leave to mount can write everywhere")
        else:
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        done.append(folder)

    yield lock
    for folder in done:
        if os.geteuid():
            for path in (folder, *folder.iterdir()):
                path.chmod(0o700)
        else:
            subprocess.run(["umount", "-l", folder], check=True)
