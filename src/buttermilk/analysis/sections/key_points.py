"""The part of a report on points that were expected: whose answers make them, by the word of which scorer."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import fsum
from typing import Any

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Heading, Section, Text, grid
from buttermilk.analysis.sections.differing import read_by_id, who
from buttermilk.analysis.statistics.paired import paired
from buttermilk.core.flows import Question, Step
from buttermilk.core.hashing import derive_seed
from buttermilk.core.kinship import scored_by_kin
from buttermilk.core.points import Point, expected_points, point, points_of

CHUNK = 500  # rows
ITEM, NOBODY = "the item", "an answer that does not exist"
Row = Mapping[str, Any]
Entries = Sequence[tuple[str, Mapping[str, Any]]]


@dataclass
class Scored:
    """What one scorer says of one agent: `shares[record_id]` has the score of each of its answers."""

    shares: dict[str, list[float]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def key_points(found: Evidence) -> Section | None:
    """None where nobody scores points as the codebook `key_points` does."""
    blocks: list[Block] = []
    for name, versions in found.tally.method.steps.items():
        question = points_of(versions[0].codebook)
        if question:
            blocks += [Heading(f"{name}: {question.name}"), *_of_step(found, versions[0], question)]
    return Section("Which of the expected points are made", tuple(blocks)) if blocks else None


def _of_step(found: Evidence, step: Step, question: Question) -> Iterator[Block]:
    kin = {one.said for flow in found.run.method for one in scored_by_kin(flow.steps) if one.step == step.name}
    yield from (Text(f"{said}. Let another family score them as well.", "caution") for said in sorted(kin))
    scored: dict[tuple[str, str], Scored] = {}
    results = (row for row in found.store.results(found.run.run_id, step.name) if row["answers"])
    while rows := list(islice(results, CHUNK)):
        _score(found, step, question, rows, scored)
    if not scored:
        yield Text("No points were scored.")
        return
    lines = []
    for (judged, scorer), one in sorted(scored.items()):
        units = [((0.0,), one.shares[record_id]) for record_id in sorted(one.shares)]
        share = paired(units, seed=derive_seed(found.run.seed, "key points", step.name, judged, scorer))
        counts = (one.counts[name] for name in ("points", "skipped", "invented", "unborne"))
        lines.append((judged, scorer, words.share(share), words.count(share.n), *map(words.count, counts)))
    note = (
        "Score: the share of the expected points that an answer makes, by their weights (1 where none is given); a "
        "point that is partly made counts by its verdict's place between the least and the most. The mean over "
        "records, with a 95% interval over them. Not scored: expected points on which the scorer gave no verdict; they "
        "are left out of the score. Not expected: verdicts on points that are in no list. Without words: points called "
        "made for which no words were given, or words that are neither in the record nor in an answer."
    )
    titles = (
        "whose answers", "scored by", "score [95%]#", "records#", "verdicts#", "not scored#", "not expected#",
        "without words#",
    )  # fmt: skip
    yield grid(f"Expected points that are made, by the step “{step.name}”.", titles, lines, note=note)


def _score(
    found: Evidence, step: Step, question: Question, rows: Sequence[Row], scored: dict[tuple[str, str], Scored]
) -> None:
    records = found.store.records([row["record_hash"] for row in rows])
    read = read_by_id(found, step, list({row["record_id"] for row in rows}))
    for row in rows:
        record = records.get(row["record_hash"])
        expected = expected_points(json.loads(row["variant"]), record.metadata if record else {})
        scorer = found.tally.name(found.tally.method.shown(row["agent"], row["agent_hash"]))
        by_answer: dict[str | None, list[tuple[str, Mapping[str, Any]]]] = {}
        for number, entry in enumerate(row["answers"].get(question.name) or (), 1):
            by_answer.setdefault(entry.get("answer"), []).append((f"{question.name}.{number}.evidence", entry))
        for shown, entries in by_answer.items():
            judged = ITEM if shown is None else who(read[shown]) if shown in read else NOBODY
            one = scored.setdefault((judged, scorer), Scored())
            share = _share(question, entries, expected, one.counts)
            one.counts["unborne"] += _unborne(question, entries, row["quotes"])
            if share is not None:
                one.shares.setdefault(row["record_id"], []).append(share)


def _verdicts(question: Question) -> dict[str, float]:
    """`{"missed": 0, "partly": 0.5, "met": 1}`"""
    names = next(part.label_names for part in question.parts if part.name == "verdict")
    return {name: place / (len(names) - 1) for place, name in enumerate(names)}


def _share(question: Question, entries: Entries, expected: Sequence[Point], counts: Counter[str]) -> float | None:
    """Of one answer; of a point with several verdicts their mean. None where no expected point has any."""
    values, given = _verdicts(question), dict[str, list[float]]()
    for _, entry in entries:
        given.setdefault(point(entry["point"]).key, []).append(values[entry["verdict"]])
    weights = {one.key: one.weight for one in expected} or dict.fromkeys(given, 1.0)
    known = [key for key in weights if key in given]
    counts["points"] += len(entries)
    counts["skipped"] += len(weights) - len(known)
    counts["invented"] += sum(key not in weights for key in given)
    total = fsum(weights[key] for key in known)
    return fsum(weights[key] * fsum(given[key]) / len(given[key]) for key in known) / total if total else None


def _unborne(question: Question, entries: Entries, quotes: Mapping[str, str]) -> int:
    """Points that are called made, wholly or in part, without words that are there."""
    least = min(_verdicts(question).items(), key=lambda item: item[1])[0]
    made = [(path, entry) for path, entry in entries if entry["verdict"] != least and "evidence" in entry]
    return sum(not entry["evidence"] or quotes.get(path) == "missing" for path, entry in made)
