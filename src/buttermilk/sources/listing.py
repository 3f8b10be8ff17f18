"""Which files of a folder are meant: by pattern, without hidden ones, and never through a link that leads out."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from buttermilk.core.errors import DataError
from buttermilk.core.records import DatasetSpec
from buttermilk.sources.files import bad_option, yaml_of
from buttermilk.sources.media import SUFFIXES, composed

TEXTS = (".txt", ".md", ".docx")
TABLES = {".csv", ".tsv", ".tab", ".xlsx", ".jsonl", ".ndjson", ".parquet"}
LITTER = {"thumbs.db", "desktop.ini"}


class Found(NamedTuple):
    """A file that is meant, `Found("1923/07", "1923/07.jpg", "")`; `why` it cannot be read where it cannot."""

    record: str
    name: str
    why: str


def patterns_of(spec: DatasetSpec) -> tuple[re.Pattern[str], ...]:
    """`options: {pattern: "*.txt"}`, or a list of patterns; none means every file."""
    given = spec.options.get("pattern", [])
    several = [given] if isinstance(given, str) else given
    if isinstance(several, list) and all(isinstance(item, str) and item for item in several):
        return tuple(pattern_of(str(item)) for item in several)
    raise bad_option(spec, "pattern", "a pattern, or a list of them", '"*.txt"')


def pattern_of(glob: str) -> re.Pattern[str]:
    """`*.txt` is of any folder's files, `1923/*.txt` of one folder's, `1923/**/*.txt` of all beneath it."""
    glob = composed(glob).removeprefix("./")
    pieces = re.split(r"(\*\*/|\*|\?|\[[^\]]+\])", glob if "/" in glob else f"**/{glob}")
    meanings = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    kept = [meanings.get(piece) or (piece if piece.startswith("[") else re.escape(piece)) for piece in pieces]
    return re.compile("".join(kept).replace("[!", "[^"), re.IGNORECASE)


def files_of(folder: Path, spec: DatasetSpec, table: Path | None) -> list[Found]:
    """The files that are meant, those of one record together. Raises DataError where there is none."""
    patterns = patterns_of(spec)
    names = sorted(_walk(folder))
    meant = [name for name in names if not patterns or any(each.fullmatch(composed(name)) for each in patterns)]
    if table is not None:
        meant = [name for name in meant if (folder / name).resolve() != table]
    if not meant:
        raise _nothing(names, spec)
    bound = folder.resolve()
    return sorted(_found(folder, name, bound, spec) for name in meant)


def _found(folder: Path, name: str, bound: Path, spec: DatasetSpec) -> Found:
    path = PurePosixPath(name)
    why = _refused(folder / name, bound)
    if why or path.suffix.lower() in SUFFIXES or path.suffix.lower() in TEXTS:
        return Found(composed(shown(path.with_suffix("").as_posix())), name, why)
    return Found(shown(name), name, _unknown(path, spec))


def _unknown(path: PurePosixPath, spec: DatasetSpec) -> str:
    if path.suffix.lower() in TABLES:
        about = f"If it is the table about the files, write: options: {{metadata: {spec.path}/{path}}}."
        return f"this is a table, and not one record. {about} If not, leave it out by `pattern`."
    which = "texts (.txt, .md, .docx), PDFs, and the usual kinds of image, audio and video"
    return f"{path.suffix or 'such'} files are not read, but {which} are. Save it as one, or leave it out by `pattern`."


def shown(name: str) -> str:
    """A path for a message; bytes that are no UTF-8 as their numbers."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _walk(folder: Path) -> Iterator[str]:
    """Files, and links to folders, which are not followed."""
    for here, folders, files in os.walk(folder, onerror=_stop):
        folders[:] = [name for name in folders if not _hidden(name)]
        links = [name for name in folders if os.path.islink(os.path.join(here, name))]
        for name in [*files, *links]:
            if not _hidden(name):
                yield PurePosixPath(Path(here, name).relative_to(folder)).as_posix()


def _stop(error: OSError) -> None:
    hint = "May you open it? Nothing was passed over in its place."
    raise DataError(f"the folder cannot be read: {error.strerror or error}.", where=str(error.filename), hint=hint)


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in LITTER


def _refused(path: Path, bound: Path) -> str:
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8, so it has no id that can be written down. Rename the file."
    if path.is_dir():
        return "this is a link to a folder; such links are not followed. Move or copy the folder here."
    if not path.resolve().is_relative_to(bound):
        return "this link leads out of the dataset's folder; it is not followed. Copy the file here."
    if not path.is_file():
        return "this is not a file that can be read (a broken link, or a device)."
    return ""


def _nothing(found: list[str], spec: DatasetSpec) -> DataError:
    counts = Counter(PurePosixPath(name).suffix.lower() or "no suffix" for name in found)
    held = ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(8)) or "nothing"
    pattern = f"no file is like {spec.options['pattern']!r}" if "pattern" in spec.options else "there is no file in it"
    return DataError(
        f"{pattern}. The folder holds: {held}.", where=spec.path, hint=f"See `path` and `pattern` in {yaml_of(spec)}."
    )
