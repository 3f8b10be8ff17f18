"""A file that is written whole or not at all: beside its place, then renamed into it."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from buttermilk.core.errors import StoreError

HINTS = {
    errno.ENOSPC: "The disk is full: make room, or write to another one.",
    errno.EDQUOT: "Your share of the disk is full: make room, or write to another one.",
    errno.ENOENT: "Make the folder first, or mend the path.",
    errno.ENOTDIR: "A part of the path is a file, not a folder: mend the path.",
    errno.EISDIR: "This is a folder: add a file's name to the path.",
    errno.EACCES: "You may not write there: choose another folder, or close the file where it is open.",
    errno.EPERM: "You may not write there: choose another folder, or close the file where it is open.",
    errno.EROFS: "Nothing can be written there: choose another folder.",
}


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A path to write to. What was at `target` stays until all is on the disk, and stays where anything fails."""
    beside = target.resolve().with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            _check(target)
            yield beside
            _sync(beside)
            beside.replace(target.resolve())  # a link stays one, and what it leads to is written
            _sync(target.resolve().parent)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            hint = HINTS.get(error.errno or 0, "Choose another place to write to.")
            hint = f"{hint} Nothing was changed."
            raise StoreError(f"it cannot be written: {why}.", where=str(target), hint=hint) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _check(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not target.is_file():
        hint = "Name a file that is to be written. Nothing was changed."
        raise StoreError("this is a device or a pipe, and a file would take its place.", where=str(target), hint=hint)


def _sync(path: Path) -> None:
    """Onto the disk itself, so that a power cut leaves the old file or the new one. Windows syncs no folders."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def speakable(text: str) -> str:
    """Half a surrogate pair, which no file can hold, as its number: `\\ud800`."""
    return text.encode("utf-8", "backslashreplace").decode() if not text.isascii() else text
