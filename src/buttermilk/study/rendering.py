"""`prompts render`: the messages that a prompt makes of one record, as a run would send them.

What the prompt does not say by itself (dataset, codebook, perspective, variables, who is asked) is taken from the step
that asks with it: of a flow, or, for a version that only the store has, of the run that used it last.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from buttermilk.config import compose, compose_dataset, compose_store, flows
from buttermilk.config.study import conf_file, options, own_flows
from buttermilk.core.errors import ButtermilkError, ConfigError, PromptError, did_you_mean
from buttermilk.core.flows import Agent, Capabilities, Codebook, Flow, Prompt, Question, Step
from buttermilk.core.jobs import Answer, Job
from buttermilk.core.messages import Message
from buttermilk.core.records import Dataset, DatasetSpec, Record, RecordRef
from buttermilk.core.values import Scalar
from buttermilk.documents import load_yaml, read_text
from buttermilk.engine.assemble import assemble
from buttermilk.engine.plan import CellPlan, cells, readings
from buttermilk.plugins import find
from buttermilk.prompts import check_prompt
from buttermilk.prompts.reading import goes_through, needs
from buttermilk.study.opening import ingest, open_store
from buttermilk.study.shelf import Shelf, opened

ANYBODY = Agent(
    name="anybody", type="simulated", capabilities=Capabilities(inputs=("text", "image", "audio", "video", "pdf"))
)
NO_QUESTIONS = Codebook(name="none", questions=(Question(name="answer", ask="", level="text"),))


@dataclass(frozen=True)
class Rendered:
    """What is sent, and of what it was made. `notes` say what a run would have put in that is not there yet."""

    job: Job
    messages: tuple[Message, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        job, prompt = self.job, self.job.prompt
        messages = [
            {"role": one.role, "text": one.text, "media": [part.model_dump(mode="json") for part in one.media]}
            for one in self.messages
        ]
        return {
            "prompt": prompt.version_name if prompt else "",
            "record": job.record.record_id,
            "codebook": None if job.codebook == NO_QUESTIONS else job.codebook.version_name,
            "perspective": job.perspective.version_name if job.perspective else None,
            "agent": job.agent.name,
            "variables": dict(job.variant),
            "messages": messages,
            "notes": list(self.notes),
        }


def render(
    name: str, *, record: str | None = None, dataset: str | None = None, perspective: str | None = None,
    codebook: str | None = None, variables: Mapping[str, Scalar] | None = None, root: Path | None = None,
) -> Rendered:  # fmt: skip
    """`render("judge@3f9a1c", record="v7", variables={"year": 1912})`. `record` is an id, or a file."""
    with opened(root) as shelf:
        found = shelf.find(name, "prompt")
        assert isinstance(found.text, Prompt)  # noqa: S101  (the kind was asked for)
        flow, step = _asking(shelf, found.text, now="@" not in name and found.place != "store")
        # Of each swept variable its first value, or the one that was said.
        swept = {name: values[:1] for name, values in step.variables.items()}
        swept |= {name: (value,) for name, value in (variables or {}).items()}
        given: dict[str, Any] = {"prompts": (found.text,), "variables": swept}
        given["perspectives"] = step.perspectives[:1]
        if perspective is not None:
            given["perspectives"] = (shelf.find(perspective, "criteria").text,)
        if codebook is not None:
            given["codebook"] = shelf.find(codebook, "codebook").text
        elif step.codebook == NO_QUESTIONS and "codebook" in needs(found.text):
            raise _unsaid("codebook", shelf.names("codebook"))
        step = step.model_copy(update=given)
        steps = tuple(step if one.name == step.name else one for one in flow.steps)
        flow = flow.model_copy(update={"steps": steps})
        return _Rendering(shelf, flow, step).of(record, dataset or flow.dataset)


class _Rendering:
    def __init__(self, shelf: Shelf, flow: Flow, step: Step) -> None:
        self.shelf, self.flow, self.step = shelf, flow, step
        self.prompt = step.prompts[0]
        self.reads = step.reads.keys() | (goes_through(self.prompt) - step.variables.keys())

    def of(self, record: str | None, dataset: str) -> Rendered:
        if record is not None and Path(record).is_file():
            self._check({}, 1, frozenset(), dataset)
            return self._rendered(_record_in(Path(record)), frozenset())
        if not dataset:
            raise _unsaid("dataset", options(self.shelf.root, "dataset"))
        spec = compose_dataset(self.shelf.root, dataset)
        read, found = self._record(spec, record)
        self._check(read.columns, read.records, spec.sent, dataset)
        return self._rendered(found, spec.sent)

    def _record(self, spec: DatasetSpec, record_id: str | None) -> tuple[Dataset, Record]:
        """The one of that id, else the first; and what the whole dataset is."""
        place = compose_store(self.shelf.root)
        store = self.shelf.store or open_store(place, self.shelf.root)
        try:
            read = ingest(spec, store, place, self.shelf.root)
            known = _ref_of(store.refs(read.fingerprint), record_id, spec.name)
            return read, store.records([known.record_hash])[known.record_hash]
        finally:
            if store is not self.shelf.store:
                store.close()

    def _check(self, columns: Mapping[str, int], records: int, sent: frozenset[str], dataset: str) -> None:
        """As before a run; but what is missing can be said here."""
        gives = self.step.gives | self.reads
        there: dict[str, Any] = {"columns": columns, "records": records, "sent": sent, "dataset": dataset}
        try:
            check_prompt(self.prompt, step=self.step.name, gives=gives, **there)
        except PromptError as error:
            missing = [name for name in needs(self.prompt) if name not in gives and f"'{name}'" in error.message]
            if missing:
                error.hint = "Add: --perspective NAME" if missing == ["perspective"] else f"Add: --set {missing[0]}=..."
            raise

    def _rendered(self, record: Record, sent: frozenset[str]) -> Rendered:
        cell, *_ = cells(self.flow, self.step, sorted(sent))  # as it is asked in the control arm
        inputs, notes = self._inputs(cell, record, sent)
        job = Job(record=record, seen_hash=record.seen_hash(sent), repeat=1, inputs=inputs, **cell.fields)
        request = assemble(job)
        return Rendered(job, request.messages, (*notes, *request.drops))

    def _inputs(
        self, cell: CellPlan, record: Record, sent: frozenset[str]
    ) -> tuple[dict[str, tuple[Answer, ...]], list[str]]:
        """The earlier answers that it reads, from the latest run of its flow."""
        store = self.shelf.store
        inputs: dict[str, tuple[Answer, ...]] = dict.fromkeys(sorted(self.reads), ())
        runs = [one for one in store.runs() if one.flow == self.flow.name] if store else []
        if store and runs and self.step.reads:
            ref = RecordRef(record.record_id, record.record_hash, record.seen_hash(sent))
            inputs |= readings(store, runs[-1].run_id, cell, [ref])[record.record_id]
        return inputs, [f"nobody has given {name} about this record yet" for name, read in inputs.items() if not read]


def _asking(shelf: Shelf, prompt: Prompt, *, now: bool) -> tuple[Flow, Step]:
    """The flow and the step that ask with this prompt `now`, or did; where there is none, a step that asks nothing."""
    ways = (_from_flows, _from_runs) if now else (_from_runs, _from_flows)
    found = next((found for way in ways if (found := way(shelf, prompt))), None)
    if found is None:
        step = Step(name="render", agents=(ANYBODY,), codebook=NO_QUESTIONS)
        return Flow(name="render", steps=(step,)), step
    flow, step = found
    models = [agent for agent in step.agents if agent.role == "model"]
    return flow, step.model_copy(update={"agents": tuple(models[:1]) or (ANYBODY,)})


def _from_runs(shelf: Shelf, prompt: Prompt) -> tuple[Flow, Step] | None:
    for use in shelf.uses("prompt", prompt.name):
        run = shelf.store.run(use.run_id) if shelf.store and use.hash == prompt.hash else None
        for flow in run.method if run else ():
            return flow, flow.step(use.step)
    return None


def _from_flows(shelf: Shelf, prompt: Prompt) -> tuple[Flow, Step] | None:
    """Of the first flow whose file names it, the study's own before the packaged."""
    wrong: list[ButtermilkError] = []
    for flow in _flows_naming(shelf.root, prompt.name):
        try:
            composed = compose(shelf.root, flow).flows[0]
        except ButtermilkError as error:
            wrong.append(error)
            continue
        for step in composed.steps:
            if prompt.name in [one.name for one in step.prompts]:
                return composed, step
    if wrong:
        raise wrong[0]
    return None


