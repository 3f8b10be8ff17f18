"""The part of a report that puts machine labels right by people's: naive beside corrected, and of which records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import NamedTuple

from buttermilk.analysis import charts, words
from buttermilk.analysis.charts import Mark
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Figure, Grid, Section, Text, grid
from buttermilk.analysis.plan import Covariate, covariate, plan_of
from buttermilk.analysis.sections.findings import slug, title_of
from buttermilk.analysis.statistics.corrected_regression import How, corrected_regression
from buttermilk.analysis.statistics.design_based import Case, design_based
from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.mean import mean, variance
from buttermilk.analysis.statistics.power import labels_for, width
from buttermilk.analysis.statistics.prediction_powered import FEWEST, prediction_powered, tuned
from buttermilk.analysis.tally import Asked
from buttermilk.analysis.voices import Scored, answers, of_labels, panels
from buttermilk.core.flows import Analysis

NO_SAMPLE = (
    "No correction can be made: no record was drawn for people to label with a known probability. Shares counted from "
    "machine labels carry the machine's errors, which do not average out. Draw a sample (buttermilk label sample), "
    "have it labelled, and make this report again."
)
UNDRAWN = (
    "People labelled {labels}, but none was drawn with a known probability: which came to be labelled may have "
    "hung on what is in them, so these labels can show how often the machine is wrong, but not put its shares right. "
    "Draw a sample (buttermilk label sample) and label that."
)
UNEQUAL = "needs equal chances"
COLUMNS = ("machine alone (naive)", "people alone", "PPI++", "DSL", "of just these records")


class Known(NamedTuple):
    """`chances[record_id]` is the known probability with which a labelled record was drawn; `thinned` counts drawn
    records whose label is not there; `sample` is what the scholar called it."""

    chances: Mapping[str, float]
    thinned: int = 0
    sample: str = ""

    @property
    def equal(self) -> bool:
        found = list(self.chances.values())
        return all(isclose(one, found[0], rel_tol=1e-9) for one in found)


class Corrected(NamedTuple):
    """Of one label: what machine and people say apart, and together."""

    name: str
    estimates: tuple[Estimate, ...]

    @property
    def best(self) -> Estimate:
        """The tuned one, where the sample allows it."""
        return self.estimates[2] if self.estimates[2].value is not None else self.estimates[3]


def uncorrected(found: Evidence) -> bool:
    """Whether no number of this run is put right by a human sample: the report's title then says so."""
    return not any(len(labelled(found, asked).chances) >= FEWEST for asked in panels(found.tally))


def labelled(found: Evidence, asked: Asked) -> Known:
    """The labelled records of the sample that has most of them. Where drawn records lack a label, each stratum's
    chances shrink by the share that has one, as if chance had decided who."""
    samples = {one.name: {draw.record_id: draw for draw in one.draws} for one in found.people.samples}
    best, known = Known({}), (asked.expected.keys() | asked.settled.keys()) - set(asked.unsettled)
    for name, draws in sorted(samples.items()) or [("", dict(found.people.drawn))]:
        drawn = {record_id: draw for record_id, draw in draws.items() if record_id in asked.votes}
        usable = [one for one in drawn if one in known]
        strata = Counter(drawn[one].stratum for one in usable)
        whole = Counter(draw.stratum for draw in drawn.values())
        chances = {
            one: drawn[one].prob * strata[drawn[one].stratum] / whole[drawn[one].stratum] for one in sorted(usable)
        }
        if len(chances) > len(best.chances):
            best = Known(chances, len(drawn) - len(usable), name)
    return best


def corrected(found: Evidence) -> Section | None:
    asked = panels(found.tally)
    if not asked:
        return None
    blocks: list[Block] = []
    for one in asked:
        known = labelled(found, one)
        why = refusal(found, one, known)
        if not why:
            blocks += [title_of(one), *_question(found, one, known)]
        elif one.expected or found.people.drawn or found.people.samples:
            blocks += [title_of(one), Text(why)]
    return Section("Put right by people's labels", tuple(blocks or [Text(NO_SAMPLE)]))


def refusal(found: Evidence, asked: Asked, known: Known) -> str:
    """Why nothing can be put right, in words; empty where it can."""
    if not (found.people.drawn or found.people.samples):
        return UNDRAWN.format(labels=words.plural(len(asked.expected), "record")) if asked.expected else NO_SAMPLE
    if len(known.chances) >= FEWEST:
        return ""
    sealed = found.people.sealed
    if sealed and not known.chances:
        return (
            f"A sample was drawn, but its {words.plural(sealed, 'test label')} are still sealed. They can be opened "
            "once, when prompts and codebook are final (buttermilk label open)."
        )
    seal = f"; {words.plural(sealed, 'test label')} are still sealed" if sealed else ""
    return (
        f"Too few human labels: {len(known.chances)} of the drawn records have one{seal}. A correction needs at least "
        f"{FEWEST}, and some hundreds to say anything sharp."
    )


