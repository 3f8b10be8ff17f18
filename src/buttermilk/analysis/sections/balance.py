"""What was drawn from what: of the answers that could be shown, how many of each stratum and label were."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Section, Text, grid
from buttermilk.core.flows import Codebook, Flow, Step
from buttermilk.core.jobs import Answer
from buttermilk.core.pool import Habits, Terms, begun, stratum
from buttermilk.core.priors import Priors
from buttermilk.core.records import RecordRef

Class = tuple[str, str, str]  # stratum, question, label
WHO = {"others": "other agents", "own": "the agent asked", "any": "any agent"}


@dataclass
class Shown:
    """One step of one flow, in the arm of its priors. `cells` says who was asked about a record there, and on what
    variables; `few` are the records where a stratum had fewer answers than were wanted."""

    flow: Flow
    step: Step
    priors: Priors
    drawn: Counter[Class] = field(default_factory=Counter)
    weight: dict[Class, float] = field(default_factory=lambda: defaultdict(float))
    pool: Counter[Class] = field(default_factory=Counter)
    cells: dict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    few: set[str] = field(default_factory=set)
    own: int = 0
    kept: int = 0
    none: int = 0

    def classes(self, answer: Answer, habits: Habits) -> Iterator[Class]:
        """`("gpt-5.2 · tja", "harm", "yes")`; whoever reads it sees which answers no model gave."""
        named = " · ".join(stratum(answer, self.priors.strata)) or "all"
        for question, label in habits.labels(answer).items():
            yield f"{named} (simulated)" if answer.simulated else named, question, label


def balance(found: Evidence) -> Section | None:
    shown = [
        Shown(flow, step, step.priors) for flow in found.run.method for step in flow.steps if step.priors is not None
    ]
    if not shown:
        return None
    for one in shown:
        _survey(found, one, list(_rows(found, one)))
    return Section("Which earlier answers were shown", (*_in_words(shown), _counts(shown), *_tables(shown)))


def _rows(found: Evidence, one: Shown) -> Iterator[Mapping[str, Any]]:
    """What was asked in this arm, each cell once: its repeats were shown the same. Counts what was drawn."""
    name, method = one.step.name, found.tally.method
    books = {book.hash: Habits(book) for _, book, _ in method.asked(name)}
    for row in found.store.results(found.run.run_id, name, one.priors.arm):
        swept = json.loads(row["variant"])
        same = row["wave"] == one.flow.wave and all(swept.get(key) == value for key, value in one.flow.variant.items())
        if row["repeat"] != 1 or not same:
            continue
        habits = books[row["codebook_hash"]]
        answers = [Answer.model_validate(given) for given in row["priors"]]
        sizes = Counter(stratum(answer, one.priors.strata) for answer in answers)
        for answer in answers:
            for key in one.classes(answer, habits):
                one.drawn[key] += 1
                one.weight[key] += answer.weight or 1
        one.few |= {row["record_id"]} if min(sizes.values()) < one.priors.n else set()
        one.own += any(answer.agent == row["agent"] for answer in answers)
        yield {name: row[name] for name in ("record_id", "agent", "codebook_hash")} | {
            "variables": json.dumps({name: swept[name] for name in one.step.variables})
        }


def _survey(found: Evidence, one: Shown, rows: Sequence[Mapping[str, Any]]) -> None:
    """Count what could have been drawn, wherever something was, and the records where nothing could be."""
    asked = {row["record_id"] for row in rows}
    for refs in found.store.refs(found.run.dataset_fingerprint):
        kept = {ref.record_id for ref in refs if one.priors.only_control(one.flow.seed, ref.record_id)}
        one.kept += len(kept)
        one.none += sum(ref.record_id not in asked | kept for ref in refs)
    for codebook_hash in dict.fromkeys(row["codebook_hash"] for row in rows) if one.priors.arm == "priors" else ():
        for row in rows:
            if row["codebook_hash"] == codebook_hash:
                one.cells[row["record_id"]][row["agent"], row["variables"]] += 1
        _pool(found, one, found.tally.method.codebook(one.step.name, codebook_hash))
        one.cells.clear()


def _pool(found: Evidence, one: Shown, codebook: Codebook) -> None:
    first, habits = dict[str, datetime](), Habits(codebook)

    def given(refs: Sequence[RecordRef]) -> Mapping[str, Any]:
        ids = [ref.record_id for ref in refs]
        return found.store.pool(one.step.name, codebook.hash, ids, one.priors.runs)

    for refs in found.store.refs(found.run.dataset_fingerprint):
        for answers in given(refs).values():
            begun(answers, first)
    terms = Terms.of(one.priors, found.run.run_id, one.flow.wave, first)
    for refs in found.store.refs(found.run.dataset_fingerprint):
        pools = given(refs)
        for ref in refs:
            earlier = terms.earlier(pools.get(ref.record_id, ()), ref.seen_hash)
            keys = {other.answer.job_id: list(one.classes(other.answer, habits)) for other in earlier}
            for (agent, variables), times in one.cells.get(ref.record_id, {}).items():
                for other in terms.shown_to(agent, json.loads(variables), earlier):
                    for key in keys[other.answer.job_id]:
                        one.pool[key] += times


def _in_words(shown: Sequence[Shown]) -> Iterator[Block]:
    for one in {(each.step.name, each.priors): each for each in shown}.values():
        priors = one.priors
        about = "the same record" if priors.scope == "same_record" else "similar records (words in common)"
        of_each = f" of each {words.listing(priors.strata)}" if priors.strata else ""
        where = words.listing(name.replace("_", " ") for name in priors.source)
        back = f", at most {words.plural(priors.window, 'wave')} back" if priors.window else ""
        how = {
            "lift": "the more often the less the answer is the agent's habit (lift, clipped to 0.5 to 2)",
            "uniform": "each as likely as any other",
        }
        yield Text(
            f"In “{one.step.name}” agents were also asked in an arm “{priors.arm}”, beside the control arm: there they "
            f"were shown up to {priors.n} earlier answers{of_each} about {about}, by {WHO[priors.agents]}, from {where}"
            f"{back}, drawn by the seed, {how[priors.weights]}; without names, numbers or dates. Only answers of "
            "machines in the control arm of earlier waves were drawn; labels by people never."
        )


def _counts(shown: Sequence[Shown]) -> Block:
    rows = []
    for one in shown:
        told = words.count(one.own) if one.priors.agents == "others" else "—"
        numbers = (one.kept, one.none, len(one.few))
        rows.append((one.step.name, one.flow.wave, one.priors.arm, *map(words.count, numbers), told))
    titles = (
        "step", "wave", "arm", "control-only records#", "records with none to show#", "with fewer than wanted#",
        "shown to their own agent#",
    )  # fmt: skip
    note = "Control-only: never asked with earlier answers, as the seed decides."
    return grid("Where earlier answers were shown, and where not.", titles, rows, note=note, grouped=True)


def _tables(shown: Sequence[Shown]) -> Iterator[Block]:
    note = (
        "Could be drawn and drawn are counted once for each agent and setting that was asked. Mean weight: of those "
        "drawn; habitual answers weigh 0.5, the least."
    )
    for one in shown:
        for question in dict.fromkeys(question for _, question, _ in [*one.pool, *one.drawn]):
            keys = sorted((key for key in {*one.pool, *one.drawn} if key[1] == question), key=_order(one, question))
            rows = [(key[0], key[2], *_figures(one, key)) for key in keys]
            caption = f"{one.step.name}, wave {one.flow.wave}: {question}, what was drawn from what."
            titles = ("stratum", "label", "could be drawn#", "drawn#", "share#", "mean weight#")
            if rows:
                yield grid(caption, titles, rows, note=note, grouped=True)


def _order(one: Shown, question: str) -> Callable[[Class], tuple[str, int, str]]:
    """By stratum; labels as the codebook has them."""
    known = [name for leaf in one.step.codebook.leaves if leaf.name == question for name in leaf.label_names]
    return lambda key: (key[0], known.index(key[2]) if key[2] in known else len(known), key[2])


def _figures(one: Shown, key: Class) -> tuple[str, str, str, str]:
    pool, drawn = one.pool[key], one.drawn[key]
    weight = f"{one.weight[key] / drawn:.2f}" if drawn else "—"
    if one.priors.arm != "priors":  # which records are near is worked out anew for each; the rest is no pool of it
        return "—", words.count(drawn), "—", weight
    return words.count(pool), words.count(drawn), f"{drawn / pool:.0%}" if pool else "—", weight
