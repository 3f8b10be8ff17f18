"""Images, recordings, films and PDFs that a dataset points to: checked by their bytes, named by their SHA-256."""

import os
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import urlsplit

from buttermilk.core.errors import DataError
from buttermilk.sources.files import head_of, in_words, reading, sha256_of, sniff

# The suffix says which kind of part is meant, and the type where the bytes say none (an .mp3 may begin anyhow).
_ENDINGS = {
    "image": {"jpeg": ".jpg .jpeg", "png": ".png", "gif": ".gif", "webp": ".webp", "tiff": ".tif .tiff"},
    "audio": {"mpeg": ".mp3", "wav": ".wav", "flac": ".flac", "ogg": ".ogg .oga .opus", "mp4": ".m4a", "aac": ".aac"},
    "video": {"mp4": ".mp4 .m4v", "quicktime": ".mov", "webm": ".webm", "mpeg": ".mpg .mpeg"},
}
_ENDINGS["image"] |= {name: f".{name}" for name in ("bmp", "heic", "avif")}
_ENDINGS["video"] |= {"x-matroska": ".mkv", "x-msvideo": ".avi"}
SUFFIXES = {
    suffix: (kind, f"{kind}/{name}")
    for kind, endings in _ENDINGS.items()
    for name, suffixes in endings.items()
    for suffix in suffixes.split()
} | {".pdf": ("pdf", "application/pdf")}
# Containers that hold sound or film, or are written in two ways: the suffix decides between what the bytes allow.
SAME_BYTES = (
    {"audio/mp4", "video/mp4", "video/quicktime", "image/heic", "image/avif"},
    {"video/webm", "video/x-matroska"},
    {"audio/mpeg", "audio/aac"},
)


def media_type_of(suffix: str, head: bytes) -> tuple[str, str]:
    """Kind and media type: `(".jpg", b"\\x89PNG...")` -> `("image", "image/png")`, for the bytes know better.

    Raises DataError where the bytes are of another kind, or prove nothing.
    """
    kind, expected = SUFFIXES[suffix]
    real = _audio_frames(head) if kind == "audio" else sniff(head)
    if any({real, expected} <= group for group in SAME_BYTES) or real == expected:
        return kind, expected
    if real.startswith(f"{kind}/"):
        return kind, real
    if kind == "pdf" and b"%PDF-" in head[:1024]:
        return kind, expected
    if suffix == ".mov" and head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return kind, expected
    found = "is empty" if not head else f"is {in_words(real)}" if real else "does not begin as one"
    raise DataError(f"its name says {in_words(expected) if kind != 'pdf' else 'a PDF'}, but the file {found}.")


def _audio_frames(head: bytes) -> str:
    """MP3 and AAC may begin with a bare frame: eleven set bits, then the layer."""
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0xF6 == 0xF0 else "audio/mpeg"
    return sniff(head)


class MediaFiles:
    """The media that a table names, relative to the table's folder and inside the study."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        # A table that lies outside the study on purpose still keeps its media to its own folder.
        self._bound = root.resolve() if folder.resolve().is_relative_to(root.resolve()) else folder.resolve()
        self._hashes: dict[tuple[str, int, int], str] = {}

    def part(self, column: str, name: str) -> dict[str, Any]:
        """The part for `images/1.jpg`, or `https://example.org/1.jpg`. Raises DataError with the column in `where`."""
        if name.startswith(("https://", "gs://")):
            return at_address(column, name)
        if "://" in name:
            said = f"'{name}' is an address that no model reads: give one with https:// or gs://, or a file's path."
            raise DataError(said, where=column)
        if "\x00" in name:
            raise DataError("the path holds a NUL character.", where=column)
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._bound):
            raise DataError(f"'{name}' leads out of the study's folder; such files are not read.", where=column)
        if not path.is_file():
            back = PureWindowsPath(name).as_posix()
            hint = f" Write it with forward slashes: {back}" if "\\" in name and (self._folder / back).is_file() else ""
            raise DataError(f"there is no file '{name}' (looked for {path}).{hint}", where=column)
        try:
            return self.described(path)
        except DataError as error:
            raise DataError(f"'{name}': {error.message}", where=column) from None

    def described(self, path: Path) -> dict[str, Any]:
        """A file that was found, as a part: `{"kind": "image", "media_type": "image/png", "blob": ...}`."""
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise DataError(f"{suffix or 'such'} files are no kind of image, audio, video or PDF that is read.")
        with reading(""):
            kind, media_type = media_type_of(suffix, head_of(path))
            blob = self.sha256(path)
        return {"kind": kind, "media_type": media_type, "blob": blob, "path": os.fspath(path)}

    def sha256(self, path: Path) -> str:
        """Hashed once while the file stays as it is: a film is not read again for the fingerprint."""
        now = path.stat()
        key = (os.fspath(path), now.st_size, now.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = sha256_of(path)
        return self._hashes[key]


def at_address(column: str, url: str) -> dict[str, Any]:
    """The part for what a model is to fetch itself. Nobody looks at it here: its ending alone says what it is."""
    try:
        suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    except ValueError:
        suffix = ""
    if suffix not in SUFFIXES or not url.isprintable() or " " in url:
        said = "is no address of a medium: it ends in .jpg, .mp3, .mp4, .pdf or the like, and has no blanks."
        raise DataError(f"'{url}' {said}", where=column)
    kind, media_type = SUFFIXES[suffix]
    return {"kind": kind, "media_type": media_type, "url": url}


def composed(name: str) -> str:
    """One spelling of a name with accents: macOS writes é as two characters, others as one."""
    return unicodedata.normalize("NFC", name)
