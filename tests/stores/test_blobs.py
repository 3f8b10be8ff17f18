"""Media on the local disk, under the hash of their bytes."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from buttermilk.core.errors import DataError, StoreError
from buttermilk.stores.blobs import LocalBlobs

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50
KEY = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(PICTURE)
    return path


def test_what_is_read_is_what_was_kept_and_twice_is_once(tmp_path: Path, file: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    for _ in range(2):
        blobs.keep(file, KEY)
    assert blobs.read(KEY) == PICTURE
    kept = [path for path in blobs.folder.rglob("*") if path.is_file()]
    assert kept == [blobs.folder / KEY[:2] / KEY]


def test_the_file_may_go_when_it_was_kept(tmp_path: Path, file: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    blobs.keep(file, KEY)
    file.unlink()
    blobs.keep(file, KEY)
    assert LocalBlobs(tmp_path / "blobs").read(KEY) == PICTURE


def test_a_file_that_is_no_longer_what_was_hashed_is_not_kept(tmp_path: Path, file: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    file.write_bytes(PICTURE + b"edited")
    with pytest.raises(DataError, match="the file changed while it was read") as caught:
        blobs.keep(file, KEY)
    assert str(file) in str(caught.value)
    assert [path for path in blobs.folder.rglob("*") if path.is_file()] == []


def test_a_file_that_cannot_be_read_is_named_and_not_the_store(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    with pytest.raises(DataError, match="the file cannot be read") as caught:
        blobs.keep(tmp_path / "gone.png", KEY)
    assert str(tmp_path / "gone.png") in str(caught.value)


def test_bytes_that_are_missing_or_damaged_are_never_handed_out(tmp_path: Path, file: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    with pytest.raises(StoreError, match=f"the bytes {KEY[:12]}… are missing"):
        blobs.read(KEY)
    blobs.keep(file, KEY)
    blobs.place(KEY).write_bytes(PICTURE[:-1] + b"!")
    with pytest.raises(StoreError, match="are damaged") as caught:
        blobs.read(KEY)
    assert str(blobs.place(KEY)) in str(caught.value)


def test_a_full_disk_keeps_no_half_picture(small_disk: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"frame" * 500_000)
    key = hashlib.sha256(film.read_bytes()).hexdigest()
    blobs = LocalBlobs(small_disk / "blobs")
    with pytest.raises(StoreError, match="the disk is full"):
        blobs.keep(film, key)
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    assert shutil.disk_usage(small_disk).free > 2_000_000


def test_a_folder_nobody_may_write_to_is_an_error_of_the_store(
    tmp_path: Path, file: Path, locked: Callable[[Path], None]
) -> None:
    folder = tmp_path / "blobs"
    folder.mkdir()
    locked(folder)
    with pytest.raises(StoreError, match="the store cannot be opened or written"):
        LocalBlobs(folder).keep(file, KEY)
