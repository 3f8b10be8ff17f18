"""The parts of a report that compare: who agrees with whom, and who with the people who labelled the records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from buttermilk.analysis import charts, compare, words
from buttermilk.analysis.charts import Guide, Mark
from buttermilk.analysis.compare import Agreement, Scale, Validity
from buttermilk.analysis.findings import MOST_ROWS, compared, reader_name, slug, title_of, whole_percent
from buttermilk.analysis.page import Block, Figure, Gallery, Grid, Heading, Section, Text, grid
from buttermilk.analysis.statistics.estimate import Estimate, Label
from buttermilk.analysis.tally import Asked, Reader, Tally
from buttermilk.core.hashing import derive_seed

GUIDES = (Guide(0.667, "0.667"), Guide(0.8, "0.800"))


MOST_TABLES = 12  # of who was taken for whom: beyond that, one per agent over its perspectives
DRAWS = 20_000  # of all bootstraps of a report together, shared out: 1,000 for each of a few, 200 for each of many


def _scale(tally: Tally, asked: Asked) -> Scale:
    drawn = derive_seed(tally.method.run.seed, "report", asked.step, asked.codebook, asked.name)
    comparisons = sum(2 * len(one.readers) + len(one.agents) + len(one.settings) for one in compared(tally))
    return Scale.of(asked, drawn, max(200, min(1_000, DRAWS // comparisons)))


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
    scale = _scale(tally, asked)
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
        [(HEADINGS[one.of], one.who, *_plain(one.alpha)) for one in found],
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


def _plain(estimate: Estimate) -> tuple[str, ...]:
    """For a spreadsheet: `0.7434`, `0.4175`, `1`, `11`, `1`."""
    numbers = ("" if number is None else f"{number:.4f}" for number in estimate[:3])
    return (*numbers, str(estimate.n), str(estimate.left_out))


def _agreement_table(asked: Asked, found: Sequence[Agreement]) -> Grid:
    rows = [
        (
            HEADINGS[one.of], one.who, words.corrected(one.alpha), *([] if asked.measured else [words.share(one.same)]),
            words.count(one.alpha.n), words.count(one.alpha.pairs), words.count(one.alpha.left_out),
        )
        for one in found
    ]  # fmt: skip
    same = () if asked.measured else ("same answer [95%]#",)
    titles = ("compared", "who", "alpha [95%]#", *same, "records#", "pairs#", "left out#")
    note = (
        "Left out: records that fewer than two of those compared had answered. “Undefined: no variation”: all answers "
        "were the same, so agreement cannot be told from habit. “Needs two”: no record had two answers to compare."
    )
    return grid(f"Agreement on “{asked.name}” in the step “{asked.step}”.", titles, rows, note=note, grouped=True)


def _pairs(tally: Tally, asked: Asked) -> Iterator[Figure]:
    """The square of agents by agents, from three agents on; on a scale of numbers sameness says little."""
    names = [tally.name(agent) for agent in asked.agents]
    if not 3 <= len(names) <= 20 or asked.measured:
        return
    found = compare.pairs_of_agents(asked)
    known = [(tally.name(one.first), tally.name(one.second), one.same) for one in found if one.same.value is not None]
    cells = [cell for a, b, same in known for cell in ((a, b, same.value or 0.0), (b, a, same.value or 0.0))]
    rows = [(a, b, *_plain(same)) for a, b, same in known]
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
            (asked, one, compare.beside_people(asked, _scale(tally, asked), one))
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
        f"Each answer is set beside the label of the first coder ({words.plural(baseline.n, 'labelled record')}). "
        "No prompt holds a human label. "
    )
    if any(one.agent in tally.simulated for _, one, _ in found):
        first += (
            "Simulated agents make up their answers with an accuracy that was set beforehand, against these very "
            "labels: how well they match shows how such a report reads, and nothing else. "
        )
    if not asked.measured and baseline.value is not None:
        first += (
            f"Whoever always answered “{words.label(best)}”, the commonest label, would match in "
            f"{words.percent(baseline.value)} of records. An agent below that line is no better than a fixed answer."
        )
    yield Text(first)
    if not asked.measured and baseline.value is not None:
        yield from _validity_figures(tally, asked, found, baseline.value)
    yield _validity_table(tally, asked, found)
    if not asked.measured:
        yield _confusions(tally, asked, found)


def _validity_figures(tally: Tally, asked: Asked, found: Found, baseline: float) -> Iterator[Figure]:
    steps = dict.fromkeys(item.step for item, _, _ in found)
    groups = [
        (f"Step “{step}”", [Mark(reader_name(tally, one), got.right) for item, one, got in found if item.step == step])
        for step in steps
    ]
    rows = [(item.step, reader_name(tally, one), *_plain(got.right)) for item, one, got in found]
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
            words.corrected(got.alpha), words.count(got.right.n), words.count(got.right.left_out),
        )
        for item, one, got in found
    ]  # fmt: skip
    right = () if asked.measured else ("match [95%]#",)
    titles = ("step", "agent and perspective", *right, "alpha [95%]#", "records#", "left out#")
    note = (
        "Match: the share of answers equal to the human label. Alpha: the agent and the person as two coders. "
        "Left out: records without a human label, or without an answer of this agent."
    )
    return grid(f"“{asked.name}” beside the human labels.", titles, rows, note=note, grouped=True)


def _confusions(tally: Tally, asked: Asked, found: Found) -> Gallery:
    tables: dict[tuple[str, str], Counter[tuple[Label, Label]]] = {}
    for item, one, got in found:
        name = tally.name(one.agent) if len(found) > MOST_TABLES else reader_name(tally, one)
        tables.setdefault((name, item.step), Counter()).update(got.table)
    labels = asked.labels()
    grids = [_confusion(f"{name}, step “{step}”", labels, table) for (name, step), table in tables.items()]
    note = (
        "Each row holds the answers given to records that the human coder labelled so; all repeats are counted. "
        "“Found” is the share of a row that was given that label (recall), “right” the share of a column (precision)."
    )
    return Gallery(f"Which labels of “{asked.name}” are taken for which.", tuple(grids), note)


def _confusion(caption: str, labels: Sequence[Label], table: Mapping[tuple[Label, Label], int]) -> Grid:
    rows = []
    for truth in labels:
        given = [table.get((truth, label), 0) for label in labels]
        if sum(given):
            found = whole_percent(table.get((truth, truth), 0), sum(given))
            rows.append((words.label(truth), *map(words.count, given), words.count(sum(given)), found))
    right = []
    for label in labels:
        column = sum(table.get((truth, label), 0) for truth in labels)
        right.append(whole_percent(table.get((label, label), 0), column) if column else "—")
    rows.append(("right", *right, words.count(sum(table.values())), ""))
    titles = ("human", *(f"{words.label(label)}#" for label in labels), "n#", "found#")
    return grid(caption, titles, rows)
