"""Where a name leads: to a file of the study, a packaged one, or what the store kept of it.

`judge` is what its file says now, `judge@3f9a1c` a version by the first digits of its hash, `criteria/guide` names the
kind too, and a path (`drafts/guide.docx`) is that file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from buttermilk.cases.loading import has_tests
from buttermilk.config.study import LIBRARY, find_root, folders
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ButtermilkError, ConfigError, did_you_mean
from buttermilk.core.flows import Citable, CitableKind, Codebook
from buttermilk.core.jobs import Use
from buttermilk.documents.plain import NAME, SUFFIXES
from buttermilk.prompts import load_codebook, load_perspective, load_prompt
from buttermilk.study.looking import known_store


class Kind(NamedTuple):
    """One kind of text: its column in the store, its folder in a study, and how its files are read."""

    stored: CitableKind
    folder: str
    load: Callable[[str, Sequence[Path]], Citable]

    @property
    def suffixes(self) -> tuple[str, ...]:
        return SUFFIXES[self.stored]


KINDS: Mapping[str, Kind] = {
    "prompt": Kind("prompt", "prompts", load_prompt),
    "criteria": Kind("perspective", "criteria", load_perspective),
    "codebook": Kind("codebook", "codebooks", load_codebook),
}


class Found(NamedTuple):
    """A version, and where: `study`, `packaged`, `store`, or the path that was given. `shadows` is the hash of the
    packaged text behind the study's."""

    kind: str
    text: Citable
    place: str
    shadows: str = ""

    @property
    def said(self) -> dict[str, Any]:
        text = self.text
        return {"kind": self.kind, "name": text.name, "version": text.version_name, "hash": text.hash,
                "from": self.place, "shadows_packaged": bool(self.shadows)}  # fmt: skip


@contextmanager
def opened(root: Path | None = None) -> Iterator["Shelf"]:
    """The study's shelf, with its store open where there is one."""
    root = root or find_root(Path.cwd())
    store = known_store(root)
    with closing(store) if store else nullcontext():
        yield Shelf(root, store)


