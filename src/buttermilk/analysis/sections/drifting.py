"""The part of a report that looks back: whether answers to the same records drifted from wave to wave."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import fsum

from buttermilk.analysis import charts_change, words
from buttermilk.analysis.charts_change import Moment
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Figure, Grid, Section, Text, grid
from buttermilk.analysis.sections.findings import compared, slug, title_of
from buttermilk.analysis.statistics.bootstrap import interval_of_mean
from buttermilk.analysis.statistics.drift import Scale, Sides, drift, scale_of
from buttermilk.analysis.statistics.estimate import Estimate, Label, Votes
from buttermilk.analysis.statistics.holm import holm
from buttermilk.analysis.tally import Asked, Tally
from buttermilk.core.anchor import anchors
from buttermilk.core.hashing import canonical, derive_seed
from buttermilk.core.registering import parts_of

ALL = "all agents"
WHAT = (
    "Drift is how much more often two answers of different waves differ than two answers of one wave (nominal labels; "
    "else how much farther apart they are): what a model changes by merely being asked again is taken off. Each "
    "agent's answers are compared within a record and a perspective. p is of the permutation of the waves within "
    "these, ties counted half; p (Holm) keeps the chance of any false alarm in a table at what it says."
)
REFUSED = (
    "Drift is not given: nobody was asked twice within a wave, so that a change of the model cannot be told from the "
    "noise of being asked again. Ask at least twice in each wave (repeats: 3)."
)

Cells = list[list[Sides]]
"""Of each record, the cells that both waves answered."""

Between = Mapping[tuple[str, str], dict[str, Cells]]
"""Two waves -> agent -> what both answered."""


def drifting(found: Evidence) -> Section | None:
    if len(found.waves) < 2:
        return None
    blocks: list[Block] = []
    kept = _anchors(found)
    for key, asked in found.tally.asked.items():
        told = {wave: one.asked[key] for wave, one in found.waves.items() if key in one.asked and one.asked[key].votes}
        if asked in compared(found.tally) and asked.arm == "control" and len(told) > 1:
            blocks += [title_of(asked), *_of_question(found, asked, told, kept)]
    methods = {canonical(parts_of(*one.method.run.method)) for one in found.waves.values()}
    changed = "The flow itself was changed between these waves: what follows is that change and drift together."
    said = [Text(WHAT), *([Text(changed, "warning")] if len(methods) > 1 else [])]
    return Section("Drift from wave to wave", (*said, *blocks)) if blocks else None


def _of_question(found: Evidence, asked: Asked, told: Mapping[str, Asked], kept: frozenset[str]) -> Iterator[Block]:
    first, *later = told
    since = {(first, wave): _by_agent(told[first], told[wave], kept) for wave in later}
    pairs = [*pairwise(told), *([(first, later[-1])] if len(later) > 1 else [])]
    between = {pair: since.get(pair) or _by_agent(told[pair[0]], told[pair[1]], kept) for pair in pairs}
    every = [cells for agents in (since | between).values() for cells in agents[ALL]]
    order = asked.question.label_names if asked.question.level == "ordinal" else ()
    scale = scale_of(every, order, measured=asked.measured)
    seed = derive_seed(found.run.seed, "report drift", asked.step, asked.codebook, asked.name)
    estimates = {
        (pair, agent): drift(cells, seed=derive_seed(seed, *pair, agent), scale=scale)
        for pair, agents in between.items()
        for agent, cells in agents.items()
        if len(agents) > 2 or agent != ALL
    }
    if all(one.value is None for one in estimates.values()):
        yield Text(REFUSED)
        return
    yield Text(_sentence(found.tally, asked, estimates))
    yield from _figure(found.tally, asked, since, scale, seed)
    yield _table(found, asked, estimates, between)


def _anchors(found: Evidence) -> frozenset[str]:
    """The records that are asked in every wave, where the flow declares some; else all that it ever asked about."""
    records = {record_id for one in found.waves.values() for record_id in one.hashes}
    declared = found.run.method[0].anchor
    return anchors(found.run.seed, declared, records) if declared else frozenset(records)


def _by_agent(one: Asked, two: Asked, kept: frozenset[str]) -> dict[str, Cells]:
    """Over all agents, then of each."""
    found: dict[str, Cells] = {ALL: [], **{agent: [] for agent in one.agents if agent in two.agents}}
    for record_id in sorted(one.votes.keys() & two.votes.keys() & kept):
        before, after = one.votes[record_id], two.votes[record_id]
        cells: dict[str, list[Sides]] = {}
        for reader, votes in before.items():
            if reader in after:
                cells.setdefault(reader.agent, []).append((votes, after[reader]))
        for agent, of_agent in cells.items():
            found[agent].append(of_agent)
        found[ALL].append([sides for of_agent in cells.values() for sides in of_agent])
    return found


Estimates = Mapping[tuple[tuple[str, str], str], Estimate]


def _adjusted(estimates: Estimates) -> dict[tuple[tuple[str, str], str], float]:
    """Holm's p of each agent; the line over all agents is no further test of them."""
    tested = {key: one.test.mid for key, one in estimates.items() if one.test and key[1] != ALL}
    return dict(zip(tested, holm(list(tested.values())), strict=True))


