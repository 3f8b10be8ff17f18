"""The part of a report that shows one estimate made in every declared way, so that none can be picked afterwards."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from buttermilk.analysis import charts_estimates as charts
from buttermilk.analysis import words
from buttermilk.analysis.charts_estimates import Spot
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Figure, Grid, Section, Text, grid
from buttermilk.analysis.plan import Covariate, covariate, plan_of, primary
from buttermilk.analysis.sections.findings import slug, title_of
from buttermilk.analysis.statistics.estimate import Estimate, Label, Votes, percentile
from buttermilk.analysis.statistics.majority import majority, modal
from buttermilk.analysis.statistics.mean import mean
from buttermilk.analysis.statistics.specification import Curve, Specification, curve, p_value, slope
from buttermilk.analysis.tally import Asked, Reader, Tally
from buttermilk.analysis.voices import Scored, answers, of_labels, panels

KINDS = ("agent", "perspective", "prompt", "variables", "repeats")
ALL, ONCE = "all", "asked once"
FIRST, MOST, SHARES = "the first", "the majority", "their shares"
NO_ANSWER = "failed: no usable answer"


class Outcome(NamedTuple):
    """What is estimated in every cell: a share or a mean, or (with a covariate) how it hangs on that."""

    asked: Asked
    scored: Scored
    column: Covariate | None
    title: str

    def of(self, values: Mapping[str, float]) -> Estimate:
        if not values:
            return Estimate(None, note=NO_ANSWER)
        if self.column is None:
            return mean([values[record_id] for record_id in sorted(values)])
        known = [(self.column.values[one], value) for one, value in values.items() if one in self.column.values]
        return slope(known)


def specification(found: Evidence) -> Section | None:
    blocks: list[Block] = []
    for asked in panels(found.tally):
        outcome = _outcome(found, asked)
        if isinstance(outcome, str):
            blocks += [title_of(asked), Text(outcome)]
        elif outcome and len(asked.readers) > 1:
            blocks += [title_of(asked), *_shown(found, outcome)]
    return Section("The same estimate, made in every declared way", tuple(blocks)) if blocks else None


def _outcome(found: Evidence, asked: Asked) -> Outcome | str | None:
    """The declared one; else the panel's commonest label. A question that is not the declared outcome has none."""
    plan = plan_of(found.run)
    if plan.outcome and plan.outcome != asked.question.name:
        return None
    scored = of_labels(asked)
    if plan.label and not asked.measured:
        scored = [one for one in scored if one.name == plan.label]
        if not scored:
            return f"The flow declares the label “{plan.label}”, which “{asked.name}” does not have."
    if len(scored) > 1:
        given = {words.label(label): many for label, many in sum(asked.counts.values(), Counter[Label]()).items()}
        scored = sorted(scored, key=lambda one: (-given.get(one.name, 0), one.name))
    what = "mean" if asked.measured else f"share of “{scored[0].name}”"
    if not plan.covariate:
        return Outcome(asked, scored[0], None, what)
    column = covariate(found, plan.covariate)
    if isinstance(column, str):
        return f"The declared relation with “{plan.covariate}” is not estimated: {column}"
    return Outcome(asked, scored[0], column, f"{what}, by “{plan.covariate}”")


def specifications(tally: Tally, outcome: Outcome, chosen: str = "") -> Iterator[Specification]:
    """Every reader by every rule that makes one answer of its repeats, and the panel as a whole. A reader that gave no
    answer is there too, as failed."""
    asked = outcome.asked
    repeated = {reader for row in asked.votes.values() for reader, votes in row.items() if len(votes) > 1}
    rules: dict[str, Rule] = {FIRST: _first, MOST: _majority, SHARES: Scored.mean}
    for reader in asked.readers:
        for name, rule in rules.items() if reader in repeated else [(ONCE, Scored.mean)]:
            choices = (*asked.facets[reader][1:], name)
            found = outcome.of(_values(outcome, reader, rule))
            yield Specification((tally.name(reader.agent), *choices), found, chosen == named((reader.agent, *choices)))
    whole = answers(asked, outcome.scored)
    panel = {} if asked.measured else {MOST: _of_the_panel(outcome)}
    for name, values in (panel | {SHARES: whole}).items():
        of_all = (ALL, ALL, ALL, ALL, name)
        yield Specification(of_all, outcome.of(values), chosen == named(of_all))


def named(choices: Sequence[str]) -> str:
    """As it is registered: `gpt · tja · judge@3f9a1c · the majority`; `all · the majority`"""
    return " · ".join(dict.fromkeys(choice for choice in choices if choice))


Rule = Callable[[Scored, Votes], float | None]


def _first(scored: Scored, votes: Votes) -> float | None:
    found = scored.votes(votes[:1])
    return found[0] if found else None


