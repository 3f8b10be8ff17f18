"""What lies beside a report: a folder with a CSV for each figure and table, BibTeX, and a list of what is there. The
folder is replaced as a whole, and only one that a report has made: whoever names a report after a folder of theirs
keeps the folder."""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from buttermilk.analysis.page import Figure, Gallery, Grid, Section, as_csv, grid
from buttermilk.core.errors import ConfigError

CONTENTS = "contents.csv"
LONGEST = 48


def named(of: Sequence[Section]) -> Iterator[tuple[str, str, Grid, str]]:
    """Name, kind, table and alt text of all that carries data: `labels-judge-tone`, `table-03-the-agents`. Tables have
    the numbers that they have on the page; small tables side by side share one."""
    count = 0
    for block in (block for section in of for block in section.blocks):
        match block:
            case Figure():
                yield block.name, "figure", block.data, block.shows
            case Grid():
                count += 1
                yield _table(count, block.caption), "table", block, ""
            case Gallery():
                count += 1
                for part, one in enumerate(block.grids, start=1):
                    yield _table(count, f"{part} {one.caption}"), "table", one, ""


def _table(number: int, caption: str) -> str:
    plain = "".join(char if char.isalnum() else " " for char in caption.lower()).split()
    name = f"table-{number:02}-{'-'.join(plain)}"
    return name if len(name) <= LONGEST else name[:LONGEST].rpartition("-")[0]


def files(of: Sequence[Section], more: Mapping[str, str]) -> dict[str, str]:
    """By name, the text of each."""
    found: dict[str, tuple[str, Grid, str]] = {}
    for name, kind, table, shows in named(of):
        again = sum(known.startswith(f"{name}.") for known in found)  # two names may be one, without what no file has
        found[f"{name}.{again + 1}.csv" if again else f"{name}.csv"] = (kind, table, shows)
    rows = [(name, kind, table.caption, shows) for name, (kind, table, shows) in found.items()]
    rows += [(name, "text", "", "") for name in more]
    contents = grid("What is here.", ("file", "kind", "caption", "alt text"), rows)
    texts = {name: as_csv(table) for name, (_, table, _) in found.items()}
    return {CONTENTS: as_csv(contents)} | texts | dict(more)


@contextmanager
def replaced(folder: Path, texts: Mapping[str, str]) -> Iterator[None]:
    """The folder as it shall be, beside its place until what is done meanwhile has succeeded; then in its place."""
    _check(folder)
    beside, old = (folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.{end}") for end in ("part", "old"))
    try:
        beside.mkdir(parents=True)
        for name, text in texts.items():
            (beside / name).write_bytes(text.encode("utf-8", "replace"))
        yield
        if folder.exists():
            folder.replace(old)
        beside.replace(folder)
    finally:
        for left in (beside, old):
            with suppress(FileNotFoundError):
                shutil.rmtree(left)


def _check(folder: Path) -> None:
    """A folder that holds what no report wrote is not ours to replace."""
    if not folder.exists():
        return
    known = folder / CONTENTS
    listed = known.read_text(encoding="utf-8") if known.is_file() else ""
    names = {line.split(",")[0] for line in listed.splitlines()} | {CONTENTS}
    strange = (
        sorted(path.name for path in folder.iterdir() if path.name not in names) if folder.is_dir() else [folder.name]
    )
    if strange:
        raise ConfigError(
            f"'{folder.name}' is taken: it holds '{strange[0]}', which no report wrote.",
            where=str(folder),
            hint="A report's tables lie in a folder of its name. Name another: buttermilk report -o FOLDER/NAME.html",
        )
