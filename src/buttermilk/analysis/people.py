"""What people said of a data set's records: which labels stand and may be looked at, and how they came about."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from buttermilk.core.contracts import Store
from buttermilk.core.jobs import Run
from buttermilk.core.people import Coding, Draw, Opening, Sample, Split
from buttermilk.core.records import HumanLabel

Said = HumanLabel | Coding


class People(NamedTuple):
    """`drawn` has the records of one sample, `used` (record id -> draw): that of which most labels may be looked at.
    What was labelled and is not in it, was labelled with a probability that is not known. While the sample's test
    labels are sealed, `drawn` has the records of its dev part alone, with the probability of being drawn into that.
    `sealed` counts test labels that nobody opened. `codings` are those that stand and may be looked at; each says of
    which sample it is. `changed` are drawn records that are not as they were when they were drawn."""

    samples: tuple[Sample, ...] = ()
    drawn: Mapping[str, Draw] = {}
    openings: tuple[Opening, ...] = ()
    sealed: int = 0
    used: str = ""
    codings: tuple[Coding, ...] = ()
    changed: frozenset[str] = frozenset()

    def sample(self, name: str) -> Sample | None:
        return next((one for one in self.samples if one.name == name), None)

    @property
    def opened(self) -> frozenset[str]:
        return frozenset(one.sample for one in self.openings)


def people(store: Store, run: Run, labels: Mapping[str, Collection[Said]] | None = None) -> People:
    """Of a run's data set; `labels` by record, where they have been read already."""
    samples, openings = tuple(store.papers(Sample, run.dataset)), tuple(store.papers(Opening, run.dataset))
    codings, sealed = visible(store.papers(Coding, run.dataset), samples, openings)
    found = People(samples, {}, openings, sealed, "", codings)
    labelled = {one.record_id for one in codings} | set(labels or ())
    used = max(samples, key=lambda one: (_usable(found, one, labelled), one.drawn_at), default=None)
    if used is None:
        return found
    drawn = used.draws if used.name in found.opened else of_split(used, "dev")
    changed = _changed(store, used, run.dataset_fingerprint)
    return found._replace(drawn={one.record_id: one for one in drawn}, used=used.name, changed=changed)


def _usable(found: People, sample: Sample, labelled: Collection[str]) -> int:
    opened = sample.name in found.opened
    return sum(draw.record_id in labelled for draw in sample.draws if opened or draw.split == "dev")


def of_split(sample: Sample, split: Split) -> list[Draw]:
    """The records of one part of a sample, with the probability of being drawn into that part: π_i times the part's
    share of what was drawn in its stratum."""
    drawn = Counter(draw.stratum for draw in sample.draws)
    part = [draw for draw in sample.draws if draw.split == split]
    here = Counter(draw.stratum for draw in part)
    return [draw.model_copy(update={"prob": draw.prob * here[draw.stratum] / drawn[draw.stratum]}) for draw in part]


class Stratum(NamedTuple):
    """`prob` is one number, or the least and the greatest: `0.1112 to 0.2502`."""

    name: str
    records: int
    drawn: tuple[Draw, ...]
    prob: str

    def count(self, split: Split) -> int:
        return sum(draw.split == split for draw in self.drawn)


def strata(sample: Sample) -> list[Stratum]:
    """In their order; of a weighted sample the whole."""
    found = []
    for name in dict.fromkeys(draw.stratum for draw in sample.draws):
        here = tuple(draw for draw in sample.draws if draw.stratum == name)
        low, high = min(draw.prob for draw in here), max(draw.prob for draw in here)
        size = sample.population if sample.how == "uncertainty" else round(len(here) / low)
        found.append(Stratum(name or "all", size, here, f"{low:.4f}" if low == high else f"{low:.4f} to {high:.4f}"))
    return found


def standing(codings: Iterable[Coding]) -> list[Coding]:
    """The latest of each coder's answers to the same question about the same record; of equally late ones the one that
    was kept last. What somebody settles is apart from what they said as a coder, and whoever settles it last does."""
    latest: dict[tuple[str, str, str, bool], Coding] = {}
    for one in codings:
        key = (one.record_id, one.question, "" if one.adjudicated else one.coder, one.adjudicated)
        if key not in latest or one.coded_at >= latest[key].coded_at:
            latest[key] = one
    return list(latest.values())


def visible(
    codings: Iterable[Coding], samples: Iterable[Sample], openings: Iterable[Opening]
) -> tuple[tuple[Coding, ...], int]:
    """Those that stand and may be looked at, in an order that content alone decides; and how many are sealed. A label
    of a sample is sealed while it is of the test part and nobody has opened that. One that came without a sample is
    sealed where its record is in the test part of one, and in that of none which is open."""
    opened = {one.sample for one in openings}
    tests = {one.name: {draw.record_id for draw in one.draws if draw.split == "test"} for one in samples}
    free = {record_id for name in opened for record_id in tests.get(name, ())}
    shut = {record_id for name, ids in tests.items() if name not in opened for record_id in ids} - free

    def sealed(one: Coding) -> bool:
        if one.sample in tests:
            return one.sample not in opened and one.record_id in tests[one.sample]
        return one.record_id in shut

    stand = sorted(standing(codings), key=lambda one: (not one.adjudicated, one.record_id, one.question, one.coder))
    seen = tuple(one for one in stand if not sealed(one))
    return seen, len(stand) - len(seen)


def with_codings(
    labels: Mapping[str, tuple[HumanLabel, ...]], codings: Iterable[Coding]
) -> dict[str, tuple[Said, ...]]:
    """What was settled first, then what coders said, then what came with the data, unless that coder has said more."""
    found: dict[str, list[Said]] = {}
    for one in codings:
        found.setdefault(one.record_id, []).append(one)
    for record_id, given in labels.items():
        said = found.setdefault(record_id, [])
        newer = {(one.question, one.coder) for one in said}
        said += [label for label in given if (label.question, label.coder) not in newer]
    return {record_id: tuple(said) for record_id, said in found.items()}


def is_settled(one: Said) -> bool:
    return isinstance(one, Coding) and one.adjudicated


def _changed(store: Store, sample: Sample, now: str) -> frozenset[str]:
    """Drawn records whose words, or columns that may be seen, are others in the data set as it was asked about."""
    if sample.dataset_fingerprint == now:
        return frozenset()
    before, after = (
        {ref.record_id: ref.seen_hash for chunk in store.refs(source) for ref in chunk}
        for source in (sample.dataset_fingerprint, now)
    )
    there = (draw.record_id for draw in sample.draws if draw.record_id in after)
    return frozenset(one for one in there if before.get(one) != after[one])