def _majority(scored: Scored, votes: Votes) -> float | None:
    """Of labels whether the commonest is the one that is counted, None where that one ties; of numbers the median."""
    if votes and not any(isinstance(label, str) for label in votes):
        found = sorted(scored.votes(votes))
        return percentile(found, 0.5) if found else None
    return _counted(scored, modal(votes))


def _counted(scored: Scored, most: Sequence[Label]) -> float | None:
    values = {scored.number(label) for label in most}
    return values.pop() if len(values) == 1 else None


def _of_the_panel(outcome: Outcome) -> dict[str, float]:
    """The same of all agents, each with one voice."""
    found: dict[str, float] = {}
    for record_id, row in outcome.asked.votes.items():
        voices: dict[str, Votes] = {}
        for reader, votes in row.items():
            voices[reader.agent] = voices.get(reader.agent, ()) + votes
        if (value := _counted(outcome.scored, majority(tuple(voices.values())))) is not None:
            found[record_id] = value
    return found


def _values(outcome: Outcome, reader: Reader, rule: Rule) -> dict[str, float]:
    given = {record_id: row[reader] for record_id, row in outcome.asked.votes.items() if reader in row}
    known = {votes: rule(outcome.scored, votes) for votes in set(given.values())}
    return {record_id: value for record_id, votes in given.items() if (value := known[votes]) is not None}


def _shown(found: Evidence, outcome: Outcome) -> Iterator[Block]:
    chosen = primary(found)
    made = curve(specifications(found.tally, outcome, chosen))
    yield Text(_sentence(outcome, made, chosen))
    if made.median is not None:
        yield _figure(outcome, made)


def _sentence(outcome: Outcome, made: Curve, chosen: str) -> str:
    known = [one.estimate.value for one in made.sorted if one.estimate.value is not None]
    if not known or made.median is None:
        return "No cell has an estimate."
    said = (
        f"The {outcome.title}: {words.plural(len(made.sorted), 'way')} to make it, from {words.decimal(min(known))} "
        f"to {words.decimal(max(known))}, with a median of {words.decimal(made.median)}. "
    )
    if outcome.column:
        said += (
            f"{words.percent(made.same)} of all have the median's sign, {words.percent(made.sure)} with p < .05. "
            f"{outcome.column.said} "
        )
    said += f"{words.plural(made.failed, 'cell')} failed and stand at the end. " if made.failed else ""
    mine = next((one for one in made.sorted if one.chosen), None)
    if mine:
        return said + f"Chosen beforehand: {named(mine.choices)}, {words.corrected(mine.estimate)}."
    if chosen:
        return said + f"What was chosen beforehand, “{chosen}”, is none of these."
    return said + "None was chosen beforehand: whoever reports one of these alone has chosen it after seeing all."


def _figure(outcome: Outcome, made: Curve) -> Figure:
    spots = [_spot(outcome, one) for one in made.sorted]
    kept = [place for place in range(len(KINDS)) if len({one.choices[place] for one in spots} - {ALL, ONCE, ""}) > 1]
    kept = kept or [0]
    spots = [spot._replace(choices=tuple(spot.choices[place] for place in kept)) for spot in spots]
    asked = outcome.asked
    known = [one for one in made.sorted if one.estimate.value is not None]
    ends = (f"{named(one.choices)} {words.corrected(one.estimate)}" for one in (known[0], known[-1]))
    shows = f"Specification curve of the {outcome.title} of {asked.name}, {len(made.sorted)} ways: {' to '.join(ends)}."
    caption = (
        f"The {outcome.title}, estimated in each declared way, by size (“{asked.name}”, step “{asked.step}”). Machine "
        "labels as they are: intervals know nothing of the machine's errors."
    )
    spec = charts.curve(spots, [KINDS[place] for place in kept], outcome.title, 0.0 if outcome.column else None, shows)
    return Figure(
        slug("specifications", asked.step, asked.name), caption, shows, spec, _data(made, kept, bool(outcome.column))
    )


def _spot(outcome: Outcome, one: Specification) -> Spot:
    value, low, high = one.estimate[:3]
    known = None if value is None or low is None or high is None else (value, low, high)
    sure = bool(outcome.column) and p_value(one.estimate) < 0.05
    return Spot(one.choices, known, sure, one.chosen)


def _data(made: Curve, kept: Sequence[int], tested: bool) -> Grid:
    rows = []
    for rank, one in enumerate(made.sorted, 1):
        p = [f"{p_value(one.estimate):.3g}" if one.estimate.value is not None else ""] if tested else []
        note = "chosen beforehand" if one.chosen else one.estimate.note
        choices = (one.choices[place] for place in kept)
        rows.append((str(rank), *choices, *words.plain(one.estimate)[:3], *p, str(one.estimate.n), note))
    titles = ("rank#", *(KINDS[place] for place in kept), "estimate#", "low#", "high#", *(["p#"] if tested else []))
    return grid("Every specification.", (*titles, "records#", "note"), rows)
