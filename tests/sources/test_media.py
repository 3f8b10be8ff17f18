"""Media that a table names: checked by their bytes, held inside the study."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from buttermilk.core.errors import DataError
from buttermilk.sources.media import SUFFIXES, media_type_of

JPEG, PNG = b"\xff\xd8\xff\xe0rest", b"\x89PNG\r\n\x1a\nrest"
MEDIA = {"media": "image", "alt": "alt"}


def test_a_table_gives_text_and_image_with_its_words(desk: Any) -> None:
    desk.put("data/img/1.jpg", JPEG)
    (record,) = desk.records("data/memes.csv", "id,text,image,alt\n1,ha,img/1.jpg,a cat\n", MEDIA)
    body, image = record.parts
    assert body.text == "ha"
    assert (image.kind, image.media_type, image.alt) == ("image", "image/jpeg", "a cat")
    assert image.blob == hashlib.sha256(JPEG).hexdigest()
    assert image.path == str((desk.root / "data/img/1.jpg").resolve())
    assert record.kinds == {"text"}


def test_where_only_some_rows_have_media_each_has_what_it_has(desk: Any) -> None:
    desk.put("1.png", PNG)
    content = "id,text,image\n1,ha,\n2,,1.png\n3,,\n"
    records, (reject,) = desk.read("memes.csv", content, {"media": "image"})
    assert [[part.kind for part in record.parts] for record in records] == [["text"], ["image"]]
    assert (reject.where, reject.why) == ("memes.csv row 4", "this row has no text.")


ADDRESSES = {
    "https://example.org/Letters/1.JPG?size=2": ("image", "image/jpeg"),
    "gs://archive/tapes/1.wav": ("audio", "audio/wav"),
    "https://example.org/a%20film.mov#t=3": ("video", "video/quicktime"),
    "https://example.org/1.pdf": ("pdf", "application/pdf"),
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_is_a_part_that_is_known_by_its_ending_and_fetched_by_nobody_here(desk: Any, url: str) -> None:
    (record,) = desk.records("memes.csv", f"id,image,alt\n1,{url},a cat\n", MEDIA)
    (part,) = record.parts
    assert (part.kind, part.media_type, part.url, part.alt) == (*ADDRESSES[url], url, "a cat")
    assert (part.blob, part.path) == (None, None)


REFUSED = [
    ("../../outside.jpg", "leads out of the study's folder"),
    ("/etc/passwd", "leads out of the study's folder"),
    ("link.jpg", "leads out of the study's folder"),
    ("gone.jpg", "there is no file 'gone.jpg' (looked for "),
    ("img\\1.jpg", "Write it with forward slashes: img/1.jpg"),
    ("http://example.org/1.jpg", "is an address that no model reads: give one with https:// or gs://"),
    ("https://example.org/1", "'https://example.org/1' is no address of a medium: it ends in .jpg"),
    ("https://example.org/1.jpg?from=a b", "and has no blanks"),
    ("https://[1.jpg", "is no address of a medium"),
    ("page.jpg", "its name says an image file (image/jpeg), but the file is a web page (HTML)"),
    ("notes.txt", ".txt files are no kind of image"),
    ("nul\x00.jpg", "the path holds a NUL character"),
    ("img", "there is no file 'img'"),
]


@pytest.mark.parametrize(("name", "why"), REFUSED)
def test_media_that_cannot_be_read_reject_their_row(desk: Any, tmp_path_factory: Any, name: str, why: str) -> None:
    outside = tmp_path_factory.mktemp("outside") / "outside.jpg"
    outside.write_bytes(JPEG)
    (desk.root.parent / "outside.jpg").write_bytes(JPEG)
    desk.put("data/img/1.jpg", JPEG)
    desk.put("data/page.jpg", "<!DOCTYPE html><html>")
    desk.put("data/notes.txt", "a")
    (desk.root / "data/link.jpg").symlink_to(outside)
    _, (reject,) = desk.read("data/memes.csv", f"id,image\n1,{name}\n", {"media": "image"})
    assert (reject.where, reject.column) == ("data/memes.csv row 2", "image")
    assert why in reject.why


def test_a_changed_image_changes_the_fingerprint_of_the_table(desk: Any) -> None:
    desk.put("1.jpg", JPEG)
    desk.put("memes.csv", "id,image\n1,1.jpg\n")
    before = desk.source("memes.csv", {"media": "image"}).fingerprint()
    assert desk.source("memes.csv", {"media": "image"}).fingerprint() == before
    desk.put("1.jpg", JPEG + b"!")
    assert desk.source("memes.csv", {"media": "image"}).fingerprint() != before


HEADS = [
    (".jpg", JPEG, "image/jpeg"),
    (".jpg", PNG, "image/png"),
    (".png", b"GIF89a", "image/gif"),
    (".webp", b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
    (".bmp", b"BM\x46\x00\x00\x00\x00\x00\x00\x00", "image/bmp"),
    (".heic", b"\x00\x00\x00\x18ftypheic", "image/heic"),
    (".wav", b"RIFF\x00\x00\x00\x00WAVE", "audio/wav"),
    (".mp3", b"ID3\x04\x00", "audio/mpeg"),
    (".mp3", b"\xff\xfb\x90\x00", "audio/mpeg"),
    (".aac", b"\xff\xf1\x50\x80", "audio/aac"),
    (".m4a", b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
    (".ogg", b"OggS\x00", "audio/ogg"),
    (".mp4", b"\x00\x00\x00\x18ftypisom", "video/mp4"),
    (".mov", b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
    (".mov", b"\x00\x00\x00\x14moov", "video/quicktime"),
    (".mkv", b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (".webm", b"\x1a\x45\xdf\xa3", "video/webm"),
    (".pdf", b"\n%PDF-1.4", "application/pdf"),
]


@pytest.mark.parametrize(("suffix", "head", "media_type"), HEADS)
def test_the_bytes_say_which_type_the_kind_has(suffix: str, head: bytes, media_type: str) -> None:
    kind, found = media_type_of(suffix, head)
    assert found == media_type
    assert kind == SUFFIXES[suffix][0]


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
@pytest.mark.parametrize("head", [b"", b"plain words, nothing else", b"<html>", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_no_media(suffix: str, head: bytes) -> None:
    with pytest.raises(DataError, match=r"but the file (is|does not begin as one)"):
        media_type_of(suffix, head)


def test_a_table_outside_the_study_keeps_its_media_to_its_own_folder(desk: Any, tmp_path_factory: Any) -> None:
    elsewhere = Path(tmp_path_factory.mktemp("archive"))
    (elsewhere / "1.jpg").write_bytes(JPEG)
    (elsewhere / "memes.csv").write_text("id,image\n1,1.jpg\n2,../1.jpg\n")
    records, (reject,) = desk.read(str(elsewhere / "memes.csv"), None, {"media": "image"}, kind="csv")
    assert len(records) == 1
    assert "leads out" in reject.why