def _sentence(tally: Tally, asked: Asked, estimates: Estimates) -> str:
    adjusted = _adjusted(estimates)
    drifted = [(key, p) for key, p in adjusted.items() if p <= 0.05]
    if not drifted:
        return f"No agent's answers to “{asked.name}” changed between waves by more than noise (p (Holm) > 0.05)."
    said = [
        f"{tally.name(agent)} from wave {one} to {two} (by {_size(asked, estimates[(one, two), agent])}, "
        f"{words.chance(p)})"
        for ((one, two), agent), p in drifted
    ]
    return f"Answers to “{asked.name}” changed by more than noise: {words.listing(said)}."


def _size(asked: Asked, one: Estimate) -> str:
    value = one.value or 0.0
    unit = "% of the scale" if asked.question.level == "ordinal" else " percentage points"
    return words.measure(value) if asked.measured else f"{100 * value:.1f}{unit}"


def _table(found: Evidence, asked: Asked, estimates: Estimates, between: Between) -> Grid:
    adjusted = _adjusted(estimates)
    rows = [
        (
            f"Wave {pair[0]} to {pair[1]}", agent if agent == ALL else found.tally.name(agent), words.corrected(one),
            words.chance(one.test.mid).removeprefix("p = ").removeprefix("p ") if one.test else "—",
            f"{adjusted[pair, agent]:.2g}" if (pair, agent) in adjusted else "—",
            words.count(one.n), words.count(one.left_out), _returned(found, pair, agent),
            "" if asked.measured else _moved(between[pair][agent]),
        )
        for (pair, agent), one in estimates.items()
    ]  # fmt: skip
    note = (
        "Left out: cells with fewer than two answers in one of the waves. Model returned: the name that the provider "
        "gave with its answers. Moved most: the label whose share changed most, on these records."
    )
    titles = (
        "waves", "agent", "drift [95%]#", "p#", "p (Holm)#", "records#", "left out#", "model returned", "moved most"
    )  # fmt: skip
    return grid(f"Drift of “{asked.name}” in the step “{asked.step}”.", titles, rows, note=note, grouped=True)


def _returned(found: Evidence, pair: tuple[str, str], agent: str) -> str:
    if agent == ALL:
        return ""
    names = [" and ".join(sorted(found.waves[wave].returned.get(agent, ()))) or "not said" for wave in pair]
    return f"{names[0]}, unchanged" if names[0] == names[1] else f"{names[0]} → {names[1]}"