@dataclass(frozen=True)
class Shelf:
    """Where versions are looked up."""

    root: Path
    store: Store | None

    def kinds(self, kind: str | None) -> list[str]:
        if kind is not None and kind not in KINDS:
            raise ConfigError(f"there is no kind '{kind}'.", hint=did_you_mean(kind, KINDS))
        return [kind] if kind else list(KINDS)

    def uses(self, kind: str, name: str | None = None) -> list[Use]:
        if self.store is None:
            return []
        found = self.store.uses(KINDS[kind].stored, name)
        return list(self._as_written(found)) if kind == "codebook" else found

    def _as_written(self, uses: Iterable[Use]) -> Iterator[Use]:
        """One use of a run and step, whatever its perspectives made of it."""
        written: dict[tuple[str, str, str], Use] = {}
        for use in uses:
            book = self._books.get((use.run_id, use.hash))
            key = (use.run_id, use.step, book.hash if book else use.hash)
            jobs = written[key].jobs if key in written else 0
            written[key] = use._replace(hash=key[-1], jobs=use.jobs + jobs)
        yield from written.values()

    @cached_property
    def _books(self) -> Mapping[tuple[str, str], Codebook]:
        """A codebook that asks criterion by criterion is stored as each perspective had it; what people wrote is in the
        method of its run: `(run, hash as it was asked)` -> as it was written."""
        runs = self.store.runs() if self.store else ()
        steps = [(run.run_id, step) for run in runs for flow in run.method for step in flow.steps]
        asked = [(run_id, step.codebook, one) for run_id, step in steps for one in (*step.perspectives, None)]
        return {(run_id, book.of(one).hash): book for run_id, book, one in asked}

    def names(self, kind: str) -> set[str]:
        """Those that have a file."""
        return {
            name
            for folder in folders(self.root, KINDS[kind].folder)
            for suffix in KINDS[kind].suffixes
            for path in folder.rglob(f"*{suffix}")
            if NAME.fullmatch(name := path.relative_to(folder).as_posix().removesuffix(suffix)) and path.is_file()
        }

    def has_tests(self, found: Found) -> bool:
        """Only prompts of a file have some."""
        places = {"study": self.root, "packaged": LIBRARY}
        if found.kind != "prompt" or found.place not in places:
            return False
        return has_tests(places[found.place] / "prompts" / f"{found.text.name}.md")

    # ---- by name

    def find(self, ref: str, kind: str | None = None) -> Found:
        """What `judge`, `judge@3f9a1c`, `criteria/guide` or `drafts/guide.docx` is. Raises ConfigError."""
        at_path = self._at_path(Path(ref), kind)
        if at_path is not None:
            return at_path
        folder, _, rest = ref.partition("/")
        within = [one for one in self.kinds(kind) if KINDS[one].folder == folder]
        name, at, prefix = (rest if within else ref).partition("@")
        kinds = within or self.kinds(kind)
        found = {one: known for one in kinds if (known := self._known(one, name, by_hash=bool(at)))}
        if not found:
            raise self._unknown(name, kinds)
        if len(found) > 1:
            several = " and ".join(f"{KINDS[one].folder}/{name}" for one in found)
            raise ConfigError(f"'{name}' is several things: {several}.", hint=f"Say which: --kind {next(iter(found))}")
        (known,) = found.values()
        return known[0] if not at else self._of_hash(prefix, known)

    def _at_path(self, path: Path, kind: str | None) -> Found | None:
        """A file anywhere; `prompts/judge.md` is a prompt, other text is criteria."""
        fit = [one for one in self.kinds(kind) if path.suffix in KINDS[one].suffixes]
        if not fit or not path.is_file():
            return None
        chosen = next((one for one in fit if KINDS[one].folder == path.parent.name), fit[-1])
        reading = KINDS[chosen]
        return Found(chosen, reading.load(path.stem, [path.parent, *folders(self.root, reading.folder)]), str(path))

    def _known(self, kind: str, name: str, *, by_hash: bool) -> list[Found]:
        if by_hash:  # a file that cannot be read does not hide what was asked before
            return self.files(kind, name, whole=False) + self.stored(kind, name)
        return self.files(kind, name) or self.stored(kind, name)

    def files(self, kind: str, name: str, *, whole: bool = True) -> list[Found]:
        """The study's file and the packaged one. Raises what is wrong with one of them, if they must be `whole`."""
        found: list[Found] = []
        for place, folder in zip(("packaged", "study"), reversed(folders(self.root, KINDS[kind].folder)), strict=True):
            if any((folder / f"{name}{suffix}").is_file() for suffix in KINDS[kind].suffixes):
                try:
                    text = KINDS[kind].load(name, [folder, *folders(self.root, KINDS[kind].folder)])
                except ButtermilkError:
                    if whole:
                        raise
                    continue
                found.insert(0, Found(kind, text, place, found[0].text.hash if found else ""))
        return found

    def stored(self, kind: str, name: str) -> list[Found]:
        """What was ever asked with, the last used first."""
        if self.store is None:
            return []
        used = [use.hash for use in self.uses(kind, name)]
        found = self.store.versions(KINDS[kind].stored, name=name)
        if kind == "codebook":
            texts = {one.hash: one for one in (*self._books.values(), *found) if one.name == name}
            found = [texts[one] for one in dict.fromkeys(used)]
        found.sort(key=lambda text: used.index(text.hash) if text.hash in used else len(used))
        return [Found(kind, text, "store") for text in found]

    def _of_hash(self, prefix: str, known: Sequence[Found]) -> Found:
        fit = {one.text.hash: one for one in reversed(known) if prefix and one.text.hash.startswith(prefix.lower())}
        if len(fit) == 1:
            return next(iter(fit.values()))
        name, there = known[0].text.name, ", ".join(dict.fromkeys(one.text.version_name for one in known))
        if fit:
            longer = ", ".join(f"{name}@{each[: len(prefix) + 6]}" for each in fit)
            raise ConfigError(f"several versions begin with '{name}@{prefix}'.", hint=f"Type more of it: {longer}")
        raise ConfigError(f"there is no version '{name}@{prefix}'.", hint=f"There are: {there}.")

    def _unknown(self, name: str, kinds: Sequence[str]) -> ConfigError:
        known = {each for kind in kinds for each in (*self.names(kind), *(use.name for use in self.uses(kind)))}
        what = kinds[0] if len(kinds) == 1 else "prompt, criteria or codebook"
        return ConfigError(f"there is no {what} '{name}'.", hint=did_you_mean(name, known))
