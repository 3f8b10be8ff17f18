"""The part of a report that says how the human labels came about: who drew which records, how, and who coded them."""

from collections import Counter
from collections.abc import Iterator

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Grid, Section, Text, grid
from buttermilk.analysis.people import People, strata
from buttermilk.analysis.sections.findings import compared
from buttermilk.core.people import Sample

HOW = {
    "random": "a simple random sample",
    "stratified": "a random sample within strata",
    "uncertainty": "drawn with probabilities that grow with how unsure the machines were",
}


def human_sample(found: Evidence) -> Section | None:
    """None where no sample was drawn."""
    people = found.people
    blocks: list[Block] = [block for sample in people.samples for block in _of_sample(people, sample)]
    if not blocks:
        return None
    blocks += _settled(found)
    blocks += [Text(said) for said in _remarks(people)]
    if people.openings:
        rows = [(one.sample, words.day(one.opened_at), one.by, one.why) for one in people.openings]
        blocks.append(grid("Openings of test labels.", ("sample", "opened", "by", "why"), rows))
    return Section("The human sample", tuple(blocks))


def _of_sample(people: People, sample: Sample) -> Iterator[Block]:
    """`“gold”: 100 of 200 records, a random sample within strata (column:genre), drawn on 26 November 2026 …`"""
    mine = {(one.coder, one.record_id) for one in people.codings if one.sample == sample.name and not one.adjudicated}
    labelled = Counter(coder for coder, _ in mine)
    double = sum(len(draw.coders) > 1 for draw in sample.draws) / len(sample.draws)
    by = f" ({sample.by})" if sample.by else ""
    coders = words.listing(f"{name} ({words.plural(count, 'record')})" for name, count in sorted(labelled.items()))
    yield Text(
        f"“{sample.name}”: {words.count(len(sample.draws))} of {words.plural(sample.population, 'record')}, "
        f"{HOW[sample.how]}{by}, drawn on {words.day(sample.drawn_at)} with the seed {sample.seed}. "
        f"{words.percent(double)} of it was given to two coders. "
        f"Labels that may be looked at: {f'by {coders}' if coders else 'none yet'}."
    )
    yield _strata(people, sample)


def _strata(people: People, sample: Sample) -> Grid:
    labelled = {one.record_id for one in people.codings if one.sample == sample.name}
    rows = []
    for one in strata(sample):
        known = sum(draw.record_id in labelled for draw in one.drawn)
        counts = (one.records, len(one.drawn), one.count("dev"), one.count("test"), known)
        rows.append((one.name, one.prob, *map(words.count, counts)))
    titles = ("stratum", "probability of being drawn#", "records#", "drawn#", "dev#", "test#", "labelled#")
    note = "Labelled: records with a label that may be looked at. Test labels are sealed until they are opened."
    return grid(f"The sample “{sample.name}”.", titles, rows, note=note)


def _settled(found: Evidence) -> Iterator[Block]:
    """By question, how many of the records that people are at odds about were settled."""
    for asked in {one.question.name: one for one in reversed(compared(found.tally)) if one.expected}.values():
        if any(len(coders) > 1 for coders in asked.expected.values()):
            yield Text(
                f"“{asked.name}”: settled afterwards, {words.plural(len(asked.settled), 'record')}; still without a "
                f"reference label, because coders disagree: {len(asked.unsettled)}."
            )


def _remarks(people: People) -> Iterator[str]:
    if people.sealed:
        yield f"{words.plural(people.sealed, 'label')} of test records sealed: counted here, and in nothing else."
    loose = {one.record_id for one in people.codings if one.record_id not in people.drawn}
    if loose:
        others = words.plural(len(loose), "other labelled record")
        yield f"The probabilities of “{people.used}” are used; {others}: of unknown probability."
    unseen = {one.record_id for one in people.codings if not one.blind and not one.adjudicated}
    if unseen:
        yield f"Of {words.plural(len(unseen), 'labelled record')} it is not known that the coder saw no other answer."
    if people.changed:
        count = words.plural(len(people.changed), "record")
        yield f"Changed since they were drawn: {count}. Their labels are of the old words."
