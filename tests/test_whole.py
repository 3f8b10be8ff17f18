"""A full or closed disk leaves what was there, and says what to do."""

import errno
import os
from pathlib import Path

import pytest

from buttermilk.core.errors import StoreError
from buttermilk.documents.whole import HINTS, whole


def broken_off(target: Path, error: BaseException) -> None:
    with whole(target) as path:
        path.write_text("half of it")
        raise error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_what_the_system_refuses_is_said_with_what_to_do(tmp_path: Path, number: int) -> None:
    target = tmp_path / "a.csv"
    target.write_text("as it was")
    with pytest.raises(StoreError) as caught:
        broken_off(target, OSError(number, os.strerror(number)))
    assert str(caught.value).startswith(f"{target}: it cannot be written: {os.strerror(number).lower()}.")
    assert HINTS[number] in str(caught.value)
    assert "Nothing was changed." in str(caught.value)
    assert target.read_text() == "as it was"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_until_the_end_the_old_file_is_there(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")
    with whole(target) as path:
        path.write_text("new")
        assert target.read_text() == "old"
        assert path.parent == target.parent
    assert target.read_text() == "new"


def test_a_stop_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        broken_off(tmp_path / "a.csv", KeyboardInterrupt())
    assert os.listdir(tmp_path) == []
