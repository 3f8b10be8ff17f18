"""`label`: a sample for people is drawn, sent out, watched and opened; `codings.py` takes their labels back.

The functions bear the verbs' names: `sample("verse", size=100, by="column:genre")`,
`export("verse-1", Path("ana.xlsx"))`, `open_("verse-1", why="the prompts are final")`.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from getpass import getuser
from pathlib import Path
from typing import Any, NamedTuple

from buttermilk.analysis.people import standing
from buttermilk.analysis.sampling import dealt, in_random_order, stratified, weighted
from buttermilk.config import Composed, StoreSpec, compose, compose_dataset, compose_store, find_root
from buttermilk.config.agents import NAME
from buttermilk.config.study import folders, options, own_flows
from buttermilk.core.contracts import Sheets, Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import Codebook, Flow, Perspective
from buttermilk.core.people import Coding, Draw, Opening, Sample
from buttermilk.core.records import Dataset, DatasetSpec, Record
from buttermilk.core.registering import parts_of
from buttermilk.core.sheets import Card, Sheet
from buttermilk.plugins import find, names
from buttermilk.prompts import load_codebook, load_perspective
from buttermilk.study.opening import ingest, open_store
from buttermilk.study.running import now
from buttermilk.study.strata import strata_of, weights_of

HOW = ("random", "stratified", "uncertainty")


@dataclass(frozen=True)
class Desk:
    """Where people's labels are kept: the study's store, and what its files name."""

    root: Path
    place: StoreSpec
    store: Store

    def samples(self) -> list[Sample]:
        return [one for name in options(self.root, "dataset") for one in self.store.papers(Sample, name)]

    def sample(self, name: str) -> Sample:
        known = {one.name: one for one in self.samples()}
        if name not in known:
            hint = did_you_mean(name, known) if known else "Draw one: buttermilk label sample FLOW"
            raise ConfigError(f"there is no sample '{name}'.", hint=hint)
        return known[name]

    def openings(self, dataset: str) -> dict[str, Opening]:
        return {one.sample: one for one in self.store.papers(Opening, dataset)}

    def dataset(self, spec: DatasetSpec) -> Dataset:
        return ingest(spec, self.store, self.place, self.root)

    def records(self, fingerprint: str, only: Collection[str] | None = None) -> Iterator[Record]:
        for refs in self.store.refs(fingerprint):
            wanted = [ref.record_hash for ref in refs if only is None or ref.record_id in only]
            yield from self.store.records(wanted).values()

    def flow(self, name: str | None) -> Composed:
        """The flow of that name, else the study's only one."""
        known = own_flows(self.root)
        if name is None and len(known) != 1:
            raise ConfigError("this study has several flows.", hint=f"Name one. {did_you_mean('', known)}")
        return compose(self.root, name or known[0])


@contextmanager
def desk(root: Path | None = None) -> Iterator[Desk]:
    root = root or find_root(Path.cwd())
    place = compose_store(root)
    with closing(open_store(place, root)) as store:
        yield Desk(root, place, store)


def book_of(sample: Sample) -> Codebook:
    """What people are asked, as it was when the sample was drawn."""
    name, _, version = sample.codebook.partition("@")
    return Codebook(name=name, version=version, questions=sample.questions)


# ---- drawing


@dataclass(frozen=True)
class Design:
    """How records are drawn, and who labels them. `how` is random, or stratified where `by` is said."""

    size: int = 100
    how: str = ""
    by: str = ""
    question: str | None = None
    equal: bool = False
    coders: Sequence[str] = ()
    double: float = 0.0
    dev: float = 0.3

    @property
    def method(self) -> Any:
        return self.how or ("stratified" if self.by else "random")


def sample(
    flow: str | None = None, *, dataset: str | None = None, codebook: str | None = None, step: str | None = None,
    perspective: str | None = None, name: str | None = None, seed: int | None = None, root: Path | None = None,
    at: datetime | None = None, **design: Any,
) -> Sample:  # fmt: skip
    """Draw records for people to label, of a flow's data set, or of a data set with a codebook; and keep the draw.
    `design`: see `Design`."""
    with desk(root) as here:
        if dataset is None:
            composed = here.flow(flow)
            spec, usual = composed.dataset, composed.flows[0].seed
            book = asked_in(composed.flows[0], step, perspective)
        else:
            spec, usual = compose_dataset(here.root, dataset), 1
            book = _written(here.root, codebook, perspective)
        data, wanted, seed = here.dataset(spec), Design(**design), usual if seed is None else seed
        made = Sample(
            about=spec.name, name=_name(here, spec.name, name), dataset_fingerprint=data.fingerprint,
            codebook=f"{book.name}@{book.version}", codebook_hash=book.hash, questions=book.questions,
            how=wanted.method, by=wanted.by, seed=seed, population=data.records,
            draws=_draws(here, data, wanted, seed), drawn_at=at or now(),
        )  # fmt: skip
        here.store.file([made])
        return made