def estimates(found: Evidence, asked: Asked, known: Known) -> list[tuple[Corrected, list[Case]]]:
    """By label, most first as the codebook has them; a question in numbers has one: its mean."""
    made = []
    for scored in of_labels(asked):
        cases = _cases(asked, known, scored)
        if not cases:
            continue
        pairs = [(case.truth, case.guess) for case in cases if case.truth is not None]
        others = [case.guess for case in cases if case.truth is None]
        simple = known.equal
        no = Estimate(None, n=len(pairs), note=UNEQUAL)
        row = (
            mean([case.guess for case in cases]),
            mean([truth for truth, _ in pairs]) if simple else no,
            prediction_powered(pairs, others, weight=None) if simple else no,
            design_based(cases),
            prediction_powered(pairs, others, weight=None, corpus=True) if simple else design_based(cases, corpus=True),
        )
        made.append((Corrected(scored.name, row), cases))
    return made


def _cases(asked: Asked, known: Known, scored: Scored) -> list[Case]:
    cases = []
    for record_id, guess in answers(asked, scored).items():
        chance = known.chances.get(record_id)
        truth = None if chance is None else scored.number(asked.first_coder(record_id))
        cases.append(Case(guess, truth, chance if chance and truth is not None else 1.0))
    return cases


def _question(found: Evidence, asked: Asked, known: Known) -> Iterator[Block]:
    made = estimates(found, asked, known)
    yield Text(_sentence(found, asked, known, [one for one, _ in made]))
    if not asked.measured:
        yield _figure(asked, [one for one, _ in made])
    yield _table(asked, known, [one for one, _ in made])
    largest, cases = max(made, key=lambda pair: (pair[0].best.value or 0.0, pair[0].name))
    yield Text(_help(asked, largest, cases, known))
    plan = plan_of(found.run)
    if plan.covariate and plan.outcome in ("", asked.question.name):
        yield _regression(found, asked, known, plan)


def _written(asked: Asked, one: Estimate) -> str:
    return words.corrected(one) if asked.measured else words.share(one)


def _sentence(found: Evidence, asked: Asked, known: Known, made: Sequence[Corrected]) -> str:
    off = max(made, key=lambda one: (abs((one.estimates[0].value or 0.0) - (one.best.value or 0.0)), one.name))
    of = f" of the sample “{known.sample}”" if known.sample else ""
    low, high = min(known.chances.values()), max(known.chances.values())
    chance = f"{words.decimal(low)} each" if known.equal else f"{words.decimal(low)} to {words.decimal(high)}"
    said = f"{words.plural(len(known.chances), 'record')}{of} were labelled by people, drawn with a chance of {chance}."
    if known.thinned:
        said += f" {words.plural(known.thinned, 'drawn record')} without an open label: taken to be missing by chance."
    if absent := found.tally.records - len(asked.votes):
        said += f" {words.plural(absent, 'record')} without an answer of the panel are left out."
    what = "The mean" if asked.measured else f"The share of “{off.name}”"
    return (
        f"{said} {what} is {_written(asked, off.estimates[0])} if the machine's labels are taken for the truth, and "
        f"{_written(asked, off.best)} once they are put right: the number to quote, for all records of this kind. "
        f"Of just these {words.plural(len(asked.votes), 'record')} it is {_written(asked, off.estimates[-1])}."
    )


def _figure(asked: Asked, made: Sequence[Corrected]) -> Figure:
    marks: list[Mark] = []
    for one in made:
        shown = [
            Mark(name, found)
            for name, found in zip(COLUMNS[:4], one.estimates, strict=False)
            if found.value is not None
        ]
        marks += [Mark(f"“{one.name}”"), *shown]
    rows = [
        (
            one.name,
            title,
            *("" if number is None else f"{number:.6g}" for number in found[:3]),
            str(found.n),
            found.note,
        )
        for one in made
        for title, found in zip(COLUMNS, one.estimates, strict=True)
    ]
    said = "; ".join(
        f"{one.name} {words.share(one.estimates[0])} naive, {words.share(one.best)} corrected" for one in made
    )
    shows = f"Shares of the labels of {asked.name}, naive and corrected: {said}."
    what = f"Shares of the labels of “{asked.name}” (step “{asked.step}”)"
    caption = f"{what}: naive, and put right by people's labels; 95% intervals."
    data = grid(
        "Naive and corrected shares.", ("label", "estimate", "share#", "low#", "high#", "labels used#", "note"), rows
    )
    spec = charts.intervals(marks, (), "share of records", as_share=True, shows=shows)
    return Figure(slug("corrected", asked.step, asked.name), caption, shows, spec, data)


