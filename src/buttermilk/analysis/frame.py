"""The tidy frame, the face of the store: one row per answer and question, in an order that content alone decides. A
*no*, a null, a refusal and an unreadable answer stay four things: `label` is `false`; `label` is empty and `status` is
`answered`; `status` is `refused`; `status` is `unparsed`. A list has a row for each entry, and one for their number:
`frames.count` is 0 where the list is empty. Of words copied from the record `quote` says whether they are in it;
`priors` holds the job ids of the earlier answers that were shown."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from buttermilk.analysis.method import Method, prompt_name
from buttermilk.analysis.people import Said, is_settled, visible, with_codings
from buttermilk.analysis.statistics.estimate import Label
from buttermilk.analysis.subwaves import wave_of
from buttermilk.core.contracts import Store
from buttermilk.core.flows import Codebook, Question, leaves_of
from buttermilk.core.hashing import canonical
from buttermilk.core.jobs import Run
from buttermilk.core.people import Coding, Opening, Sample
from buttermilk.core.questions import IN_WORDS, UNSAID
from buttermilk.core.records import HumanLabel
from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar, is_number

COLUMNS = (
    "run", "flow", "dataset", "record_id", "step", "question", "level", "perspective", "agent", "agent_type", "model",
    "variant", "repeat", "wave", "arm", "status", "label", "value", "quote", "expected", "parse", "logprob",
    "simulated", "partial", "mode", "shown", "cost", "currency", "input_tokens", "output_tokens", "seconds",
    "model_returned", "error_kind", "prompt_version", "codebook", "started_at", "job_id", "priors",
)  # fmt: skip

Labels = Mapping[str, tuple[Said, ...]]
"""What people said of the records that people labelled, what is sealed left out."""


class Reading(NamedTuple):
    """What one result says to one question: `Reading("answered", "negative", None)`, `Reading("refused", None, None)`.
    `label` is the answer as text; `value` is its number where it is one, and the place of an ordinal label in its
    codebook, counted from 1."""

    status: str
    label: str | None
    value: float | None


def frame(store: Store, run: Run) -> Table:
    """One row per answer and question of a run. A job that was refused, unreadable or failed has its rows as well."""
    return Table(COLUMNS, _rows(store, run))


def _rows(store: Store, run: Run) -> Iterator[tuple[Scalar, ...]]:
    method, labels, wave = Method(run), human_labels(store, run), wave_of(store, run)
    for row in store.results(run.run_id):
        codebook = method.codebook(row["step"], row["codebook_hash"])
        people = labels.get(row["record_id"], ())
        for question, answer in leaves_of(codebook, row["answers"]):
            reading = read(question, row["status"], answer)
            yield (
                run.run_id, run.flow, run.dataset, row["record_id"], row["step"], question.name, question.level,
                row["perspective"], row["agent"], row["agent_type"], row["model"], row["variant"], row["repeat"],
                wave(row), row["arm"], reading.status, reading.label, reading.value,
                row["quotes"].get(question.name, ""), expected(people, question.name), row["parse"],
                row["logprobs"].get(question.name), row["simulated"],
                row["partial"], row["mode"], row["shown"], row["cost"], row["currency"], row["input_tokens"],
                row["output_tokens"], row["seconds"], row["model_returned"], row["error_kind"], prompt_name(row),
                f"{codebook.name}@{codebook.version}", row["started_at"], row["job_id"],
                " ".join(one["job_id"] for one in row["priors"]),
            )  # fmt: skip


def read(question: Question, status: str, answer: Any) -> Reading:
    """An answer that leaves a question out is no null: it is unparsed to that question."""
    if status != "answered":
        return Reading(status, None, None)
    if answer is UNSAID:
        return Reading("unparsed", None, None)
    return Reading("answered", as_text(answer), as_number(question, answer))


def counted(codebook: Codebook, status: str, answers: Mapping[str, Any] | None) -> Iterator[tuple[Question, Label]]:
    """Each question that was answered, but in words, and the answer as it is counted: a number where it is measured."""
    for question, answer in leaves_of(codebook, answers):
        reading = read(question, status, answer)
        if reading.status == "answered" and question.level not in IN_WORDS:
            yield question, reading.value if question.level in ("interval", "ratio") else reading.label


def as_text(answer: Any) -> str | None:
    """`false`, `3`, `0.25`, `negative`; None stays None."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, float) and answer.is_integer():
        return str(int(answer))
    return canonical(answer)


def as_number(question: Question, answer: Any) -> float | None:
    """The number an answer stands for, if its question is measured in any."""
    if question.level == "ordinal":
        names = question.label_names
        return names.index(answer) + 1 if answer in names else None
    return answer if is_number(answer) else None


def human_labels(store: Store, run: Run) -> Labels:
    """By record id, of the run's data set: labels that came with it, and those of the store that are not sealed."""
    found: dict[str, tuple[HumanLabel, ...]] = {}
    for refs in store.refs(run.dataset_fingerprint):
        for record in store.records([ref.record_hash for ref in refs]).values():
            if record.labels:
                found[record.record_id] = record.labels
    said = store.papers(Coding, run.dataset)
    return with_codings(found, visible(said, store.papers(Sample, run.dataset), store.papers(Opening, run.dataset))[0])


def expected(labels: tuple[Said, ...], question: str) -> str | None:
    """The reference label as text, comparable with `label`: what was settled, else what every coder said. While two
    coders disagree there is none."""
    given = [label for label in labels if label.question == question]
    said = {as_text(label.value) for label in [one for one in given if is_settled(one)][:1] or given}
    return said.pop() if len(said) == 1 else None


def expected_of(question: Question, labels: Labels) -> tuple[dict[str, dict[str, Label]], dict[str, Label]]:
    """What people said to this question, in the form in which answers are counted, and what was settled of it."""
    found: dict[str, dict[str, Label]] = {}
    settled: dict[str, Label] = {}
    for record_id in sorted(labels):
        for one in labels[record_id]:
            if one.question == question.name:
                coders, value = found.setdefault(record_id, {}), _as_counted(question, one.value)
                if is_settled(one):  # it is no coder's, and agrees with nobody
                    settled.setdefault(record_id, value)
                else:
                    coders.setdefault(one.coder, value)
    return found, settled


def _as_counted(question: Question, value: Any) -> Label:
    """A table of labels gives numbers as text: `"3"` to a question on a scale is 3; what is no number is left out."""
    if question.level not in ("interval", "ratio"):
        return as_text(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