def _draws(here: Desk, data: Dataset, wanted: Design, seed: int) -> tuple[Draw, ...]:
    _check(wanted, data.records)
    known = [ref.record_id for refs in here.store.refs(data.fingerprint) for ref in refs]
    if wanted.method == "uncertainty":
        drawn = weighted(weights_of(here.store, data, known, wanted.by, wanted.question), wanted.size, seed)
    else:
        records = here.records(data.fingerprint)
        strata = {"": known}
        if wanted.method == "stratified":
            strata = strata_of(here.store, data, records, wanted.by, wanted.question)
        if len(strata) > wanted.size:
            said = f"{wanted.by} makes {len(strata)} strata, of which {wanted.size} records cannot be drawn."
            raise ConfigError(said, hint="Draw more, or choose a column with fewer values.")
        drawn = stratified(strata, wanted.size, seed, equal=wanted.equal)
    return dealt(drawn, seed, dev=wanted.dev, coders=wanted.coders, double=wanted.double)


def _check(wanted: Design, records: int) -> None:
    if not 1 <= wanted.size <= records:
        raise ConfigError(f"{wanted.size} records cannot be drawn of {records}.", hint="Choose another --size.")
    for name, share in (("--dev", wanted.dev), ("--double", wanted.double)):
        if not 0 <= share <= 1:
            raise ConfigError(f"{name} is a share, from 0 to 1, not {share:g}.")
    if wanted.double and len(wanted.coders) < 2:
        raise ConfigError("double coding needs two coders.", hint="Name them: --coders ana,ben")
    if len(set(wanted.coders)) < len(wanted.coders):
        raise ConfigError("a coder is named twice.", hint="Give each another name.")


def _name(here: Desk, dataset: str, name: str | None) -> str:
    taken = {one.name for one in here.samples()}
    if name is None:
        return next(one for number in range(1, len(taken) + 2) if (one := f"{dataset}-{number}") not in taken)
    if not NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is no name for a sample.", hint="Letters, digits, _ and - are: gold-1")
    if name in taken:
        hint = "A sample stays as it was drawn. To draw more, choose another name, a larger --size and the same --seed."
        raise ConfigError(f"there is a sample '{name}' already.", hint=hint)
    return name


def asked_in(flow: Flow, step: str | None, perspective: str | None) -> Codebook:
    """What a step asks, where it is answered by labels or numbers: of the named step, else of the first such."""
    steps = {one.name: one for one in flow.steps}
    if step is not None and step not in steps:
        raise ConfigError(f"flow '{flow.name}' has no step '{step}'.", hint=did_you_mean(step, steps))
    fit = [one for one in steps.values() if step in (None, one.name) and one.codebook.coded]
    if not fit:
        raise ConfigError(f"flow '{flow.name}' asks nothing that is answered by a label or a number.")
    lenses = {one.name: one for one in fit[0].perspectives}
    if perspective is not None and perspective not in lenses:
        raise ConfigError(f"step '{fit[0].name}' has no perspective '{perspective}'.", hint=did_you_mean("", lenses))
    return _from(fit[0].codebook, lenses, perspective)


def _written(root: Path, codebook: str | None, perspective: str | None) -> Codebook:
    if codebook is None:
        raise ConfigError("a data set asks nothing.", hint="Say what is to be answered: --codebook NAME")
    lenses = {perspective: load_perspective(perspective, folders(root, "criteria"))} if perspective else {}
    return _from(load_codebook(codebook, folders(root, "codebooks")), lenses, perspective)


def _from(book: Codebook, lenses: Mapping[str, Perspective], chosen: str | None) -> Codebook:
    """Criterion by criterion, where it is asked so: and then of one perspective, or nobody knows whose criterion."""
    asked = {book.of(lens).hash: book.of(lens) for lens in lenses.values()}
    if chosen is None and len(asked) > 1:
        hint = f"Say whose criteria people are to judge by: --perspective {next(iter(lenses))}"
        raise ConfigError(f"'{book.name}' is asked criterion by criterion, of several perspectives.", hint=hint)
    return book.of(lenses[chosen]) if chosen else next(iter(asked.values()), book)


# ---- sending out


def export(
    name: str, target: Path, *, coder: str = "", kind: str = "", root: Path | None = None
) -> list[tuple[Sheet, Path]]:
    """Write a blind sheet, or one for each coder: `sheet.xlsx` becomes `sheet-ana.xlsx` and `sheet-ben.xlsx`."""
    with desk(root) as here:
        drawn = here.sample(name)
        plug = sheets_of(target, kind)
        named = sorted({one for draw in drawn.draws for one in draw.coders})
        wanted = [coder] if coder or not named else named
        places = [target if one == coder else target.with_name(f"{target.stem}-{one}{target.suffix}") for one in wanted]
        written = [(sheet_for(here, drawn, one), place) for one, place in zip(wanted, places, strict=True)]
        for sheet, place in written:
            plug.write(sheet, place)
        return written