def _moved(records: Cells) -> str:
    """`negative 31.0% → 44.0%`"""
    totals: list[Counter[Label]] = [Counter(), Counter()]
    for sides, many in Counter(sides for cells in records for sides in cells).items():
        for total, votes in zip(totals, sides, strict=True):
            for label in votes:
                total[label] += many
    before, after = totals
    if not before:
        return "—"
    moves = {label: after[label] / after.total() - before[label] / before.total() for label in before | after}
    most = max(moves, key=lambda label: (abs(moves[label]), words.label(label)))
    shares = (words.percent(total[most] / total.total()) for total in totals)
    return f"{words.label(most)} {' → '.join(shares)}"


def _figure(tally: Tally, asked: Asked, since: Between, scale: Scale, seed: int) -> Iterator[Figure]:
    first = next(iter(since))[0]
    waves = [first, *(wave for _, wave in since)]
    last = waves[-1]
    moments = [moment for agent in asked.agents for moment in _moments(agent, since, scale, seed)]
    moments = [moment._replace(agent=tally.name(moment.agent)) for moment in moments]
    if not moments:
        return
    unit = "mean distance" if asked.question.level != "nominal" else "share of pairs that differ"
    said = "; ".join(
        f"{one.agent} {words.decimal(one.apart)}, by noise {words.decimal(one.low)} to {words.decimal(one.high)}"
        for one in moments
        if one.wave == last
    )
    shows = f"Answers to {asked.name} in wave {last} beside those of wave {first}: {said}."
    which = "the anchor set" if tally.method.run.method[0].anchor else "the records that both have"
    caption = (
        f"How far answers to “{asked.name}” in the step “{asked.step}” are from those of the first wave, on {which} "
        "(line), and how far they would be by the noise within waves alone (band, 95%)."
    )
    rows = [(one.agent, one.wave, *(f"{number:.4f}" for number in one[2:])) for one in moments]
    titles = ("agent", "wave", f"{unit}#", "noise, low#", "noise, high#")
    data = grid(f"“{asked.name}” by wave.", titles, rows)
    spec = charts_change.waves(moments, waves, unit, shows)
    yield Figure(slug("waves", asked.step, asked.name), caption, shows, spec, data)


def _moments(agent: str, since: Between, scale: Scale, seed: int) -> Iterator[Moment]:
    """The first wave's line starts within its noise: how far two of its own answers are apart."""
    for (first, wave), agents in since.items():
        known: dict[Sides, tuple[float, float, float] | None] = {}
        means = []
        for cells in agents.get(agent, []):
            for sides in cells:
                if sides not in known:
                    known[sides] = _apart(sides, scale)
            both = [found for sides in cells if (found := known[sides])]
            if len(both) == 1:
                means.append(both[0])
            elif both:
                means.append(tuple(fsum(column) / len(both) for column in zip(*both, strict=True)))  # type: ignore[arg-type]
        if len(means) > 1:
            apart, one, two = zip(*means, strict=True)
            noise = {first: one, wave: [(a + b) / 2 for a, b in zip(one, two, strict=True)]}
            for at in [first, wave] if (first, wave) == next(iter(since)) else [wave]:
                low, high = interval_of_mean(noise[at], derive_seed(seed, "noise", agent, at), 200)
                yield Moment(agent, at, fsum(one if at == first else apart) / len(means), low, high)


def _apart(sides: Sides, scale: Scale) -> tuple[float, float, float] | None:
    """Between the sides, and within either."""
    one, two = sides
    if scale.places is not None:
        one, two = (tuple(label for label in votes if label in scale.places) for votes in sides)
    if min(len(one), len(two)) < 2:
        return None
    first, second = (_distance(votes, votes, scale) * len(votes) / (len(votes) - 1) for votes in (one, two))
    return _distance(one, two, scale), first, second


def _distance(one: Votes, two: Votes, scale: Scale) -> float:
    if scale.places is None:
        return sum(a != b for a in one for b in two) / (len(one) * len(two))
    apart = sum(abs(scale.places[a] - scale.places[b]) for a in one for b in two)
    return scale.wide * apart / (len(one) * len(two))
