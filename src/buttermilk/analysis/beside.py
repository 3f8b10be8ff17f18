"""Two sides of what is stored: runs, agents, perspectives, prompts, waves or arms, paired by record and by everything
else that is equal, question by question."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from buttermilk.analysis import words
from buttermilk.analysis.changes import Share, apart, differs, shares
from buttermilk.analysis.frame import counted
from buttermilk.analysis.method import Method
from buttermilk.analysis.statistics.agreement import agreement
from buttermilk.analysis.statistics.alpha import alpha
from buttermilk.analysis.statistics.drift import Sides, drift, scale_of
from buttermilk.analysis.statistics.estimate import Estimate, Votes
from buttermilk.analysis.statistics.holm import holm
from buttermilk.analysis.statistics.majority import modal
from buttermilk.core.flows import Question
from buttermilk.core.hashing import derive_seed
from buttermilk.core.tables import Table

Cell = tuple[str, ...]
"""Agent, perspective, prompt, variables, arm: empty where it makes no difference, or is what is compared."""

FACETS = ("agent", "perspective", "prompt", "variant", "arm")
ENOUGH = 3  # answers a side: fewer are never rare enough to tell a change from a wobble


class Answers(NamedTuple):
    """What one side said: labels, and the jobs that have them in full."""

    votes: Votes = ()
    jobs: tuple[str, ...] = ()


Side = dict[tuple[str, str], dict[str, dict[Cell, Answers]]]
"""(step, question) -> record -> cell -> answers."""


class Turn(NamedTuple):
    """A record, under what, whose commonest answers are others on the other side. `p` (Fisher's, or of ranks) where
    there are three answers a side."""

    record_id: str
    under: str
    before: Answers
    after: Answers
    p: float | None


class Contrast(NamedTuple):
    """One question. `p` is of its labels' tests together (Bonferroni), `adjusted` after Holm over all questions;
    `left_out` counts the records that one side lacks."""

    step: str
    question: Question
    records: int
    cells: int
    left_out: int
    same: Estimate
    alpha: Estimate
    shares: tuple[Share, ...]
    beyond: Estimate
    turns: tuple[Turn, ...]
    p: float | None
    adjusted: float | None = None

    @property
    def measured(self) -> bool:
        return self.question.level in ("interval", "ratio")

    def as_json(self) -> dict[str, Any]:
        named = {"step": self.step, "question": self.question.name}
        numbers = {name: getattr(self, name) for name in ("records", "cells", "left_out", "p", "adjusted")}
        found = {name: told(getattr(self, name)) for name in ("same", "alpha", "beyond")}
        moved = [{**one._asdict(), "difference": told(one.difference)} for one in self.shares]
        turned = [{**one._asdict(), "before": one.before._asdict(), "after": one.after._asdict()} for one in self.turns]
        return named | numbers | found | {"shares": moved, "flips": turned}


def told(one: Estimate) -> dict[str, Any]:
    return {**one._asdict(), "test": one.test.p if one.test else None}


def gather(
    rows: Iterable[Mapping[str, Any]], method: Method, is_of: Callable[[Mapping[str, Any]], bool], by: str
) -> tuple[Side, dict[tuple[str, str], Question], bool]:
    """One pass: what a side said, the questions, and whether any answer is simulated."""
    side: Side = {}
    questions: dict[tuple[str, str], Question] = {}
    simulated = False
    for row in rows:
        if row["status"] != "answered" or not is_of(row):
            continue
        simulated = simulated or bool(row["simulated"])
        cell = _cell(method, row, by)
        for question, label in counted(method.codebook(row["step"], row["codebook_hash"]), "answered", row["answers"]):
            questions.setdefault((row["step"], question.name), question)
            cells = side.setdefault((row["step"], question.name), {}).setdefault(row["record_id"], {})
            was = cells.get(cell, Answers())
            cells[cell] = Answers((*was.votes, label), (*was.jobs, row["job_id"]))
    return side, questions, simulated


def _cell(method: Method, row: Mapping[str, Any], by: str) -> Cell:
    facets, names = method.facets(row), [one.name for one in method.prompts(row["step"])]
    prompt = row["prompt"] if len(set(names)) > 1 else facets.prompt if len(names) > 1 else ""
    agent = method.shown(row["agent"], row["agent_hash"])
    given = (agent, facets.perspective, prompt, facets.variant, row["arm"])
    return tuple("" if name == by else part for name, part in zip(FACETS, given, strict=True))


def contrasts(
    before: Side, after: Side, questions: Mapping[tuple[str, str], Question], *, seed: int
) -> tuple[Contrast, ...]:
    """Of each question that both sides were asked, in the order of the questions."""
    found = [
        _contrast(key, question, *_alike(before[key], after[key]), derive_seed(seed, "beside", *key))
        for key, question in questions.items()
        if key in before and key in after
    ]
    adjusted = iter(holm([one.p for one in found if one.p is not None]))
    return tuple(one._replace(adjusted=None if one.p is None else next(adjusted)) for one in found)


Records = dict[str, dict[Cell, Answers]]


def _alike(before: Records, after: Records) -> tuple[Records, Records]:
    """What one side has nowhere (a tool takes no perspective) makes no difference: the other's are taken together."""
    sides = [{cell for cells in side.values() for cell in cells} for side in (before, after)]
    absent = [any(all(not cell[place] for cell in side) for side in sides) for place in range(len(FACETS))]
    return _merged(before, absent), _merged(after, absent)


def _merged(records: Records, absent: Sequence[bool]) -> Records:
    merged: Records = {}
    for record_id, cells in records.items():
        kept = merged.setdefault(record_id, {})
        for cell in sorted(cells):
            place = tuple("" if gone else part for part, gone in zip(cell, absent, strict=True))
            was = kept.get(place, Answers())
            kept[place] = Answers(was.votes + cells[cell].votes, was.jobs + cells[cell].jobs)
    return merged


def _contrast(key: tuple[str, str], question: Question, before: Records, after: Records, seed: int) -> Contrast:
    both = {one: sorted(before[one].keys() & after[one].keys()) for one in sorted(before.keys() & after.keys())}
    both = {one: cells for one, cells in both.items() if cells}
    records: list[list[Sides]] = [
        [(before[one][cell].votes, after[one][cell].votes) for cell in cells] for one, cells in both.items()
    ]
    measured = question.level in ("interval", "ratio")
    order = question.label_names if question.level == "ordinal" else ()
    moved = tuple(shares(records, measured, seed)) if records else ()
    units = [sides for cells in records for sides in cells]
    ps = [one.difference.test.p for one in moved if one.difference.test]
    p = min(1.0, min(ps) * (len(ps) if len(ps) > 2 else 1)) if ps else None
    corrected = alpha(units, question.level, order if units else (), seed=seed)  # type: ignore[arg-type]
    beyond = drift(records, seed=seed, scale=scale_of(records, order, measured=measured))
    return Contrast(
        key[0], question, len(records), len(units), len(before.keys() | after.keys()) - len(records), agreement(units),
        corrected, moved, beyond, tuple(_turns(both, before, after, measured)), p,
    )  # fmt: skip


def _turns(both: Mapping[str, Sequence[Cell]], before: Records, after: Records, measured: bool) -> list[Turn]:
    found: list[tuple[tuple[float, float, str, str], Turn]] = []
    for record_id, cells in both.items():
        for cell in cells:
            one, two = before[record_id][cell], after[record_id][cell]
            if _said(one.votes, measured) & _said(two.votes, measured):
                continue
            p = differs((one.votes, two.votes), measured).p if min(map(len, (one.votes, two.votes))) >= ENOUGH else None
            under = " · ".join(part for part in cell[:-1] if part)
            size = apart((one.votes, two.votes), measured)
            found.append(((1.0 if p is None else p, -size, record_id, under), Turn(record_id, under, one, two, p)))
    return [turn for _, turn in sorted(found, key=lambda pair: pair[0])]


def _said(votes: Votes, measured: bool) -> set[str]:
    """The commonest answers; of numbers, all."""
    return set(map(words.label, votes if measured else modal(votes)))


def given(one: Answers) -> str:
    """`no ×2, yes`"""
    counts = sorted(Counter(map(words.label, one.votes)).items())
    return ", ".join(f"{name} ×{times}" if times > 1 else name for name, times in counts)


def flips_table(found: Iterable[Contrast], sides: tuple[str, str]) -> Table:
    rows = (
        (one.step, one.question.name, turn.record_id, turn.under, given(turn.before), given(turn.after), turn.p,
         " ".join(turn.before.jobs), " ".join(turn.after.jobs))
        for one in found
        for turn in one.turns
    )  # fmt: skip
    return Table(("step", "question", "record_id", "under", *sides, "p", *(f"jobs_{side}" for side in sides)), rows)


def shares_table(found: Iterable[Contrast], sides: tuple[str, str]) -> Table:
    titles = ("step", "question", "label", *sides, "difference", "low", "high", "p", "records", "p_question_holm")
    rows = (
        (one.step, one.question.name, *share[:3], *share.difference[:3],
         share.difference.test.p if share.difference.test else None, one.records, one.adjusted)
        for one in found
        for share in one.shares
    )  # fmt: skip
    return Table(titles, rows)