def _flows_naming(root: Path, name: str) -> Iterator[str]:
    for flow in dict.fromkeys([*own_flows(root), *flows(root)]):
        file = conf_file(root, f"flow/{flow}")
        if file is not None and name in read_text(file):
            yield flow


def _unsaid(what: str, known: Any) -> ConfigError:
    word = "criteria" if what == "perspective" else what
    hint = f"Add: --{what} NAME. {did_you_mean('', known)}"
    return ConfigError(f"no flow says with which {word} it asks.", hint=hint)


def _ref_of(chunks: Iterator[list[RecordRef]], record_id: str | None, dataset: str) -> RecordRef:
    seen: list[str] = []
    for ref in (ref for chunk in chunks for ref in chunk):
        if record_id in (None, ref.record_id):
            return ref
        seen.append(ref.record_id)
    hint = f"There are {len(seen):,}: {', '.join(seen[:5])}{', …' if len(seen) > 5 else '.'}"
    raise ConfigError(f"dataset '{dataset}' has no record '{record_id}'.", hint=hint)


def _record_in(file: Path) -> Record:
    """A text, a picture, a recording or a Word document, read as a folder of one file."""
    with TemporaryDirectory() as folder:
        shutil.copy(file, folder)
        source = find("sources", "folder")(DatasetSpec(name=file.stem, type="folder", path=folder), Path(folder))
        first = next(source.records())
    if isinstance(first, Record):
        return first
    raise ConfigError(first.why, where=str(file))


def scalar(text: str) -> Scalar:
    """`1912` is a number, `true` a truth, as in a flow's YAML; anything else is text."""
    try:
        value, _ = load_yaml(text, "")
    except ButtermilkError:
        return text
    return value if isinstance(value, str | int | float) else text
