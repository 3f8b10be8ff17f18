"""The part of a report that says what makes answers differ, and what more of them would buy."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import NamedTuple

from buttermilk.analysis import charts, words
from buttermilk.analysis.charts import Bar
from buttermilk.analysis.charts_estimates import Gain, gains
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Figure, Grid, Section, Text, grid
from buttermilk.analysis.sections.findings import MOST_ROWS, slug
from buttermilk.analysis.statistics.components import RECORD, RUN, Components, Effect, added, components, dependability
from buttermilk.analysis.tally import Asked, Reader, Tally
from buttermilk.analysis.voices import of_values, panels
from buttermilk.core.hashing import derive_seed

FACETS = ("agent", "perspective", "prompt", "variables", "wave")
FEW = 5  # levels, below which a facet's variance is nearly a guess
CELLS = 60_000  # of records by columns: of more, a seeded sample of the records is taken
MOST_CURVES = 6
MOST_LABELS = 8
SMALL, REST = 0.02, "smaller parts"  # of the variance: drawn as one, where colours would not tell them apart
CALLS = "answers per record"
NOUNS = {
    "agent": "agents", "perspective": "perspectives", "prompt": "prompts", "variables": "settings", "wave": "waves",
    "run": "repeats",
}  # fmt: skip
FURTHER = (1, 2, 3, 4, 5, 6, 8, 10)
PLAIN = {
    RECORD: "the records themselves",
    RUN: "chance from run to run",
    ("agent",): "agents that give some label more readily, whatever the record",
    ("perspective",): "perspectives that call for some label more readily, whatever the record",
    ("record", "agent"): "agents that read the same record differently",
    ("record", "perspective"): "perspectives under which the same record reads differently",
}


class Studied(NamedTuple):
    """One question: what its variance is made of, and how often each cell was asked."""

    asked: Asked
    found: Components
    runs: int
    columns: int
    left: str = ""

    @property
    def fixed(self) -> tuple[str, ...]:
        """Few models are no sample of models: what is said holds for these."""
        return ("agent",) if self.found.levels.get("agent", FEW) < FEW else ()

    @property
    def sizes(self) -> dict[str, int]:
        return {facet: number for facet, number in self.found.levels.items() if number > 1} | {"run": self.runs}

    @property
    def open(self) -> list[str]:
        """What more of could be asked."""
        can = ("run", "perspective", "prompt", *(() if self.fixed else ("agent",)))
        return [facet for facet in can if facet in self.sizes][:3]

    def phi(self, **more: int) -> float:
        return dependability(self.found.parts, self.sizes | more, self.fixed)[1]


def variance(found: Evidence) -> Section | None:
    studied = [one for asked in panels(found.tally) if (one := study(found, asked))]
    known = [one for one in studied if one.found.parts]
    if not studied:
        return None
    blocks: list[Block] = [*_bars(known), *([_table(known)] if known else [])]
    for one in studied:
        blocks.append(Text(_sentence(one)))
        if one in known[:MOST_CURVES] and one.open:
            blocks.append(_curve(found.tally, one))
    return Section("What makes answers differ", tuple(blocks))


def study(found: Evidence, asked: Asked) -> Studied | None:
    """None where each record has but one answer: there is no variance to divide."""
    waves = _waves(found, asked)
    readers = [(wave, reader) for wave, one in waves.items() for reader in _crossed(one)]
    facets, columns = _facets(waves, readers)
    records = sorted({record_id for one in waves.values() for record_id in one.records})
    chosen = _sample(found.run.seed, asked, records, len(readers))
    votes = [[waves[wave].votes.get(one, {}).get(reader, ()) for wave, reader in readers] for one in chosen]
    runs = max((len(given) for row in votes for given in row), default=0)
    if runs < 2 and len(readers) < 2:
        return None
    scored = of_values(asked)
    if len(scored) > MOST_LABELS:
        totals = {one.name: sum(sum(one.votes(given)) for row in votes for given in row) for one in scored}
        scored = sorted(scored, key=lambda one: (-totals[one.name], one.name))[:MOST_LABELS]
    each = [components(facets, columns, [[one.votes(given) for given in row] for row in votes]) for one in scored]
    left = [name for name in asked.agents if not any(reader.agent == name for _, reader in readers)]
    said = f"without {words.listing(map(found.tally.name, left))}, given no perspective" if left else ""
    if len(chosen) < len(records):
        said += f"{'; ' if said else ''}from {words.count(len(chosen))} of {words.count(len(records))} records, by seed"
    return Studied(asked, added(each), runs, len(readers), said)


def _waves(found: Evidence, asked: Asked) -> dict[str, Asked]:
    """The same question in each wave of the flow in which it was asked; else in this run alone."""
    key = next(key for key, one in found.tally.asked.items() if one is asked)
    waves = {wave: one.asked[key] for wave, one in found.waves.items() if key in one.asked}
    return waves if len(waves) > 1 and asked in waves.values() else {found.run.wave: asked}


def _crossed(asked: Asked) -> list[Reader]:
    """Those who were given perspectives and prompts, where any were: a tool takes none, and is crossed with nothing."""
    kinds = {reader: sum(map(bool, asked.facets[reader][1:3])) for reader in asked.readers if asked.counts[reader]}
    return [reader for reader, given in kinds.items() if given == max(kinds.values())]


def _facets(
    waves: Mapping[str, Asked], readers: Sequence[tuple[str, Reader]]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Which facets have more than one level, and each column's levels."""
    rows = [(reader.agent, *waves[wave].facets[reader][1:], wave) for wave, reader in readers]
    varied = [place for place in range(len(FACETS)) if len({row[place] for row in rows}) > 1]
    return [FACETS[place] for place in varied], [tuple(row[place] for place in varied) for row in rows]