def _table(asked: Asked, known: Known, made: Sequence[Corrected]) -> Grid:
    rows = [(one.name, *(_written(asked, estimate) for estimate in one.estimates)) for one in made]
    note = (
        "Naive: the panel's answers, each agent one voice, as if they were true; its interval knows nothing of the "
        "machine's errors. PPI++ (Angelopoulos et al. 2023) trusts the machine as far as it tells people's labels. DSL "
        "(Egami et al. 2023) weighs each label by the known probability of its record. The intervals speak of all "
        "records of this kind, of which these are a sample; the last column (PPI++ if the chances are equal, else DSL) "
        "of just the records of this data set. “Needs equal chances”: these two are for simple random samples."
    )
    return grid(
        f"“{asked.name}”: naive and corrected.", ("label", *(f"{title}#" for title in COLUMNS)), rows, note=note
    )


def _help(asked: Asked, largest: Corrected, cases: Sequence[Case], known: Known) -> str:
    """How many more labels would buy how much: the pilot is this very sample."""
    pairs = [(case.truth, case.guess) for case in cases if case.truth is not None]
    others = [case.guess for case in cases if case.truth is None]
    if not others:
        return "Every record has a human label: no more can be had."
    lam = tuned(pairs, others) if known.equal else 1.0
    rectifier = variance([truth - lam * guess for truth, guess in pairs])
    machine = lam * lam * variance(others) / len(others)
    scale, unit = (1, "") if asked.measured else (100, " points")
    now, more = width(len(pairs), rectifier, machine), min(2 * len(pairs), len(cases))
    needed = labels_for(now / 2, rectifier, machine)
    wanted = f"half of today's would take about {words.count(needed or 0)}."
    if needed is None or needed > len(cases):
        wanted = f"half of today's would take more labels and records than these {words.count(len(cases))}."
    name = "the mean" if asked.measured else f"the share of “{largest.name}”"
    differ = sum(abs(truth - guess) > 0.5 for truth, guess in pairs)
    thin = f" On only {differ} of them people and panel clearly differ: the interval may be too narrow."
    return (
        f"With {words.count(len(pairs))} labels the interval for {name} is about ± {scale * now:.2g}{unit}. With "
        f"{words.count(more)}, drawn at random, it is about ± {scale * width(more, rectifier, machine):.2g}{unit}; "
        f"{wanted}{'' if asked.measured or differ >= 10 else thin}"
    )


# ---- a relation that the flow declared


def _regression(found: Evidence, asked: Asked, known: Known, plan: Analysis) -> Block:
    column = covariate(found, plan.covariate)
    scored = next((one for one in of_labels(asked) if plan.label in ("", one.name)), None)
    if not isinstance(column, Covariate) or scored is None:
        why = column if isinstance(column, str) else f"“{asked.name}” has no label “{plan.label}”."
        return Text(f"The declared relation with “{plan.covariate}” is not estimated: {why}")
    cases = [
        case._replace(x=(1.0, column.values[record_id]))
        for record_id, case in zip(answers(asked, scored), _cases(asked, known, scored), strict=True)
        if record_id in column.values
    ]
    ways: dict[str, How] = {"machine alone (naive)": "naive", "DSL": "dsl"}
    ways |= {"people alone": "classical", "PPI++": "ppi++"} if known.equal else {}
    kinds = [("linear", False)] + ([] if asked.measured else [("logistic", True)])
    rows = [
        (f"{kind}: {title}", words.corrected(corrected_regression(cases, way, logistic=logistic)[1]))
        for kind, logistic in kinds
        for title, way in ways.items()
    ]
    what = "the mean" if asked.measured else f"“{scored.name}”"
    note = (
        "Linear: how much the share (or mean) differs; logistic: the difference in log-odds. Sandwich standard errors, "
        f"of all records of this kind. {column.said}"
    )
    return grid(
        f"How {what} of “{asked.name}” hangs on “{plan.covariate}”.", ("model", "coefficient [95%]#"), rows, note=note
    )
