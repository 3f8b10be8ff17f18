"""The part of a report that sets the arm with prior answers beside the control arm."""

from collections.abc import Iterator

from buttermilk.analysis import charts_change, words
from buttermilk.analysis.arms import Beside, both_arms
from buttermilk.analysis.charts_change import PANEL, Spot
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Figure, Grid, Section, Text, grid
from buttermilk.analysis.sections.findings import slug, title_of
from buttermilk.analysis.tally import Tally

WHAT = (
    "Some agents were shown earlier answers before they gave their own; the control arm was asked the same of the same "
    "records without them. Agreement that rises is no progress by itself: who is shown what others said agrees more "
    "with them, right or wrong. What counts is whether the final label is right more often, on records that people "
    "labelled."
)


def arms(found: Evidence) -> Section | None:
    blocks: list[Block] = []
    for one in both_arms(found):
        blocks += [title_of(one.other), *map(Text, _sentences(one)), *_figure(found.tally, one), _table(one)]
        blocks += [_revised(one)] if one.revised.n else []
    return Section("What prior answers did", (Text(WHAT), *blocks)) if blocks else None


def _sentences(one: Beside) -> Iterator[str]:
    yield _more_alike(one)
    value = one.conforming.value
    if value is None:
        why = one.conforming.note if one.conforming.n else "none of the earlier answers that were shown is known"
        yield f"{'Anchoring' if one.anchored else 'Conformity'} is not known: {why}."
    elif one.anchored:
        yield (
            f"Anchoring: for each point by which the mean of the answers shown is higher, the answer is "
            f"{words.decimal(value)} higher than in the control arm."
        )
    else:
        yield (
            f"Conformity: the commonest of the answers shown was given {100 * value:z.1f} percentage points "
            "more often by those who were shown them than in the control arm."
        )
    yield _verdict(one)


def _more_alike(one: Beside) -> str:
    """`Agreement rose from 0.24 to 0.75 while the majority's accuracy fell from 0.80 to 0.77: …`"""
    control, other = one.arms
    before, after = control.agreement.value, other.agreement.value
    if before is None or after is None:
        return f"Agreement between the arms cannot be compared ({other.agreement.note or control.agreement.note})."
    said = f"Agreement {_went(before, after)}"
    if control.majority is None or other.majority is None:
        return f"{said}; whether the answers are more right, nobody can say without human labels."
    right = f"the majority's accuracy {_went(control.majority, other.majority)}"
    if after - before >= 0.005 and other.majority - control.majority < 0.005:
        return f"{said} while {right}: the answers have become more alike, not more right."
    return f"{said}, and {right}."


def _went(before: float, after: float) -> str:
    pair = f"from {words.decimal(before)} to {words.decimal(after)}"
    if words.decimal(before) == words.decimal(after):
        return f"stayed at {words.decimal(before)}"
    return f"{'rose' if after > before else 'fell'} {pair}"


def _verdict(one: Beside) -> str:
    kept = "The control arm's answers are used for a final label."
    if one.majority.value is None:
        return f"It may not be adopted: without human labels nobody can say whether it does harm. {kept}"
    change = f"the majority's accuracy changed by {words.corrected(one.majority)}"
    on = f"{change} on {words.plural(one.majority.n, 'record')}"
    if not one.test:
        why = "none of the human labels is of a test split, so that prompts may be fitted to them"
        return f"It may not be adopted: {why}; {on}. {kept}"
    if one.adopted:
        return f"It may be adopted for a final label: {on} of the test split, and the interval stays above −0.02."
    return f"It is not adopted: {on} of the test split, and the interval does not stay above −0.02. {kept}"


def _figure(tally: Tally, one: Beside) -> Iterator[Figure]:
    spots = []
    for arm, asked in zip(one.arms, (one.control, one.other), strict=True):
        rows = [(who, arm.agreement.value, right) for who, right in zip(PANEL, (arm.majority, arm.single), strict=True)]
        rows += [(tally.name(agent), *both) for agent, both in arm.agents.items()]
        spots += [Spot(who, asked.arm, x, y) for who, x, y in rows if x is not None and y is not None]
    if not spots:
        return
    said = "; ".join(f"{s.who}, {s.arm}: {words.decimal(s.agreement)} and {words.percent(s.accuracy)}" for s in spots)
    name = one.other.question.name
    shows = f"Agreement and accuracy of {name}: {said}."
    caption = (
        f"Agreement against accuracy on the human labels, “{name}” in the step “{one.other.step}”: a line goes from "
        "the control arm to the other. To the right is more alike, upward is more right; small: each agent, agreeing "
        "with all others together."
    )
    table = [(s.who, s.arm, f"{s.agreement:.4f}", f"{s.accuracy:.4f}") for s in spots]
    data = grid("Agreement and accuracy by arm.", ("who", "arm", "agreement#", "accuracy#"), table)
    spec = charts_change.arms(spots, (one.control.arm, one.other.arm), shows)
    yield Figure(slug("arms", one.other.step, one.other.name), caption, shows, spec, data)


def _table(one: Beside) -> Grid:
    control, other = one.arms
    accuracies = [
        (f"accuracy of {name}", *map(_share, pair), words.corrected(change), words.count(change.n))
        for name, pair, change in (
            ("the majority", (control.majority, other.majority), one.majority),
            ("single answers", (control.single, other.single), one.single),
        )
    ]
    agreement = (words.corrected(arm.agreement) for arm in one.arms)
    name, conforming = "anchoring (slope)" if one.anchored else "conformity", one.conforming
    rows = [
        ("agreement (alpha)", *agreement, "", words.count(one.records)),
        *([] if one.anchored else accuracies),
        (name, "", "", words.corrected(conforming), words.count(conforming.n)),
    ]
    note = (
        "Only records of both arms. A tie in a majority counts as the chance of a fair draw. Conformity: how much more "
        "often the commonest of the shown answers is given than in the control arm; where no answer shown was the "
        f"commonest, it is left out ({words.count(conforming.left_out)}). Intervals: bootstrap over records, 95%."
    )
    titles = ("of the arms", f"{one.control.arm}#", f"{one.other.arm}#", "difference [95%]#", "records#")
    return grid(f"The arms of “{one.other.name}” in the step “{one.other.step}”.", titles, rows, note=note)


def _share(value: float | None) -> str:
    return "—" if value is None else words.decimal(value)


def _revised(one: Beside) -> Grid:
    revised = one.revised
    rows = [
        ("from wrong to right (beneficial)", words.percent(revised.beneficial)),
        ("from right to wrong (harmful)", words.percent(revised.harmful)),
        ("from one wrong answer to another", words.percent(revised.neutral)),
        ("the same", words.percent(revised.same)),
    ]
    note = (
        f"{words.plural(revised.n, 'cell')} of labelled records; every answer of the control arm is set beside every "
        "one of the other. Answers that merely wobble move both ways: it is the first line less the second that counts."
    )
    return grid("How answers were revised.", ("", "answers#"), rows, note=note)
