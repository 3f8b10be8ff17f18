"""What every source asks of a file: is it there, what is it really, how is its text written, what is its hash."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from buttermilk.core.errors import ConfigError, DataError, did_you_mean
from buttermilk.core.hashing import canonical, digest
from buttermilk.core.records import DatasetSpec
from buttermilk.core.values import plain

READERS = "1"  # goes up when the same file would be read differently: every dataset is then read again
HEAD = 4096

BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip

# What a file is, by how it begins. Only beginnings that no prose has by chance.
SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "application/gzip": (b"\x1f\x8b",),
    "application/zip": (b"PK\x03\x04",),
    "application/x-ole-storage": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "application/pdf": (b"%PDF-",),
    "application/vnd.apache.parquet": (b"PAR1",),
    "application/vnd.sqlite3": (b"SQLite format 3\x00",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    "audio/flac": (b"fLaC",),
    "audio/ogg": (b"OggS\x00",),
    "audio/mpeg": (b"ID3\x02", b"ID3\x03", b"ID3\x04"),
    "video/webm": (b"\x1a\x45\xdf\xa3",),
    "video/mpeg": (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),
}
RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}
BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"avif": "image/avif"}
BRANDS |= {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime"}

WORDS = {
    "application/gzip": "compressed with gzip: unpack it first",
    "application/zip": "a ZIP archive, or an Office document",
    "application/x-ole-storage": "an old Office file (.xls, .doc), or one that is locked with a password",
    "application/pdf": "a PDF",
    "application/vnd.apache.parquet": "a Parquet table",
    "application/vnd.sqlite3": "an SQLite database",
    "text/html": "a web page (HTML)",
    "": "something else, by its first bytes",
}


def sniff(head: bytes) -> str:
    """The media type that a file's first bytes prove, or "" where they prove none: `%PDF-1.7` -> `application/pdf`."""
    for media_type, beginnings in SIGNATURES.items():
        if head.startswith(beginnings):
            return media_type
    if head[:4] == b"RIFF":
        return RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "video/mp4")
    if head[:2] == b"BM" and head[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    opening = head[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "text/html" if opening.startswith((b"<!doctype html", b"<html")) else ""


def in_words(media_type: str) -> str:
    """`image/png` -> `an image (image/png)`, for a message."""
    if media_type in WORDS:
        return WORDS[media_type]
    kind = media_type.partition("/")[0]
    return f"{'a' if kind == 'video' else 'an'} {kind} file ({media_type})"


@contextmanager
def reading(where: str) -> Iterator[None]:
    """The system's refusal, in a sentence."""
    try:
        yield
    except OSError as error:
        hint = "Is the disk connected, and may you open this file? Try to open it in another program."
        raise DataError(f"it cannot be read: {error.strerror or error}.", where=where, hint=hint) from error


def head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def sha256_of(path: Path) -> str:
    """Of the bytes, without holding them."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def yaml_of(spec: DatasetSpec) -> str:
    """Where the line goes that mends it."""
    return f"conf/dataset/{spec.name}.yaml"


def check_options(spec: DatasetSpec, known: Iterable[str]) -> None:
    """A mistyped option must not be read as no option."""
    known = tuple(known)
    for name in spec.options:
        if name not in known:
            takes = did_you_mean(name, known) if known else f"A {spec.type} dataset takes no options."
            raise ConfigError(f"'{name}' is not an option of a {spec.type} dataset.", where=yaml_of(spec), hint=takes)


def bad_option(spec: DatasetSpec, name: str, must: str, example: str) -> ConfigError:
    """`options.header must be a list of column names. For example: options: {header: [id, text, tone]}`"""
    hint = f"For example: options: {{{name}: {example}}}"
    return ConfigError(f"options.{name} must be {must}, not {spec.options[name]!r}.", where=yaml_of(spec), hint=hint)


def option_text(spec: DatasetSpec, name: str, default: str = "") -> str:
    """An option that is text, as in `options: {sheet: Verse}`."""
    value = spec.options.get(name, default)
    if not isinstance(value, str) or (name in spec.options and not value):
        raise bad_option(spec, name, "text", "'...'")
    return value


def located(spec: DatasetSpec, root: Path, *, folder: bool = False) -> Path:
    """The dataset's file or folder, or a DataError that names what is there instead."""
    path = root / spec.path
    if folder and path.is_dir():
        return path
    if not folder and path.is_file():
        return path
    wanted = "folder" if folder else "file"
    if path.exists():
        reads = "To read a folder of files write `type: folder`." if path.is_dir() else "Name the folder it is in."
        raise DataError(f"this is not a {wanted}.", where=spec.path, hint=f"{reads} ({yaml_of(spec)}, `path`)")
    beside = sorted(item.name for item in path.parent.iterdir()) if path.parent.is_dir() else []
    near = get_close_matches(path.name, beside, n=1)
    hint = f"Did you mean '{(Path(spec.path).parent / near[0]).as_posix()}'? " if near else ""
    hint = f"{hint}`path` in {yaml_of(spec)} is looked for from the study's folder, {root}."
    raise DataError(f"there is no such {wanted}.", where=spec.path, hint=hint)


def check_kind(path: Path, spec: DatasetSpec, called: str, media_type: str = "", hint: str = "") -> None:
    """Refuse a file that only has the suffix of what it should be: `called` is `a Parquet table`."""
    with reading(spec.path):
        head = head_of(path)
    real = sniff(head)
    if head and real == media_type:
        return
    hint = hint or f"Save or download it again as {called}, or mend `type` and `path` in {yaml_of(spec)}."
    found = f"it is {in_words(real)}" if head else "the file is empty"
    raise DataError(f"this is not {called}: {found}.", where=spec.path, hint=hint)


def encoding_of(head: bytes, spec: DatasetSpec) -> str:
    """How the text is written, where that is certain or said: a byte-order mark, the option, UTF-16's pattern of zeros.

    Anything else must be valid UTF-8 to the last byte; accents read in the wrong encoding would be invented data.
    """
    given = option_text(spec, "encoding")
    if given:
        return _named(given, spec)
    for mark, name in BOMS:
        if head.startswith(mark):
            return name
    even, odd = head[0::2], head[1::2]
    if odd.count(0) > 0.4 * len(odd) and not even.count(0):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and not odd.count(0):
        return "utf-16-be"
    return "utf-8"


def _named(encoding: str, spec: DatasetSpec) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        common = ("utf-8", "utf-16", "cp1252", "cp1250", "cp1251", "latin-1", "mac_roman", "shift_jis", "gb18030")
        hint = did_you_mean(encoding, common)
        said = f"'{encoding}' is not the name of an encoding."
        raise ConfigError(said, where=f"{yaml_of(spec)}, options.encoding", hint=hint) from None
    return encoding


def lines_of(path: Path, spec: DatasetSpec, where: str = "") -> Iterator[str]:
    """The lines with their ends as they are. Raises DataError at the first byte that the encoding does not have."""
    where = where or spec.path
    with reading(where):
        encoding = encoding_of(head_of(path), spec)
        try:
            with path.open(encoding=encoding, newline="") as file:
                first = file.readline()
                if first:
                    yield first.removeprefix("\ufeff")
                yield from file
        except UnicodeDecodeError as error:
            raise undecodable(path, encoding, error, spec, where) from None


def undecodable(path: Path, encoding: str, error: UnicodeDecodeError, spec: DatasetSpec, where: str) -> DataError:
    """Names the line and the byte, and shows how likely encodings would read it, so that a person can choose."""
    name, sound = encoding.upper(), 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode(encoding)
                sound += not line.isascii()
            except UnicodeDecodeError as here:
                message = f"the text is not {name} (byte {line[here.start]:02X} at column {here.start + 1})."
                hint = _choices(line[max(0, here.start - 24) : here.start + 24], encoding, spec)
                if sound:
                    hint += f"\n  Accents before it are sound {name} (lines: {sound}): is only this line damaged?"
                return DataError(message, where=f"{where} line {number}", hint=hint)
    return DataError(f"the text is not {name}: {error.reason}.", where=where, hint=_choices(b"", encoding, spec))


def _choices(excerpt: bytes, encoding: str, spec: DatasetSpec) -> str:
    readings: dict[str, str] = {}
    for name in ("cp1252", "mac_roman", "cp1250", "cp1251"):
        text = " ".join(excerpt.decode(name, "replace").split())
        if name != encoding and text and "\ufffd" not in text:
            readings.setdefault(text, name)
    if not readings:
        return f"Save the file as UTF-8, or name its encoding in {yaml_of(spec)}: options: {{encoding: cp1252}}"
    shown = [f"    options: {{encoding: {name + '}':<11} reads: …{text}…" for text, name in readings.items()]
    return "\n".join([f"Save it as UTF-8, or write in {yaml_of(spec)} the line that reads it rightly:", *shown])


def fingerprint_of(spec: DatasetSpec, *contents: str) -> str:
    """Of what was read, given as hashes, and of what decides how the same bytes become records.

    What may be sent, and who owns them, does not decide that.
    """
    options = {"type": spec.type, "columns": plain(spec.columns), "options": dict(spec.options), "limit": spec.limit}
    return digest(canonical([{"reader": READERS, **options}, *contents]))
