"""`label`, the way back: people's labels are taken in, compared, settled where coders disagree, and given by keyboard.

Nothing of a file is kept unless all of it is right; a label that changes later is kept beside the first, and stands.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from getpass import getuser
from itertools import combinations
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from buttermilk.analysis.compare import Agreement, Scale
from buttermilk.analysis.frame import as_text, expected_of
from buttermilk.analysis.people import standing, visible, with_codings
from buttermilk.analysis.statistics.agreement import agreement
from buttermilk.analysis.statistics.estimate import Estimate, Label
from buttermilk.analysis.tally import Asked
from buttermilk.config import compose_dataset
from buttermilk.core.errors import ButtermilkError, ConfigError, DataError, did_you_mean
from buttermilk.core.flows import Codebook, Question
from buttermilk.core.hashing import derive_seed
from buttermilk.core.people import Coding, Opening, Sample
from buttermilk.core.questions import IN_WORDS
from buttermilk.core.sheets import DOES_NOT_APPLY, Card, Told
from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar, is_number
from buttermilk.documents import read_text
from buttermilk.plugins import find
from buttermilk.study.labelling import Desk, asked_in, book_of, desk, sheet_for, sheets_of
from buttermilk.study.running import now

SHOWN = 5
ANSWER = "adjudicated"


class Taken(NamedTuple):
    """What became of a file: labels that are new, that take the place of an earlier one, that were there; and what is
    wrong with the rest."""

    new: int = 0
    changed: int = 0
    same: int = 0
    wrong: tuple[str, ...] = ()


# ---- taking labels in


def import_(
    file: Path, *, sample: str | None = None, flow: str | None = None, coders: Sequence[str] = (), kind: str = "",
    skip: bool = False, root: Path | None = None, at: datetime | None = None,
) -> Taken:  # fmt: skip
    """Keep the labels of a file. `coders`: `("ana",)`, or `("17=ana", "21=ben")` where the file has other names.

    Labels of no sample are kept as well, as of unknown probability. `skip`: what is wrong is left out, not all.
    """
    with desk(root) as here:
        known = {one.name: one for one in here.samples()}
        drawn = here.sample(sample) if sample else _only(known.values(), flow)
        if drawn:
            book, dataset = book_of(drawn), drawn.about
        else:
            composed = here.flow(flow)
            book, dataset = asked_in(composed.flows[0], None, None), composed.dataset.name
        plug = sheets_of(file, kind or _kind_of(file))
        renamed = {theirs: ours for theirs, _, ours in (one.rpartition("=") for one in coders)}
        taking = _Taking(book, dataset, known, sample, renamed, file.name, at or now())
        of = here.dataset(compose_dataset(here.root, dataset)).fingerprint
        taking.records = {ref.record_id for chunk in here.store.refs(of) for ref in chunk}
        return taking.keep(here, list(plug.read(file, book)), skip=skip)


def _only(samples: Iterable[Sample], flow: str | None) -> Sample | None:
    """Any of the samples, if all ask the same of one data set: which one a label is of, its row says."""
    found = {(one.about, one.codebook_hash): one for one in samples} if flow is None else {}
    if len(found) > 1:
        raise ConfigError("there are samples of several data sets or codebooks.", hint="Name one: --sample NAME")
    return next(iter(found.values()), None)


def _kind_of(file: Path) -> str:
    """Which tool a JSON file is of, by what its records have."""
    if file.suffix.lower() != ".json":
        return ""
    try:
        first: object = next(iter(json.loads(read_text(file))), {})
    except (ValueError, TypeError):
        return "label-studio"  # it says what is wrong
    return "argilla" if isinstance(first, Mapping) and "annotations" not in first else "label-studio"


@dataclass
class _Taking:
    """One file on its way in. `renamed`: `{"17": "ana"}`; under the empty name the one who gave all labels of it."""

    book: Codebook
    dataset: str
    samples: Mapping[str, Sample]
    sample: str | None
    renamed: Mapping[str, str]
    source: str
    at: datetime
    adjudicated: bool = False
    records: set[str] = field(default_factory=set)

    def keep(self, here: Desk, told: Sequence[Told], *, skip: bool) -> Taken:
        found: dict[tuple[str, str, str], Coding] = {}
        wrong: list[ButtermilkError] = []
        for one in told:
            try:
                made = self.coding(one)
                key = (made.record_id, made.question, made.coder)
                if key in found and found[key].value != made.value and found[key].coded_at == made.coded_at:
                    raise self._wrong(one, f"{made.coder} answers '{made.question}' of '{made.record_id}' twice.")
                found[key] = made if key not in found or made.coded_at >= found[key].coded_at else found[key]
            except DataError as error:
                wrong.append(error)
        if wrong and not skip:
            raise self._all_wrong(wrong, len(told))
        # Sealed or not: they are held against what comes, and shown to nobody.
        stand = [
            one for one in standing(here.store.papers(Coding, self.dataset)) if one.adjudicated == self.adjudicated
        ]
        before = {(one.record_id, one.question, one.coder): one for one in stand}
        fresh = [one for key, one in found.items() if key not in before or _moves(before[key], one)]
        here.store.file(fresh)
        new = sum((one.record_id, one.question, one.coder) not in before for one in fresh)
        return Taken(new, len(fresh) - new, len(found) - len(fresh), tuple(map(str, wrong)))

    @cached_property
    def leaves(self) -> Mapping[str, Question]:
        return {leaf.name: leaf for leaf in self.book.leaves}

    @cached_property
    def drawn(self) -> Mapping[str, Collection[str]]:
        return {name: {draw.record_id for draw in one.draws} for name, one in self.samples.items()}

    def coding(self, told: Told) -> Coding:
        """What a row says, if it is an answer of this codebook about a record of this data set."""
        if told.wrong:
            raise self._wrong(told, told.wrong)
        record_id = told.record_id if told.record_id in self.records else told.record_id.removeprefix("'")
        if record_id not in self.records:
            near = get_close_matches(told.record_id, self.records, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else ""
            raise self._wrong(told, f"data set '{self.dataset}' has no record '{told.record_id}'.", hint)
        if told.question not in self.leaves:
            raise self._wrong(told, f"'{told.question}' is no question.", did_you_mean(told.question, self.leaves))
        sample = self._sample(told, record_id)
        try:
            value = value_of(self.leaves[told.question], told.value)
        except DataError as error:
            raise self._wrong(told, error.message, error.hint) from error
        return Coding(
            about=self.dataset, record_id=record_id, question=told.question, value=value, coder=self._coder(told),
            sample=sample, blind=told.blind and bool(sample) and not self.adjudicated, adjudicated=self.adjudicated,
            note=told.note, source=self.source, coded_at=told.at or self.at,
        )  # fmt: skip

    def _sample(self, told: Told, record_id: str) -> str:
        name = self.sample or told.sample
        if told.sample and told.sample != name:
            raise self._wrong(told, f"this row is of the sample '{told.sample}', not of '{name}'.")
        if name and name not in self.samples:
            raise self._wrong(told, f"there is no sample '{name}'.", did_you_mean(name, self.samples))
        if name and record_id not in self.drawn[name]:
            raise self._wrong(told, f"record '{record_id}' was not drawn into the sample '{name}'.")
        return name

    def _coder(self, told: Told) -> str:
        one, coder = self.renamed.get("", ""), self.renamed.get(told.coder, told.coder)
        if one and told.coder not in ("", one) and told.coder not in self.renamed:
            hint = f"Say who is who: --coder {told.coder}={one}"
            raise self._wrong(told, f"this is a label of '{told.coder}', not of '{one}'.", hint)
        if not (coder or one):
            raise self._wrong(told, "nobody is named who gave this label.", "Say who: --coder NAME")
        return coder or one

    def _all_wrong(self, wrong: Sequence[ButtermilkError], count: int) -> DataError:
        shown = [line for one in wrong[:SHOWN] for line in str(one).splitlines()]
        more = [f"… and {len(wrong) - SHOWN} more."] if len(wrong) > SHOWN else []
        mend = "Mend them and try again." if self.adjudicated else "Mend them, or take in the others alone: --skip"
        said = "1 label is wrong" if len(wrong) == 1 else f"{len(wrong)} labels are wrong"
        hint = "\n".join([*shown, *more, mend])
        return DataError(f"{said} (of {count}); none was kept.", where=self.source, hint=hint)

    def _wrong(self, told: Told, said: str, hint: str = "") -> DataError:
        where = f"{told.where}, {told.column}" if told.column else told.where
        return DataError(said, where=where, hint=hint)


def value_of(leaf: Question, said: Any) -> Scalar:
    """An answer in the form in which it is kept: label sets are closed, numbers keep to their ends."""
    text = (as_text(said) or "" if isinstance(said, Scalar) else str(said)).strip()
    if leaf.optional and text == DOES_NOT_APPLY and text not in leaf.label_names:
        return None
    if leaf.labels:
        if text not in leaf.label_names:
            known = [*leaf.label_names, *([DOES_NOT_APPLY] if leaf.optional else [])]
            raise DataError(f"'{text}' is no label of '{leaf.name}'.", hint=did_you_mean(text, known))
        return text
    if leaf.level in IN_WORDS:
        return text
    try:
        number = float(said if is_number(said) else text)
    except ValueError:
        raise DataError(f"'{text}' is no number, and '{leaf.name}' is answered by one.") from None
    low, high = leaf.minimum, leaf.maximum
    if not isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
        ends = "".join(f" {word} {edge:g}" for word, edge in (("from", low), ("to", high)) if edge is not None)
        raise DataError(f"'{text}' is out of range: '{leaf.name}' is answered by a number{ends}.")
    return int(number) if number.is_integer() else number


def _moves(stands: Coding, one: Coding) -> bool:
    """Whether it says something else, and is not older."""
    same = (one.value, one.note, one.sample) == (stands.value, stands.note, stands.sample)
    return not same and one.coded_at >= stands.coded_at


# ---- comparing and settling


class Agreed(NamedTuple):
    """How coders agree on one question. `divided`: record -> what each of them said, where nobody has settled it."""

    question: Question
    whole: Agreement
    pairs: tuple[tuple[str, str, Estimate], ...]
    divided: Mapping[str, Mapping[str, Label]]


def agree(name: str | None = None, *, root: Path | None = None) -> tuple[list[Agreed], int]:
    """Of one sample, or of all that people said of the data set; and how many labels are sealed, hence not compared."""
    with desk(root) as here:
        drawn = here.sample(name) if name else _only(here.samples(), None)
        if drawn is None:
            raise ConfigError("there is no sample yet.", hint="Draw one: buttermilk label sample FLOW")
        codings, sealed = _of(here, drawn, whole=name is None)
        labels = {} if name else {one.record_id: one.labels for one in here.records(drawn.dataset_fingerprint)}
        said = with_codings(labels, codings)
        return [_agreed(leaf, *expected_of(leaf, said), drawn.seed) for leaf in book_of(drawn).coded], sealed


def _of(here: Desk, drawn: Sample, *, whole: bool = False) -> tuple[list[Coding], int]:
    """The labels of a sample, or of its data set, that may be looked at; and how many may not."""
    papers = [one for one in here.store.papers(Coding, drawn.about) if whole or one.sample == drawn.name]
    seen, sealed = visible(papers, here.store.papers(Sample, drawn.about), here.store.papers(Opening, drawn.about))
    return list(seen), sealed


def _agreed(leaf: Question, expected: dict[str, dict[str, Label]], settled: dict[str, Label], seed: int) -> Agreed:
    asked = Asked("", leaf, "", expected=expected, settled=settled)
    coders = sorted({coder for given in expected.values() for coder in given})
    both = [[(given[one],) for one in coders if one in given] for given in expected.values()]
    whole = Scale.of(asked, derive_seed(seed, "coders", leaf.name)).compare("people", "human coders", both)
    pairs = []
    for one, two in combinations(coders, 2):
        same = agreement([(given[one],), (given[two],)] for given in expected.values() if {one, two} <= given.keys())
        pairs += [(one, two, same)] if same.n else []
    return Agreed(leaf, whole, tuple(pairs), {one: expected[one] for one in asked.unsettled})


def adjudicate(name: str, target: Path, *, root: Path | None = None) -> int:
    """Write what coders disagree on, a row each, without their names and each time in another order."""
    with desk(root) as here:
        drawn = here.sample(name)
        said = with_codings({}, _of(here, drawn)[0])
        cards = {card.record_id: card.shown["text"] for card in sheet_for(here, drawn, "").cards}
        divided = [
            (leaf, record, [as_text(value) or DOES_NOT_APPLY for value in given.values()])
            for leaf in book_of(drawn).coded
            for record, given in _agreed(leaf, *expected_of(leaf, said), drawn.seed).divided.items()
        ]
        most = max((len(given) for _, _, given in divided), default=2)
        numbered = (f"coder {n}" for n in range(1, most + 1))
        titles = ("record_id", "text", "question", "labels", *numbered, ANSWER, "note")
        rows = []
        for leaf, record, given in divided:
            Random(derive_seed(drawn.seed, "adjudicate", leaf.name, record)).shuffle(given)  # noqa: S311 - to be repeated
            labels = " | ".join([*leaf.label_names, *([DOES_NOT_APPLY] if leaf.optional else [])])
            rows.append((record, cards[record], leaf.name, labels, *given, *[None] * (most - len(given)), None, None))
        sheets_of(target)  # or it could not be taken back
        written: int = find("exports", target.suffix.lstrip(".").lower())().write(Table(titles, rows), target)
        return written


def settle(name: str, file: Path, *, coder: str = "", root: Path | None = None, at: datetime | None = None) -> Taken:
    """Take the sheet back: what stands under *adjudicated* is the reference label from now on."""
    with desk(root) as here:
        drawn = here.sample(name)
        book = book_of(drawn)
        who = {"": coder or getuser()}
        taking = _Taking(book, drawn.about, {name: drawn}, name, who, file.name, at or now(), adjudicated=True)
        taking.records = {draw.record_id for draw in drawn.draws}
        return taking.keep(here, list(sheets_of(file).read(file, book)), skip=False)


# ---- by keyboard


@dataclass
class Session:
    """One coder, one question at a time: `at` is the place among all records and questions."""

    desk: Desk
    sample: Sample
    coder: str
    cards: tuple[Card, ...]
    leaves: tuple[Question, ...]
    said: dict[tuple[str, str], Scalar]
    at: int = 0

    @property
    def all(self) -> int:
        return len(self.cards) * len(self.leaves)

    @property
    def now(self) -> tuple[Card, Question] | None:
        """What is to be answered; what was answered before is passed over. None at the end."""
        while self.at < self.all:
            card, leaf = self.place()
            if (card.record_id, leaf.name) not in self.said:
                return card, leaf
            self.at += 1
        return None

    def answer(self, given: str, at: datetime | None = None) -> None:
        """Kept at once. Raises DataError where it is no answer."""
        assert self.now is not None  # noqa: S101  (whoever answers was asked)
        card, leaf = self.now
        value = value_of(leaf, given)
        made = Coding(about=self.sample.about, record_id=card.record_id, question=leaf.name, value=value,
                      coder=self.coder, sample=self.sample.name, source="keyboard", coded_at=at or now())  # fmt: skip
        self.desk.store.file([made])
        self.said[card.record_id, leaf.name] = value
        self.at += 1

    @property
    def left(self) -> int:
        return self.all - sum((card.record_id, leaf.name) in self.said for card in self.cards for leaf in self.leaves)

    def place(self) -> tuple[Card, Question]:
        return self.cards[self.at // len(self.leaves)], self.leaves[self.at % len(self.leaves)]

    def skip(self) -> None:
        self.at += 1

    def back(self) -> None:
        """To the question before, which is asked again; another answer takes the place of the first."""
        self.at = max(0, self.at - 1)
        card, leaf = self.place()
        self.said.pop((card.record_id, leaf.name), None)


def session(here: Desk, name: str, coder: str) -> Session:
    """Where the coder stopped. What the coder said in a file counts too."""
    drawn = here.sample(name)
    sheet = sheet_for(here, drawn, coder)
    stand = standing(here.store.papers(Coding, drawn.about))
    said = {(one.record_id, one.question): one.value for one in stand if one.coder == coder and not one.adjudicated}
    return Session(here, drawn, coder, sheet.cards, sheet.codebook.leaves, said)
