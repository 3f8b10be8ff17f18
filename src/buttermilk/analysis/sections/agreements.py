"""The parts of a report that compare: who agrees with whom, and who with the people who labelled the records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from buttermilk.analysis import charts, charts_panels, compare, words
from buttermilk.analysis.charts import Guide, Mark
from buttermilk.analysis.compare import Agreement, Scale, Validity
from buttermilk.analysis.page import Block, Figure, Gallery, Grid, Heading, Section, Text, grid
from buttermilk.analysis.sections.findings import MOST_ROWS, compared, reader_name, slug, title_of
from buttermilk.analysis.statistics.estimate import Label
from buttermilk.analysis.tally import Asked, Reader, Tally
from buttermilk.core.hashing import derive_seed

GUIDES = (Guide(0.667, "0.667"), Guide(0.8, "0.800"))
MOST_DIAGRAMS = 12
MOST_TABLES = 12  # of who was taken for whom: beyond that, one per agent over its perspectives
DRAWS = 20_000  # of all bootstraps of a report together, shared out: 1,000 for each of a few, 200 for each of many


def scale_of(tally: Tally, asked: Asked) -> Scale:
    drawn = derive_seed(tally.method.run.seed, "report", asked.step, asked.codebook, asked.name)
    comparisons = sum(2 * len(one.readers) + 3 * len(one.agents) + len(one.settings) for one in compared(tally))
    return Scale.of(asked, drawn, max(200, min(1_000, DRAWS // max(1, comparisons))))


def agreements(tally: Tally) -> Section:
    blocks: list[Block] = []
    for asked in compared(tally):
        found = _agreements(tally, asked)
        if not found:
            why = "is the only agent here and was asked once: within this step there is nothing to compare."
            blocks += [title_of(asked), Text(f"{tally.name(asked.agents[0])} {why}")]
            continue
        blocks += [title_of(asked), *_agreement_figures(asked, found), _agreement_table(asked, found)]
        blocks += _pairs(tally, asked)
    return Section("Who agrees with whom", tuple(blocks or [Text("No answers that could be compared.")]))


def _agreements(tally: Tally, asked: Asked) -> list[Agreement]:
    scale = scale_of(tally, asked)
    found = [compare.between_repeats(asked, scale, one, reader_name(tally, one)) for one in asked.readers]
    found += [compare.between_perspectives(asked, scale, agent, tally.name(agent)) for agent in asked.agents]
    settings = [setting for setting in asked.settings if setting] or [""]
    found += [compare.between_agents(asked, scale, one, one or "all agents") for one in settings]
    found.append(compare.between_people(asked, scale))
    return [one for one in found if one is not None]


HEADINGS = {
    "repeats": "An agent with itself, asked again",
    "perspectives": "An agent with itself, other perspective",
    "agents": "Agents with one another",
    "people": "People with one another",
}


def _agreement_figures(asked: Asked, found: Sequence[Agreement]) -> Iterator[Figure]:
    if not any(one.alpha.value is not None for one in found):
        return
    groups = [
        (heading, [Mark(one.who, one.alpha) for one in found if one.of == of]) for of, heading in HEADINGS.items()
    ]
    data = grid(
        f"Krippendorff's alpha of “{asked.name}”.",
        ("compared", "who", "alpha#", "low#", "high#", "records#", "left out#"),
        [(HEADINGS[one.of], one.who, *words.plain(one.alpha)) for one in found],
    )
    caption = (
        f"Krippendorff's alpha ({asked.question.level}) of “{asked.name}” in the step “{asked.step}”, with 95% "
        "intervals. 1 is full agreement, 0 what chance would give."
    )
    for place, part in _parts(groups):
        said = (f"{mark.name} {words.corrected(mark.estimate)}" for mark in part if mark.estimate)
        shows = f"Alpha of {asked.name}: {'; '.join(said)}."
        spec = charts.intervals(part, GUIDES, "Krippendorff's alpha", as_share=False, shows=shows)
        yield Figure(slug("alpha", asked.step, asked.name, place), caption, shows, spec, data)


def _parts(groups: Sequence[tuple[str, Sequence[Mark]]]) -> Iterator[tuple[str, list[Mark]]]:
    """Charts that fit a page, the second named `2`: groups stay together where they can, under their heading."""
    parts: list[list[Mark]] = [[]]
    for heading, marks in groups:
        for start in range(0, len(marks), MOST_ROWS):
            piece = [Mark(heading), *marks[start : start + MOST_ROWS]]
            if parts[-1] and len(parts[-1]) + len(piece) > MOST_ROWS:
                parts.append([])
            parts[-1] += piece
    return ((str(place) if place > 1 else "", part) for place, part in enumerate(parts, start=1) if part)


def _agreement_table(asked: Asked, found: Sequence[Agreement]) -> Grid:
    more = {name for one in found for name, _ in one.beside}
    rows = [
        (
            HEADINGS[one.of], one.who, words.corrected(one.alpha),
            *(["\n".join(f"{name} {words.corrected(of)}" for name, of in one.beside)] if more else []),
            *([] if asked.measured else [words.share(one.same)]),
            words.count(one.alpha.n), words.count(one.alpha.pairs), words.count(one.alpha.left_out),
        )
        for one in found
    ]  # fmt: skip
    same = () if asked.measured else ("same answer [95%]#",)
    also = ("beside it [95%]#",) if more else ()
    titles = ("compared", "who", "alpha [95%]#", *also, *same, "records#", "pairs#", "left out#")
    note = (
        "Left out: records that fewer than two of those compared had answered. “Undefined: no variation”: all answers "
        "were the same, so agreement cannot be told from habit. “Needs two”: no record had two answers to compare."
    )
    if more - {"AC1"}:
        note += (
            " κ: Cohen's kappa, which is customary for two coders who left nothing out; for ordered labels weighted."
        )
    if "AC1" in more:
        note += (
            f" AC1: where one label is {compare.DOMINANT:.0%} of the answers or more, chance alone would agree so "
            "often that a few differences make alpha and kappa low (the “kappa paradox”). Gwet's AC1 takes less for "
            "chance: where it is high and alpha low, the coders rarely differ, and rarely use the rare label together."
        )
    return grid(f"Agreement on “{asked.name}” in the step “{asked.step}”.", titles, rows, note=note, grouped=True)


def _pairs(tally: Tally, asked: Asked) -> Iterator[Figure]:
    """The square of agents by agents, from three agents on; on a scale of numbers sameness says little."""
    names = [tally.name(agent) for agent in asked.agents]
    if not 3 <= len(names) <= 20 or asked.measured:
        return
    found = compare.pairs_of_agents(asked)
    known = [(tally.name(a), tally.name(b), same) for a, b, same in found if same.value is not None]
    cells = [cell for a, b, same in known for cell in ((a, b, same.value or 0.0), (b, a, same.value or 0.0))]
    rows = [(a, b, *words.plain(same)) for a, b, same in known]
    titles = ("agent", "other agent", "same answer#", "low#", "high#", "records#", "left out#")
    said = "; ".join(f"{a} and {b} {words.share(same)}, n = {words.count(same.n)}" for a, b, same in known)
    if cells:
        caption = f"How often two agents gave the same answer to “{asked.name}” in the step “{asked.step}”."
        shows = f"Matrix of agents: {said}."
        data = grid("Pairs of agents, as shares with 95% intervals.", titles, rows)
        yield Figure(slug("pairs", asked.step, asked.name), caption, shows, charts.matrix(names, cells, shows), data)


# ---- beside the human labels


def beside_people(tally: Tally) -> Section:
    blocks: list[Block] = []
    labelled = [asked for asked in compared(tally) if asked.expected]
    for name in dict.fromkeys(asked.name for asked in labelled):
        steps = [asked for asked in labelled if asked.name == name]
        found = [
            (asked, one, compare.beside_people(asked, scale_of(tally, asked), one))
            for asked in steps
            for one in asked.readers
        ]
        blocks += [Heading(name), *_validity(tally, steps[0], found)]
    none = Text("The data set holds no human labels for any of these questions.")
    return Section("Beside the human labels", tuple(blocks or [none]))


Found = Sequence[tuple[Asked, Reader, Validity]]


def _validity(tally: Tally, asked: Asked, found: Found) -> Iterator[Block]:
    best, baseline = compare.always_the_same(asked)
    first = (
        f"Each answer is set beside the human label ({words.plural(baseline.n, 'labelled record')}): what was settled, "
        "else what every coder said; where they disagree there is none. No prompt holds a human label. "
    )
    if any(one.agent in tally.simulated for _, one, _ in found):
        first += (
            "Simulated agents make up their answers with an accuracy that was set beforehand, against these very "
            "labels: how well they match shows how such a report reads, and nothing else. "
        )
    if not asked.measured and baseline.value is not None:
        first += (
            f"Whoever always answered {' or '.join(f'“{words.label(one)}”' for one in best)}, the commonest label, "
            f"would match in {words.percent(baseline.value)} of records. An agent below that line is no better than a "
            "fixed answer."
        )
    yield Text(first)
    if not asked.measured and baseline.value is not None:
        yield from _validity_figures(tally, asked, found, baseline.value)
    yield _validity_table(tally, asked, found)
    if not asked.measured:
        yield _by_label(tally, found)
        yield _confusions(tally, asked, found)
    yield from _calibrations(tally, found)


def _validity_figures(tally: Tally, asked: Asked, found: Found, baseline: float) -> Iterator[Figure]:
    steps = dict.fromkeys(item.step for item, _, _ in found)
    groups = [
        (f"Step “{step}”", [Mark(reader_name(tally, one), got.right) for item, one, got in found if item.step == step])
        for step in steps
    ]
    rows = [(item.step, reader_name(tally, one), *words.plain(got.right)) for item, one, got in found]
    titles = ("step", "agent and perspective", "match#", "low#", "high#", "records#", "left out#")
    data = grid("Match with the human label.", titles, rows)
    caption = f"Answers to “{asked.name}” that match the human label, with 95% intervals (Wilson, n = records)."
    guide = [Guide(baseline, "always the commonest label")]
    for place, part in _parts(groups):
        said = (f"{mark.name} {words.share(mark.estimate)}" for mark in part if mark.estimate)
        shows = f"Share of answers to {asked.name} that match the human label: {'; '.join(said)}."
        spec = charts.intervals(part, guide, "answers that match the human label", as_share=True, shows=shows)
        yield Figure(slug("match", asked.name, place), caption, shows, spec, data)


def _validity_table(tally: Tally, asked: Asked, found: Found) -> Grid:
    rows = [
        (
            item.step, reader_name(tally, one), *([] if asked.measured else [words.share(got.right)]),
            words.corrected(got.alpha), *([words.corrected(got.added)] if got.added else []),
            words.count(got.right.n), words.count(got.right.left_out),
        )
        for item, one, got in found
    ]  # fmt: skip
    right = () if asked.measured else ("match [95%]#",)
    added = ("alpha among the people [95%]#",) if any(got.added for _, _, got in found) else ()
    titles = ("step", "agent and perspective", *right, "alpha [95%]#", *added, "records#", "left out#")
    note = (
        "Match: the share of answers equal to the human label. Alpha: the agent and the person as two coders. "
        "Left out: records without a human label, or without an answer of this agent."
    )
    note += " Among the people: alpha of all human coders with the agent as one more." if added else ""
    return grid(f"“{asked.name}” beside the human labels.", titles, rows, note=note, grouped=True)


def _agents(found: Found) -> list[tuple[Asked, str]]:
    return list({(id(item), one.agent): (item, one.agent) for item, one, _ in found}.values())


def _by_label(tally: Tally, found: Found) -> Grid:
    rows: list[tuple[str, ...]] = []
    for item, agent in _agents(found):
        got = compare.by_label(item, scale_of(tally, item), agent)
        name = f"{tally.name(agent)}, step “{item.step}”"
        rows += [
            (name, words.label(label), words.share(one.recall), words.share(one.precision), words.corrected(one.f1),
             words.count(one.recall.n))
            for label, one in got.by.items()
        ]  # fmt: skip
        means = (words.corrected(one) for one in (got.recall, got.precision, got.f1))
        rows.append((name, "mean of the labels", *means, words.count(sum(one.recall.n for one in got.by.values()))))
    titles = ("agent", "label", "found (recall) [95%]#", "right (precision) [95%]#", "F1 [95%]#", "records#")
    note = (
        "Found: of the records that people gave the label, the share to which the agent gave it. Right: of the answers "
        "that gave it, the share with which people agree. F1 is their harmonic mean. An agent has one voice to a "
        "record, shared among its answers. Wilson intervals; of F1 and of means, bootstraps over records."
    )
    return grid("How well each label is found.", titles, rows, note=note, grouped=True)


def _calibrations(tally: Tally, found: Found) -> Iterator[Block]:
    """The first agents' diagrams; of numbers there is none."""
    pairs = ((item, agent) for item, agent in _agents(found) if not item.measured)
    known = [(item, agent, compare.calibrated(item, scale_of(tally, item), agent)) for item, agent in pairs]
    shown = [(item, agent, *got) for item, agent, got in known if got]
    if not shown:
        return
    rows, data, panels = [], [], []
    steps = {item.step for item, *_ in shown}
    for item, agent, source, got in shown:
        name = f"{tally.name(agent)}, step “{item.step}”" if len(steps) > 1 else tally.name(agent)
        brier, ece = words.corrected(got.brier._replace(note="no interval")), words.decimal(got.ece.value or 0.0)
        rows.append((name, source, brier, ece, words.count(got.brier.n)))
        panels.append((name, got.bins))
        data += [
            (name, f"{one.start:.1f}", f"{one.end:.1f}", f"{one.confidence:.4f}", *words.plain(one.right)[:4])
            for one in got.bins
        ]
    asked = shown[0][0]
    titles = ("agent", "from#", "to#", "how sure#", "how often right#", "low#", "high#", "answers#")
    said = (f"{name} off by {ece} on average" for name, _, _, ece, _ in rows)
    shows = f"Reliability diagrams of {asked.name}: {'; '.join(said)}."
    caption = (
        f"How often answers to “{asked.name}” are right, by how sure the agent was. On the dashed line it is right as "
        "often as it is sure; below it, it is too sure. Beside each point, and as its area: the number of answers."
    )
    spec = charts_panels.reliability(panels[:MOST_DIAGRAMS], shows)
    yield Figure(slug("calibration", asked.name), caption, shows, spec, grid("Calibration by tenths.", titles, data))
    note = (
        "How sure: the share of an agent's repeats that gave its commonest answer; where it was asked once, the "
        "probability of its tokens, or what it said itself, which models overstate. Brier: mean squared distance "
        "between how sure and whether right, 0 at best. ECE: mean distance by tenths, which chance alone makes larger. "
        "Each perspective's answer to a record counts, so that with several the intervals are rather too narrow."
    )
    columns = ("agent", "how sure, by", "Brier [95%]#", "ECE#", "answers#")
    yield grid(f"Calibration on “{asked.name}”.", columns, rows, note=note)


def _confusions(tally: Tally, asked: Asked, found: Found) -> Gallery:
    tables: dict[tuple[str, str], Counter[tuple[Label, Label]]] = {}
    for item, one, got in found:
        name = tally.name(one.agent) if len(found) > MOST_TABLES else reader_name(tally, one)
        tables.setdefault((name, item.step), Counter()).update(got.table)
    labels = asked.labels()
    grids = [_confusion(f"{name}, step “{step}”", labels, table) for (name, step), table in tables.items()]
    note = "Each row holds the answers given to records that the human coder labelled so; all repeats are counted."
    return Gallery(f"Which labels of “{asked.name}” are taken for which.", tuple(grids), note)


def _confusion(caption: str, labels: Sequence[Label], table: Mapping[tuple[Label, Label], int]) -> Grid:
    rows = []
    for truth in labels:
        given = [table.get((truth, label), 0) for label in labels]
        if sum(given):
            rows.append((words.label(truth), *map(words.count, given), words.count(sum(given))))
    return grid(caption, ("human", *(f"{words.label(label)}#" for label in labels), "n#"), rows)