def sheets_of(target: Path, kind: str = "") -> Sheets:
    """The plug of that name, else of the file's ending."""
    word = kind or target.suffix.lstrip(".").lower()
    if word not in names("sheets"):
        hint = f"Say --format, one of: {', '.join(names('sheets'))}"
        raise ConfigError(f"'{target.name}' does not say which format is meant.", hint=hint)
    plug: Sheets = find("sheets", word)()
    return plug


def sheet_for(here: Desk, drawn: Sample, coder: str) -> Sheet:
    """The records that are this coder's; all of them for one whom nobody gave any. In an order of the coder's own."""
    theirs = {draw.record_id for draw in drawn.draws if coder in draw.coders}
    theirs = theirs or {draw.record_id for draw in drawn.draws}
    book, sent = book_of(drawn), sorted(compose_dataset(here.root, drawn.about).sent)
    asked = {"text", "note", "coder", "sample", "record_id", *(leaf.name for leaf in book.leaves)}
    found: dict[str, Card] = {}
    for record in here.records(drawn.dataset_fingerprint, theirs):
        seen = {name: str(record.metadata[name]) for name in sent if record.metadata.get(name) is not None}
        columns = {f"{name} (column)" if name in asked else name: said for name, said in seen.items()}
        found[record.record_id] = Card(record.record_id, {"text": _words(record), **columns})
    order = in_random_order(found, drawn.seed, "sheet", drawn.name, coder)
    return Sheet(book, tuple(found[one] for one in order), coder, drawn.name)


def _words(record: Record) -> str:
    """All that can be read of it; a medium by its words, else by where it is."""
    said = (part.text if part.text is not None else part.alt or f"[{part.kind}: {part.path or part.url}]"
            for part in record.parts)  # fmt: skip
    return "\n\n".join(said)


# ---- opening, and how it stands


def open_(
    name: str, why: str, flow: str | None = None, *, root: Path | None = None, at: datetime | None = None
) -> tuple[Opening, bool]:
    """Open the test labels of a sample, with the hashes of what is asked now; and whether this was the first time."""
    if not why.strip():
        raise ConfigError("say why they are opened: it is printed in the report.", hint='--why "the prompts are final"')
    with desk(root) as here:
        drawn = here.sample(name)
        before = here.openings(drawn.about).get(name)
        if before:
            return before, False
        composed = here.flow(flow)
        if composed.dataset.name != drawn.about:
            said = f"sample '{name}' is of the data set '{drawn.about}', and flow '{composed.flows[0].name}' is not."
            raise ConfigError(said, hint="Name the flow whose answers these labels are to judge.")
        made = Opening(
            about=drawn.about, sample=name, flow=composed.flows[0].name, locked=parts_of(composed.flows[0]), why=why,
            by=getuser(), opened_at=at or now(),
        )  # fmt: skip
        here.store.file([made])
        return made, True


class Standing(NamedTuple):
    """How far the coding of one sample has come: `coded["ana"]` is `(records answered in full, records to answer)`."""

    sample: Sample
    coded: Mapping[str, tuple[int, int]]
    opening: Opening | None

    def as_json(self) -> dict[str, Any]:
        drawn = self.sample
        splits = Counter(draw.split for draw in drawn.draws)
        return {
            "sample": drawn.name, "dataset": drawn.about, "how": drawn.how, "by": drawn.by, "drawn": len(drawn.draws),
            "of": drawn.population, "dev": splits["dev"], "test": splits["test"],
            "double": sum(len(draw.coders) > 1 for draw in drawn.draws),
            "coders": {name: {"coded": done, "of": all_} for name, (done, all_) in self.coded.items()},
            "opened_at": self.opening.opened_at.isoformat() if self.opening else None,
        }  # fmt: skip


def status(root: Path | None = None) -> list[Standing]:
    with desk(root) as here:
        return [_standing(here, one) for one in here.samples()]


def _standing(here: Desk, drawn: Sample) -> Standing:
    """A record is coded once every question that takes a label or a number is answered; words may be left out."""
    asked = {leaf.name for leaf in book_of(drawn).coded}
    said: dict[tuple[str, str], set[str]] = {}
    for one in standing(here.store.papers(Coding, drawn.about)):
        if one.sample == drawn.name and not one.adjudicated:
            said.setdefault((one.coder, one.record_id), set()).add(one.question)
    done = Counter(coder for (coder, _), answered in said.items() if asked <= answered)
    given = Counter(coder for draw in drawn.draws for coder in draw.coders)
    coders = sorted({*given, *(coder for coder, _ in said)})
    coded = {coder: (done[coder], given[coder] or len(drawn.draws)) for coder in coders}
    return Standing(drawn, coded, here.openings(drawn.about).get(drawn.name))
