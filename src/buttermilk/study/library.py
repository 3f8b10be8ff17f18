"""`prompts`: the study's prompts, criteria and codebooks, in every version that is in a file or was ever asked with.

The functions bear the verbs' names: `list_()`, `show("judge@3f9a1c")`, `diff("judge")`, `render("judge")`,
`import_(Path("judge.prompty"))`. A version can be shown, compared and rendered when its file is gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from buttermilk.config.study import find_root, folders
from buttermilk.core.errors import ButtermilkError, ConfigError
from buttermilk.core.flows import Prompt
from buttermilk.core.jobs import Use
from buttermilk.documents import read_text
from buttermilk.documents.differences import Piece, differences, words
from buttermilk.documents.whole import whole
from buttermilk.prompts.prompty import Imported, from_prompty
from buttermilk.prompts.reading import as_read, as_written, header_of, needs
from buttermilk.study.rendering import Rendered, render
from buttermilk.study.shelf import Found, Shelf, opened

__all__ = ["Diff", "Entry", "Rendered", "Shown", "diff", "import_", "list_", "render", "show"]


class Entry(NamedTuple):
    """A line of the list. `wrong` says why a file cannot be read."""

    kind: str
    name: str
    found: Found | None = None
    tests: bool = False
    last_use: Use | None = None
    wrong: str = ""

    @property
    def changed(self) -> bool:
        """Since it was last used."""
        return self.found is not None and self.last_use is not None and self.found.text.hash != self.last_use.hash

    def as_json(self) -> dict[str, Any]:
        said = self.found.said if self.found else {"kind": self.kind, "name": self.name, "wrong": self.wrong}
        header = header_of(self.found.text) if self.found else {}
        last = self.last_use.last_at.isoformat() if self.last_use else None
        about = {key: header.get(key, "") for key in ("title", "description")}
        return {**said, **about, "tests": self.tests, "last_used": last, "changed_since": self.changed}


class Shown(NamedTuple):
    """One version whole, and where each version of its name was used, the latest first."""

    found: Found
    uses: list[Use]

    @property
    def needs(self) -> tuple[str, ...]:
        return needs(self.found.text) if isinstance(self.found.text, Prompt) else ()

    def as_json(self) -> dict[str, Any]:
        text = self.found.text
        uses = [
            {"version": use.version_name, **use._asdict(), "first_at": use.first_at.isoformat(),
             "last_at": use.last_at.isoformat()}
            for use in self.uses
        ]  # fmt: skip
        more = {"header": header_of(text), "needs": list(self.needs), "text": as_read(text), "used": uses}
        return {**self.found.said, **more}


@dataclass(frozen=True)
class Diff:
    """How one version became another."""

    old: Found
    new: Found

    @cached_property
    def header(self) -> tuple[Piece, ...]:
        before, after = (
            "".join(f"{key}: {said}\n" for key, said in header_of(one.text).items()) for one in (self.old, self.new)
        )
        return differences(before, after) if before != after else ()

    @cached_property
    def text(self) -> tuple[Piece, ...]:
        return differences(as_written(self.old.text), as_written(self.new.text))

    @property
    def asked_again(self) -> bool:
        return self.old.text.hash != self.new.text.hash

    @property
    def sentence(self) -> str:
        old, new = self.old.text, self.new.text
        if not self.asked_again and old.name != new.name:
            return f"{old.version_name} and {new.version_name} say the same under two names."
        if not self.asked_again:
            same = f"Nothing differs: both are {new.version_name}."
            return "Only the header differs: nobody is asked again." if self.header else same
        if old.name != new.name:
            return f"{self._counted}: {old.version_name} and {new.version_name} are two texts."
        moved = f"the hash moved from {old.hash[:6]} to {new.hash[:6]}"
        return f"{self._counted}; {moved}: jobs asked with it will be asked again."

    @property
    def _counted(self) -> str:
        out, put = words(self.text, "-"), words(self.text, "+")
        if not out and not put:
            return "No word differs, but punctuation or spacing does"
        return f"{out:,} word{'s' * (out != 1)} taken out, {put:,} put in"

    def as_json(self) -> dict[str, Any]:
        counts = {"taken_out": words(self.text, "-"), "put_in": words(self.text, "+")}
        pieces = {"header": [list(piece) for piece in self.header], "text": [list(piece) for piece in self.text]}
        said = {"sentence": self.sentence, "asked_again": self.asked_again}
        return {"old": self.old.said, "new": self.new.said, **said, **counts, **pieces}


def list_(kind: str | None = None, *, root: Path | None = None) -> list[Entry]:
    """All that has a file, and what only the store still knows."""
    with opened(root) as shelf:
        return [entry for one in shelf.kinds(kind) for entry in _entries(shelf, one)]


def _entries(shelf: Shelf, kind: str) -> Iterator[Entry]:
    last: dict[str, Use] = {}
    for use in shelf.uses(kind):
        last.setdefault(use.name, use)
    for name in sorted({*shelf.names(kind), *last}):
        entry = Entry(kind, name, last_use=last.get(name))
        try:
            found = (shelf.files(kind, name) or shelf.stored(kind, name))[0]
        except ButtermilkError as error:
            yield entry._replace(wrong=str(error).splitlines()[0])
        else:
            yield entry._replace(found=found, tests=shelf.has_tests(found))


def show(name: str, *, kind: str | None = None, root: Path | None = None) -> Shown:
    with opened(root) as shelf:
        found = shelf.find(name, kind)
        return Shown(found, shelf.uses(found.kind, found.text.name))


def diff(old: str, new: str | None = None, *, kind: str | None = None, root: Path | None = None) -> Diff:
    """Two versions; of one name alone, the version that was last used and what its file says now."""
    with opened(root) as shelf:
        if new is not None:
            first = shelf.find(old, kind)
            return Diff(first, shelf.find(new, first.kind))
        now = shelf.find(old.partition("@")[0], kind)
        if now.place == "store":
            said = f"the file of '{now.text.name}' is not there any more."
            raise ConfigError(said, hint=f"Name two versions. Those that were used: buttermilk prompts show {old}")
        if "@" in old:
            return Diff(shelf.find(old, now.kind), now)
        used = shelf.stored(now.kind, now.text.name)
        if not used:
            hint = f"Name another: buttermilk prompts diff {old} OTHER"
            raise ConfigError(f"'{old}' was never used, so there is nothing to compare it with.", hint=hint)
        return Diff(used[0], now)


def import_(file: Path, *, name: str | None = None, root: Path | None = None) -> tuple[Path, Imported]:
    """Write prompts/NAME.md of a Prompty file, and say what could not be carried over. Nothing is written over."""
    folder = (root or find_root(Path.cwd())) / "prompts"
    made = from_prompty(read_text(file), file.name, name or "", folders(folder.parent, "prompts"))
    target = folder / f"{made.prompt.name}.md"
    if target.exists():
        said = "it is there already; nothing was written."
        raise ConfigError(said, where=f"prompts/{target.name}", hint="Choose another name: --as NAME")
    folder.mkdir(exist_ok=True)
    with whole(target) as path:
        path.write_text(made.text, encoding="utf-8")
    return target, made
