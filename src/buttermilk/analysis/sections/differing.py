"""The part of a report that says where readers really differ: topic, positions, who holds them, and the words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Heading, Section, Text, grid
from buttermilk.core.flows import Question, Step
from buttermilk.core.jobs import Answer
from buttermilk.core.records import Record

SHOWN = 15  # records
Row = Mapping[str, Any]
FOUND = {
    "near": "nearly so in the record",
    "earlier": "not in the record, in an answer",
    "missing": "not in the record",
}


def differing(found: Evidence) -> Section | None:
    """None where no step names differences as the codebook `differences` does."""
    blocks: list[Block] = []
    for name, versions in found.tally.method.steps.items():
        question = _asked(versions[0])
        if question:
            blocks += [Heading(f"{name}: {question.name}"), *_of_step(found, versions[0], question)]
    return Section("Where the readers really differ", tuple(blocks)) if blocks else None


def _asked(step: Step) -> Question | None:
    """The list whose entries have a `topic` and `positions` with the `answers` that hold them."""
    for question in step.codebook.questions:
        lists = {part.name: part.many and {one.level for one in part.parts} for part in question.parts}
        if question.many and "topic" in lists and "answer" in (lists.get("positions") or ()):
            return question
    return None


def _of_step(found: Evidence, step: Step, question: Question) -> Iterator[Block]:
    answered, named, kept = 0, 0, dict[str, list[Row]]()
    seen: set[str] = set()
    for row in found.store.results(found.run.run_id, step.name):
        said = (row["answers"] or {}).get(question.name)
        answered += said is not None
        if said:
            named += len(said)
            seen.add(row["record_id"])
            if row["record_id"] in kept or len(kept) < SHOWN:
                kept.setdefault(row["record_id"], []).append(row)
    times, records = words.plural(named, "difference"), words.plural(len(seen), "record")
    yield Text(f"Named in {words.plural(answered, 'answer')}: {times}, on {records}.")
    if not kept:
        return
    rows = [line for record_id, of in kept.items() for line in _rows(found, step, question, record_id, of)]
    more = f", on the first {SHOWN} of {words.count(len(seen))} records" if len(seen) > SHOWN else ""
    note = (
        "Who holds a position is read from the ids that were cited; each id, and the job's, shows its answer by: "
        "buttermilk show ID. An id that is called none is of no answer that was read."
    )
    titles = ("record", "topic", "position", "held by", "why", "passage", "job`")
    yield grid(f"The differences that “{step.name}” names{more}.", titles, rows, note=note, grouped=True)


def _rows(found: Evidence, step: Step, question: Question, record_id: str, of: list[Row]) -> Iterator[tuple[str, ...]]:
    """One for each position; the topic and its passage stand beside the first."""
    record = found.store.records([of[0]["record_hash"]]).get(of[0]["record_hash"])
    read = read_by_id(found, step, [record_id])
    for row in of:
        agent = found.tally.name(found.tally.method.shown(row["agent"], row["agent_hash"]))
        for place, one in enumerate(row["answers"][question.name], 1):
            kind = f" ({one['kind']})" if one.get("kind") else ""
            verdict = row["quotes"].get(f"{question.name}.{place}.passage", "")
            beside = (f"{one['topic']}{kind}", _passage(one.get("passage"), verdict, record), row["job_id"][:12])
            for position in one["positions"] or [{}]:
                held = (position.get("position") or "none named", _holders(position.get("answers", ()), read))
                yield f"{record_id} · {agent}", beside[0], *held, position.get("why") or "—", *beside[1:]
                beside = ("", "", "")


def read_by_id(found: Evidence, step: Step, record_ids: Sequence[str]) -> dict[str, Answer]:
    """By the id under which it was shown, every answer about some records that the step could read."""
    sources = dict.fromkeys(step.reads.values())
    answers = (found.store.answers(found.run.run_id, source, record_ids) for source in sources)
    return {one.shown_id: one for by_record in answers for given in by_record.values() for one in given}


def who(answer: Answer) -> str:
    return f"{answer.agent} (simulated)" if answer.simulated else answer.agent


def _holders(cited: Any, read: Mapping[str, Answer]) -> str:
    """`reader_a (simulated) · tja, time 2: 3f9a1c22`, a line each."""
    lines = []
    for shown in cited:
        one = read.get(shown)
        if one is None:
            lines.append(f"none: {words.excerpt(shown, 40)}")
            continue
        lines.append(f"{' · '.join(filter(None, (who(one), one.perspective)))}, time {one.repeat}: {shown}")
    return "\n".join(lines) or "nobody"


def _passage(quoted: str | None, verdict: str, record: Record | None) -> str:
    """`“a generous master” (sign 8 of the text)`"""
    if not quoted:
        return "—"
    shown = f"“{words.excerpt(quoted)}”"
    at = record.text.find(quoted) if record else -1
    if verdict == "exact" and at >= 0:
        return f"{shown} (from sign {at + 1:,} of the text)"
    return f"{shown} ({FOUND[verdict]})" if verdict in FOUND else shown
