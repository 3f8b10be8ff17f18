"""Other people's programs, started for hostile files: no shell, a time limit, one clear line where one is missing."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from buttermilk.core.errors import ConfigError, DataError

SAID = 200  # characters of a program's complaint that are worth reading


class Program(NamedTuple):
    """What it is called, what it is needed for, what to type where it is missing, and which of its complaints mean
    that a file is cut off although it says that all went well."""

    name: str
    purpose: str
    install: str
    cut_off: tuple[str, ...] = ()

    def run(self, words: Sequence[str], *, seconds: float, given: bytes | None = None) -> bytes:
        """What it wrote. Raises DataError with its complaint, or where it takes longer than it may."""
        try:
            done = subprocess.run(  # noqa: S603  (a list of words, no shell; paths among them are absolute)
                [self.path, *words],
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DataError(f"{self.name} was not done with it after {seconds:g} seconds, and was stopped.") from None
        complaint = done.stderr.decode("utf-8", "replace").strip()
        if any(words in complaint for words in self.cut_off):
            raise DataError("it breaks off: was it copied or downloaded completely?")
        if done.returncode != 0:
            last = complaint.rpartition("\n")[2].rpartition(": ")[2].rstrip(". ")[:SAID]
            raise DataError(f"{self.name} cannot read it: {last or 'it does not say why'}.")
        return done.stdout

    @property
    def path(self) -> str:
        """Raises ConfigError where it is not installed."""
        found = shutil.which(self.name)
        if found is None:
            raise ConfigError(f"{self.name}, which {self.purpose}, is not installed.", hint=self.install)
        return found

    @property
    def version(self) -> str:
        """`ffmpeg version 7.1 Copyright …` -> `ffmpeg 7.1`"""
        return _version(self.path, self.name)


@cache
def _version(path: str, name: str) -> str:
    option = "-version" if name.startswith("ff") else "--version"
    said = subprocess.run([path, option], capture_output=True, timeout=30, check=False)  # noqa: S603
    words = said.stdout.decode("utf-8", "replace").split()
    return f"{name} {next((word for word in words if word[:1].isdigit()), '')}".rstrip()
