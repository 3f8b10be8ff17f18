"""The part of a report that sets each synthesis beside the panel it read: is it right more often, and where it departs.
A synthesis never votes beside those it read; here alone the two are compared, record by record."""

from collections import Counter
from collections.abc import Iterator, Sequence

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.frame import counted
from buttermilk.analysis.page import Block, Grid, Section, Text, grid
from buttermilk.analysis.panel import Lift, Panel, lift, panels
from buttermilk.analysis.sections.findings import spoken, title_of
from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.core.hashing import derive_seed

UNLABELLED = (
    "Nobody labelled these records: whether the synthesis is right more often than its panel cannot be told. Below is "
    "where it departs from it."
)
SHOWN = 15  # records on which a synthesis departs from its panel


def syntheses(found: Evidence) -> Section | None:
    """None where no step answers the questions of the steps that it read."""
    blocks: list[Block] = []
    for panel in panels(found.tally):
        asked = panel.synthesis
        blocks.append(title_of(asked))
        if any(asked.first_coder(record_id) is not None for record_id in panel.records):
            blocks += _beside_people(
                lift(panel, derive_seed(found.run.seed, "lift", asked.step, asked.name)), found, panel
            )
        else:
            blocks.append(Text(UNLABELLED))
        blocks += [_departures(panel), *_departing(found, panel)]
    return Section("What a synthesis adds to its panel", tuple(blocks)) if blocks else None


def _beside_people(seen: Lift, found: Evidence, panel: Panel) -> Iterator[Block]:
    judges = words.listing(map(found.tally.name, seen.chosen)) or "none"
    shown = [
        ("the synthesis", words.share(seen.synthesis), "", seen.synthesis),
        ("the panel's majority", words.share(seen.majority), _points(seen.over_majority), seen.majority),
        (f"its best single judge ({judges})", words.share(seen.single), _points(seen.over_single), seen.single),
    ]
    rows = [(who, right, more, words.count(of.n), words.count(of.left_out)) for who, right, more, of in shown]
    note = (
        "Right: the share of answers that are the human label. In the majority each agent has one voice, and a tie "
        "that holds the right label counts as right by its share, as if lots were drawn. The best judge is chosen "
        "on one half of the records and scored on the other, and the other way round: who is best on the labels that "
        "score it looks better than it is. Lift: percentage points by which the synthesis is right more often, "
        "with a 95% interval over the same records."
    )
    titles = ("who", "right [95%]#", "lift of the synthesis [95%]#", "records#", "left out#")
    asked = panel.synthesis
    yield grid(f"“{asked.name}” in the step “{asked.step}” beside the people's labels.", titles, rows, note=note)
    yield Text(f"{_verdict(seen.over_majority, 'majority')} {_verdict(seen.over_single, 'best single judge')}")


def _points(estimate: Estimate) -> str:
    """`+3.1 [−0.4, 6.6]`, or why there is none."""
    if estimate.value is None:
        return estimate.note
    value, low, high = (None if end is None else f"{100 * end:+z.1f}".replace("-", "−") for end in estimate[:3])
    return f"{value} [{low}, {high}]" if low and high else f"{value} ({estimate.note})"


def _verdict(estimate: Estimate, beside: str) -> str:
    if estimate.low is None or estimate.high is None:
        return f"Against the {beside} there is no interval: {estimate.note or 'too few records'}."
    if estimate.low > 0:
        return f"The synthesis is right more often than the {beside}."
    if estimate.high < 0:
        return f"The synthesis is right less often than the {beside}: take that instead."
    return f"Whether the synthesis is right more often than the {beside} cannot be told from these records."


def _departures(panel: Panel) -> Text:
    """How often it says what its panel does, counted by its answers."""
    came: Counter[str] = Counter()
    for record_id in panel.records:
        majority, said = panel.majorities[record_id], panel.said(record_id)
        given = {label for votes in panel.voices[record_id].values() for label in votes}
        came["answers"] += len(said)
        came["decided" if len(majority) == 1 else "tied"] += len(said)
        came["departed"] += sum(label not in majority for label in said) if len(majority) == 1 else 0
        came["new"] += sum(label not in given for label in said)
        if len(given) == 1:
            came["unanimous"] += 1
            came["overturned"] += any(label not in given for label in said)
    decided = came["decided"]
    kept = words.percent(1 - came["departed"] / decided) if decided else "none"
    head = f"Of {words.plural(came['answers'], 'answer')} of the synthesis, {words.count(decided)} are about a record "
    text = (
        f"{head}on which the panel has a majority: {kept} of these say what it says, {words.count(came['departed'])} "
        f"depart from it. {words.count(came['tied'])} are about a panel that is tied. A label that nobody of the panel "
        f"had given: {words.count(came['new'])}. Of {words.plural(came['unanimous'], 'unanimous panel')}, "
        f"{words.count(came['overturned'])} found another answer in the synthesis."
    )
    return Text(text, "caution" if came["new"] or came["overturned"] else "plain")


def _departing(found: Evidence, panel: Panel) -> Iterator[Grid]:
    """The records on which it departs from a panel that had a majority, with the jobs in which it did."""
    decided = {one: most for one, most in panel.majorities.items() if len(most) == 1}
    departs = [one for one, most in decided.items() if set(panel.said(one)) - set(most)]
    if not departs:
        return
    jobs = _jobs(found, panel, departs[:SHOWN])
    rows = []
    for record_id, said in jobs.items():
        person = panel.synthesis.first_coder(record_id)
        heard = spoken(found.tally, dict(sorted(panel.voices[record_id].items())))
        rows.append(
            (
                record_id, heard, words.label(decided[record_id][0]), "\n".join(label for label, _ in said),
                "—" if person is None else words.label(person), "\n".join(job for _, job in said),
            )
        )  # fmt: skip
    more = f", the first {SHOWN} of {words.count(len(departs))}" if len(departs) > SHOWN else ""
    asked = panel.synthesis
    yield grid(
        f"Where the synthesis departs from its panel's majority on “{asked.name}”, step “{asked.step}”{more}.",
        ("record", "panel", "majority", "synthesis", "human label", "job`"),
        rows,
        note="A job is shown whole, with the answers it read, by: buttermilk show JOB",
    )


def _jobs(found: Evidence, panel: Panel, wanted: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """record -> what was said in which job; one more pass over the answers of this step alone."""
    asked, method = panel.synthesis, found.tally.method
    jobs: dict[str, list[tuple[str, str]]] = {record_id: [] for record_id in wanted}
    for row in found.store.results(found.run.run_id, asked.step):
        if row["record_id"] in jobs and row["arm"] == asked.arm:
            for question, label in counted(
                method.codebook(row["step"], row["codebook_hash"]), row["status"], row["answers"]
            ):
                if question.name == asked.question.name:
                    jobs[row["record_id"]].append((words.label(label), row["job_id"][:12]))
    return jobs
