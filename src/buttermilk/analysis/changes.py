"""Whether a change of what is asked (a prompt, a rule of a style guide) changed the answers: which records, how surely.
Two sides' answers to the same records go in. A record that changed is told from one that merely wobbles by its repeats:
it differs between the sides by more than it differs within them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import fsum
from typing import NamedTuple

from buttermilk.analysis import words
from buttermilk.analysis.statistics.drift import Sides, drift
from buttermilk.analysis.statistics.estimate import Estimate, Exact, Label, Votes
from buttermilk.analysis.statistics.false_discovery import discoveries, expected
from buttermilk.analysis.statistics.fisher import fisher
from buttermilk.analysis.statistics.paired import paired
from buttermilk.analysis.statistics.rank_sum import rank_sum
from buttermilk.core.hashing import derive_seed
from buttermilk.core.tables import Table

NAMED = 0.1  # of the records that are named as changed, about so many may be there by chance (docs/design/0009)
ENOUGH = 3  # answers a side: fewer are never rare enough to name a record
TOO_FEW = (
    f"With fewer than {ENOUGH} answers a side no record that changed can be told from one that wobbles: "
    "only the whole is tested."
)
MEAN = "mean"
OF_NUMBERS = Estimate(None, note="undefined: of numbers, the mean says it")


class Answer(NamedTuple):
    """One answer to one question. `label` is None for *does not apply*; `value` is the number, if that is asked for."""

    record_id: str
    agent: str
    question: str
    repeat: int
    label: str | None
    value: float | None = None
    status: str = "answered"


class Share(NamedTuple):
    """How often a label is given on either side, each record counting once; of numbers, `mean` and their means."""

    label: str
    before: float
    after: float
    difference: Estimate


class Flip(NamedTuple):
    """A record whose answers changed: the commonest on either side (several, where they tie), or the mean; counts."""

    record_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    counts_before: Mapping[str, int]
    counts_after: Mapping[str, int]
    p: float
    adjusted: float


class Change(NamedTuple):
    """One agent, one question. Of the `flips`, the strongest first, `by_chance` may be there by chance alone. `drift`
    is over all records; `wobble` counts those that are not named and yet have not always the same answer; `unanswered`,
    on either side, what was refused, unreadable or failed; `left_out`, records that one side lacks."""

    agent: str
    question: str
    records: int
    shares: tuple[Share, ...]
    drift: Estimate
    flips: tuple[Flip, ...]
    by_chance: float
    wobble: int
    unanswered: tuple[int, int]
    left_out: int
    note: str


def changes(
    before: Iterable[Answer],
    after: Iterable[Answer],
    *,
    numbers: Collection[str] = (),
    level: float = NAMED,
    seed: int = 1,
) -> list[Change]:
    """For each agent and question that both sides have. `numbers` names the questions that are answered in numbers.
    Each record is tested by itself, by Fisher's test or, where numbers are asked for, by ranks. Those are named of
    which about `level`, on average, is chance (Benjamini and Hochberg's procedure for exact tests)."""
    first, second = _grouped(before, numbers), _grouped(after, numbers)
    return [
        _change(agent, question, first[agent, question], second[agent, question], question in numbers, level, seed)
        for agent, question in sorted(first.keys() & second.keys())
    ]


@dataclass
class Side:
    """All that one agent answered to one question, by record."""

    votes: dict[str, Votes] = field(default_factory=dict)
    unanswered: int = 0


def _grouped(answers: Iterable[Answer], numbers: Collection[str]) -> dict[tuple[str, str], Side]:
    found: defaultdict[tuple[str, str], Side] = defaultdict(Side)
    for one in answers:
        side = found[one.agent, one.question]
        label: Label = one.value if one.question in numbers else one.label
        if one.status != "answered" or (label is None and one.question in numbers):
            side.unanswered += 1
        else:
            side.votes[one.record_id] = (*side.votes.get(one.record_id, ()), label)
    return found


def _change(agent: str, question: str, one: Side, two: Side, measured: bool, level: float, seed: int) -> Change:
    both = sorted(one.votes.keys() & two.votes.keys())
    units = {record_id: (one.votes[record_id], two.votes[record_id]) for record_id in both}
    drawn = derive_seed(seed, "changes", agent, question)
    flips, by_chance, note = _flips(units, measured, level)
    differing = sum(len({*before, *after}) > 1 for before, after in units.values())
    cells = [[sides] for sides in units.values()]
    return Change(
        agent, question, len(units), tuple(shares(cells, measured, drawn)),
        OF_NUMBERS if measured else drift(cells, seed=drawn), tuple(flips), by_chance, differing - len(flips),
        (one.unanswered, two.unanswered), len(one.votes.keys() ^ two.votes.keys()), note,
    )  # fmt: skip


# ---- over all records


def shares(records: Sequence[Sequence[Sides]], measured: bool, seed: int) -> Iterator[Share]:
    """Of each label that was given, or of the mean. A record has a cell or several (agents, perspectives), which count
    alike."""
    if measured and records:
        yield _share(MEAN, records, _mean, seed)
        return
    given = {label for cells in records for sides in cells for votes in sides for label in votes}
    for label in sorted(given, key=words.label):
        yield _share(words.label(label), records, partial(_share_of, label), seed)


def _share_of(label: Label, votes: Votes) -> float:
    return votes.count(label) / len(votes)


def _number(label: Label) -> float:
    return float(label or 0)


def _share(name: str, records: Sequence[Sequence[Sides]], number: Callable[[Votes], float], seed: int) -> Share:
    means = {votes: number(votes) for cells in records for sides in cells for votes in sides}
    units = [tuple([means[sides[side]] for sides in cells] for side in (0, 1)) for cells in records]
    before, after = (fsum(fsum(unit[side]) / len(unit[side]) for unit in units) / len(units) for side in (0, 1))
    difference = paired(((unit[0], unit[1]) for unit in units), seed=derive_seed(seed, name))
    return Share(name, before, after, difference)


# ---- record by record


def _flips(units: Mapping[str, Sides], measured: bool, level: float) -> tuple[list[Flip], float, str]:
    tests = {
        record_id: differs(votes, measured) for record_id, votes in units.items() if min(map(len, votes)) >= ENOUGH
    }
    adjusted = dict(zip(tests, discoveries(list(tests.values())), strict=True))
    named = [record_id for record_id in tests if adjusted[record_id] <= level]
    named.sort(key=lambda record_id: (tests[record_id].p, -apart(units[record_id], measured), record_id))
    flips = [_flip(one, units[one], measured, tests[one].p, adjusted[one]) for one in named]
    by_chance = expected(Counter(test.attainable for test in tests.values()), flips[-1].p, len(flips)) if flips else 0.0
    few = len(units) - len(tests)
    if few == len(units):
        return flips, by_chance, TOO_FEW
    note = f"{words.plural(few, 'record')} with fewer than {ENOUGH} answers a side could not be tested." if few else ""
    return flips, by_chance, note


def differs(votes: Sides, measured: bool) -> Exact:
    """One record's, or one cell's, two sides."""
    if measured:
        return rank_sum(*(list(map(_number, side)) for side in votes))
    before, after = map(Counter, votes)
    labels = before | after
    return fisher([before[label] for label in labels], [after[label] for label in labels])


def apart(votes: Sides, measured: bool) -> float:
    if measured:
        return abs(_mean(votes[0]) - _mean(votes[1]))
    return max(abs(votes[0].count(label) / len(votes[0]) - votes[1].count(label) / len(votes[1])) for label in votes[0])


def _mean(side: Votes) -> float:
    return fsum(map(_number, side)) / len(side)


def _flip(record_id: str, votes: Sides, measured: bool, p: float, adjusted: float) -> Flip:
    counts = [Counter(sorted(map(words.label, side))) for side in votes]
    shown = [(words.measure(_mean(side)),) for side in votes] if measured else list(map(_commonest, counts))
    return Flip(record_id, shown[0], shown[1], counts[0], counts[1], p, adjusted)


def _commonest(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(label for label, times in counts.items() if times == max(counts.values()))


# ---- to be shown


def sentences(change: Change) -> list[str]:
    """`claude, harmful: judgement changed for 7 of 200 records beyond chance (expected by chance alone: 1.2); …`"""
    of = f"{change.agent}, {change.question}"
    if not change.records:
        return [f"{of}: no record was answered on both sides."]
    said = []
    if change.note != TOO_FEW:
        by_chance = f" (expected by chance alone: {change.by_chance:.1f})" if change.flips else ""
        said.append(
            f"{of}: judgement changed for {words.count(len(change.flips))} of {words.plural(change.records, 'record')} "
            f"beyond chance{by_chance}; {words.count(change.wobble)} more wobble."
        )
    said += [change.note] if change.note else []
    said.append(f"{of}: over all records, {_drift(change.drift)}.")
    said += [f"{of}: {_moved(share)}." for share in change.shares]
    if any(change.unanswered):
        said.append(f"{of}: {change.unanswered[0]} answers are missing before, {change.unanswered[1]} after.")
    if change.left_out:
        said.append(f"{of}: {words.plural(change.left_out, 'record')} on one side only are left out.")
    return said


def _drift(drift: Estimate) -> str:
    if drift.value is None or drift.test is None:
        return f"drift is {drift.note}"
    chance = words.chance(drift.test.p)
    if drift.value <= 0:
        return f"two answers differ no more often between the sides than within one ({chance})"
    by = f"by {100 * drift.value:.1f} percentage points"
    return f"two answers differ more often between the sides than within one, {by} ({chance})"


def _moved(share: Share) -> str:
    found = share.difference
    test = f", {words.chance(found.test.p)}" if found.test else ""
    if share.label == MEAN:
        numbers = f"{words.measure(share.after)} in place of {words.measure(share.before)}"
        return f"the mean is {numbers}, by {words.corrected(found)}{test}"
    return (
        f"'{share.label}' is {words.percent(share.after)} of answers in place of {words.percent(share.before)}, "
        f"by {words.share(found).replace('-', '−')}{test}"
    )


def flips_table(found: Iterable[Change]) -> Table:
    rows = (
        (
            one.agent, one.question, flip.record_id, " / ".join(flip.before), " / ".join(flip.after),
            counted(flip.counts_before), counted(flip.counts_after), flip.p, flip.adjusted,
        )
        for one in found
        for flip in one.flips
    )  # fmt: skip
    titles = ("agent", "question", "record_id", "before", "after", "counts_before", "counts_after", "p")
    return Table((*titles, "false_discovery_rate"), rows)


def counted(counts: Mapping[str, int]) -> str:
    """`no ×4, yes ×1`"""
    return ", ".join(f"{label} ×{times}" for label, times in counts.items())
