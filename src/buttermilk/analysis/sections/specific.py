"""The part of a report that asks how much the answers are about the records, and how much habit."""

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Section, Text, grid
from buttermilk.analysis.sections.findings import compared, reader_name, title_of
from buttermilk.analysis.statistics.lift import NEEDS_REPEATS, Lift, lift
from buttermilk.core.hashing import derive_seed

WHAT = (
    "Lift is how much likelier an answer is on its record than on the others, by the same agent: log(q / b), q the "
    "share of the answer on the record, b on all other records, in the control arm. “By chance” is the lift of the "
    "same answers dealt to the records at random; what is above it is about the record, the rest is habit. "
    "“Needs repeats”: with one answer a record, habit cannot be told from what is said of the record."
)


def specific(found: Evidence) -> Section | None:
    blocks: list[Block] = []
    for asked in compared(found.tally):
        if asked.measured or asked.arm != "control":
            continue
        seed = derive_seed(found.run.seed, "lift", asked.step, asked.codebook, asked.name)
        lifted = {}
        for reader in asked.readers:
            given = [asked.votes[one].get(reader, ()) for one in asked.records]
            lifted[reader_name(found.tally, reader)] = lift(given, asked.labels(), seed=derive_seed(seed, *reader))
        rows = [(name, *_told(one), words.count(one.of.n)) for name, one in lifted.items()]
        if all(one.of.value is None for one in lifted.values()):
            continue
        titles = ("agent and perspective", "lift [95%]#", "by chance#", "times as likely#", "records#")
        caption = f"How specific the answers to “{asked.name}” are in the step “{asked.step}”."
        blocks += [title_of(asked), grid(caption, titles, rows)]
    return Section("How specific the answers are", (Text(WHAT), *blocks)) if blocks else None


def _told(one: Lift) -> tuple[str, str, str]:
    chance = "—" if one.by_chance is None else words.decimal(one.by_chance)
    lifted = "needs repeats" if one.of.note == NEEDS_REPEATS else words.corrected(one.of)
    return lifted, chance, "—" if one.times is None else words.decimal(one.times)