def _sample(seed: int, asked: Asked, records: Sequence[str], columns: int) -> list[str]:
    most = max(CELLS // max(columns, 1), 100)
    if len(records) <= most:
        return list(records)
    drawn = sorted(records, key=lambda record_id: derive_seed(seed, "variance", asked.step, asked.name, record_id))
    return sorted(drawn[:most])


# ---- what it is made of


def _title(effect: Effect) -> str:
    """`record`, `record × agent`, `run to run`"""
    return "run to run" if effect == RUN else " × ".join(effect)


def _ordered(parts: Mapping[Effect, float]) -> list[Effect]:
    """The record's own, then what agents and perspectives do to all, then to each, then chance."""
    return sorted(
        parts, key=lambda effect: (effect == RUN, effect != RECORD, len(effect), effect[0] == "record", effect)
    )


def _bars(known: Sequence[Studied]) -> Iterator[Figure]:
    every = [_title(effect) for effect in _ordered({effect: 0.0 for one in known for effect in one.found.parts})]
    most = {name: max(one.found.share(effect) for one in known for effect in one.found.parts if _title(effect) == name)
            for name in every}  # fmt: skip
    large = sorted(every, key=lambda name: (-most[name], name))[: MOST_LABELS - 1]
    shown = [name for name in every if name in large and most[name] >= SMALL]
    shown += [REST] if len(shown) < len(every) else []
    rows, bars = [], []
    for one in known:
        shares = {_title(effect): one.found.share(effect) for effect in _ordered(one.found.parts)}
        counts = Counter[str]()
        for name, share in shares.items():
            counts[name if name in shown else REST] += round(10_000 * share)
        bars.append(Bar(_name(one), counts))
        rows += [(one.asked.step, one.asked.name, name, f"{share:.4f}") for name, share in shares.items()]
    data = grid("Variance components.", ("step", "question", "part", "share#"), rows)
    caption = "What the variance of answers is made of. “Record” is what answers owe to the record alone."
    for start in range(0, len(known), MOST_ROWS):
        part = bars[start : start + MOST_ROWS]
        said = (
            ", ".join(f"{name} {words.percent(many / 10_000)}" for name, many in bar.counts.items()) for bar in part
        )
        shows = (
            f"Shares of the variance: {'; '.join(f'{bar.name}: {text}' for bar, text in zip(part, said, strict=True))}."
        )
        spec = charts.stacked(part, shown, ordered=False, shows=shows, of="the variance of answers")
        yield Figure(slug("variance", str(start) if start else ""), caption, shows, spec, data)


def _name(one: Studied) -> str:
    return f"{one.asked.step}: {one.asked.name}"


def _table(known: Sequence[Studied]) -> Grid:
    rows = [
        (
            _name(one), words.percent(one.found.share(RECORD)), words.percent(one.found.share(RUN)), _levels(one),
            words.decimal(one.phi()), words.count(one.found.n), one.found.how + (f"; {one.left}" if one.left else ""),
        )
        for one in known
    ]  # fmt: skip
    titles = ("question", "record#", "run to run#", "levels", "Φ now#", "records#", "how")
    note = (
        "Labels are counted as 1 and 0 in a linear model, and the variances summed over the labels; labels in order by "
        "their place, numbers as they are. A facet with fewer than five levels is marked: its own variance is nearly a "
        "guess. Agents count as fixed unless there are five: what is said of them holds for these, and for no other "
        "model. Φ, from 0 to 1, is how dependably the answers of all now asked, averaged, tell one record from another."
    )
    return grid("Variance components, and how dependable the averaged answer is.", titles, rows, note=note)


def _levels(one: Studied) -> str:
    """`2 agents (fixed): too few levels (2), 3 runs`"""
    said = []
    for facet, number in one.found.levels.items():
        few = f": too few levels ({number})" if number < FEW else ""
        said.append(f"{number} {NOUNS[facet]}{' (fixed)' if facet in one.fixed else ''}{few}")
    return ", ".join([*said, words.plural(one.runs, "run")])


def _sentence(one: Studied) -> str:
    name = f"“{one.asked.name}” (step “{one.asked.step}”)"
    if not one.found.parts:
        return f"{name}: the variance cannot be divided ({one.found.note})."
    share = one.found.share(RECORD)
    rest = sorted(
        (effect for effect in one.found.parts if effect != RECORD),
        key=lambda effect: (-one.found.parts[effect], effect),
    )
    largest = PLAIN.get(rest[0], _title(rest[0]))
    said = (
        f"{name}: {words.percent(share)} of the variance is the records' own. The largest other part is {largest} "
        f"({words.percent(one.found.share(rest[0]))})."
    )
    if share < 0.01:
        said += " The answers say next to nothing about the records: that they agree is habit, and no evidence."
    return f"{said} {_advice(one)}"


def _advice(one: Studied) -> str:
    """Doubling any of them takes twice the answers: which doubling buys most."""
    now, bought = one.phi(), {facet: one.phi(**{facet: 2 * one.sizes[facet]}) for facet in one.open}
    if not bought or now == 0:
        return ""
    best = max(sorted(bought), key=lambda facet: bought[facet])
    each = words.listing(f"{NOUNS[facet]} to {words.decimal(phi)}" for facet, phi in bought.items())
    verdict = f"if anything, add {NOUNS[best]}"
    if bought[best] - now < 0.01:
        verdict = "more of the same answers buys nothing: spend on records or on human labels"
    return f"Twice the answers would bring Φ from {words.decimal(now)}: {each}; {verdict}."


# ---- what more would buy


def _curve(tally: Tally, one: Studied) -> Figure:
    title, each = _price(tally, one)
    lines = []
    for facet in one.open:
        held = [f"{number} {NOUNS[other]}" for other, number in one.sizes.items() if other != facet]
        priced = each * prod(one.sizes.values()) / one.sizes[facet]
        points = tuple((number, one.phi(**{facet: number}), number * priced) for number in FURTHER)
        lines.append(Gain(f"more {NOUNS[facet]}" + (f" ({', '.join(held)})" if held else ""), points))
    rows = [
        (gain.name, str(number), f"{phi:.4f}", f"{cost:.6g}") for gain in lines for number, phi, cost in gain.points
    ]
    ends = [(gain.name, words.decimal(gain.points[0][1]), words.decimal(gain.points[-1][1])) for gain in lines]
    said = "; ".join(f"{name}, Φ {first} with one and {last} with ten" for name, first, last in ends)
    shows = f"D-study of {one.asked.name}: {said}."
    caption = (
        f"D-study of “{one.asked.name}” in the step “{one.asked.step}”: what more answers buy, and what they cost."
    )
    if any(reader.agent in tally.simulated for reader in one.asked.readers):
        caption += " Simulated agents cost nothing."
    elif title == CALLS:
        caption += " What an answer costs is not known."
    data = grid("Dependability and price.", ("of what", "how many#", "Φ#", f"{title}#"), rows)
    name = slug("d-study", one.asked.step, one.asked.name)
    return Figure(name, caption, shows, gains(lines, title, shows), data)


def _price(tally: Tally, one: Studied) -> tuple[str, float]:
    """What an answer to each of a thousand records costs; where nobody knows, or it is 0, answers are counted."""
    agents = sorted({reader.agent for reader in _crossed(one.asked)})
    came = [tally.by[one.asked.step, agent] for agent in agents if (one.asked.step, agent) in tally.by]
    currencies = {currency for each in came for currency, paid in each.cost.items() if paid}
    if len(currencies) != 1 or any(each.spent["unpriced"] for each in came):
        return CALLS, 1.0
    currency = currencies.pop()
    return f"{currency} per 1,000 records", 1_000 * sum(each.cost[currency] for each in came) / sum(
        each.jobs for each in came
    )
