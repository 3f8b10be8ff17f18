"""`plan`: records × steps × agents × perspectives × variants × repeats → jobs. Pure and lazy: nothing is held.

Jobs of one cell follow each other, record by record, so that those with the same long prefix (a style guide) reach a
provider together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from buttermilk.core.contracts import Store
from buttermilk.core.flows import Agent, Codebook, Flow, Perspective, Prompt, Step
from buttermilk.core.hashing import derive_seed
from buttermilk.core.jobs import OF_A_CELL, Answer, Cell, Job, hash_of_inputs
from buttermilk.core.records import Record, RecordRef
from buttermilk.core.values import Scalar

Read = Mapping[str, tuple[Answer, ...]]
"""What a job reads of earlier answers: reading -> answers."""


@dataclass(frozen=True)
class CellPlan:
    """One cell of the grid: who is asked what, how often, of every record."""

    flow: Flow
    step: Step
    agent: Agent
    prompt: Prompt | None
    perspective: Perspective | None
    variant: Mapping[str, Scalar]
    sent_columns: tuple[str, ...] = ()
    informed: bool = False  # by earlier answers: in the arm of its step's priors, beside the control arm

    @property
    def arm(self) -> str:
        return self.step.priors.arm if self.informed and self.step.priors else self.step.arm

    @property
    def reads(self) -> bool:
        """Whether its jobs hold earlier answers."""
        return self.informed or bool(self.step.reads)

    @property
    def repeats(self) -> int:
        return 1 if self.agent.deterministic else self.step.repeats

    @cached_property
    def codebook(self) -> Codebook:
        """As it is asked from this perspective."""
        return self.step.codebook.of(self.perspective)

    @cached_property
    def cell(self) -> Cell:
        return Cell.build(**{name: self.fields[name] for name in OF_A_CELL})

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """What every job of this cell has in common."""
        asked, reads = self.agent.role != "tool", self.step.reads
        return {
            "step": self.step.name,
            "agent": self.agent,
            "prompt": self.prompt if asked else None,
            "perspective": self.perspective if asked else None,
            "codebook": self.codebook,
            "variant": self.variant,
            "wave": self.flow.wave,
            "arm": self.arm,
            "seed": self.flow.seed,
            "sent_columns": self.sent_columns,
            "planned_inputs": {name: panel_size(self.flow, self.flow.step(source)) for name, source in reads.items()},
        }

    def may_read(self, read: Read) -> bool:
        """Whether the step's quorum is met: of each panel, the share that it names has answered. Who refused, or could
        not be read, has not; who said *no* or null has."""
        return not self.step.quorum or all(
            sum(one.status == "answered" for one in read.get(name, ())) >= self.step.quorum * size - 1e-9
            for name, size in self.fields["planned_inputs"].items()
        )


class Planned(NamedTuple):
    """A job by name: enough to ask the store about it. `position` is the record's place in the dataset."""

    job_id: str
    plan: CellPlan
    ref: RecordRef
    repeat: int
    position: int
    inputs: Read

    def job(self, record: Record) -> Job:
        """The whole job: the cell's, with this record. Ids that are known are not computed again."""
        seen = self.ref.seen_hash
        job = Job(record=record, seen_hash=seen, repeat=self.repeat, inputs=self.inputs, **self.plan.fields)
        vars(job)["cell"], vars(job)["job_id"] = self.plan.cell, self.job_id
        return job


def cells(flow: Flow, step: Step, sent_columns: Sequence[str] = ()) -> list[CellPlan]:
    """The cells of a step, agent by agent. A tool sees neither prompt nor perspective: it has one cell a variant.

    Where the step has priors, each control cell of a model has one beside it in which they are shown.
    """
    found: list[CellPlan] = []
    names = sorted(step.variables)
    for agent in step.agents:
        tool = agent.role == "tool"
        prompts: Sequence[Prompt | None] = [None] if tool else (step.prompts or [None])
        perspectives: Sequence[Perspective | None] = [None] if tool else (step.perspectives or [None])
        values = [()] if tool else list(product(*(step.variables[name] for name in names)))
        for prompt, chosen, perspective in product(prompts, values, perspectives):
            variant: dict[str, Scalar] = {**flow.variant, **dict(zip(names, chosen, strict=False))}
            if prompt and len(prompts) > 1:
                variant["prompt"] = prompt.name
            control = CellPlan(flow, step, agent, prompt, perspective, variant, tuple(sent_columns))
            found += [control, replace(control, informed=True)] if step.priors and not tool else [control]
    return found


def panel_size(flow: Flow, step: Step) -> int:
    """How many answers about one record a step gives its readers when all goes well: those of the control arm."""
    return sum(cell.repeats for cell in cells(flow, step) if not cell.informed)


def size(flow: Flow, step: Step, records: int) -> int:
    """How many jobs a step has at most: of the arm of its priors, only what there are answers for is asked."""
    return sum(cell.repeats for cell in cells(flow, step)) * records


def ordered(flow: Flow) -> list[Step]:
    """The steps so that each comes after those it waits for; of the rest, as the flow names them."""
    left = list(flow.steps)
    done: list[Step] = []
    while left:
        ready = next(step for step in left if not (waits_for(step) - {one.name for one in done}))
        done.append(ready)
        left.remove(ready)
    return done


def waits_for(step: Step) -> set[str]:
    return {*step.after, *step.reads.values()}


def plan(
    cell_plans: Iterable[CellPlan], refs: Iterable[RecordRef], inputs: Mapping[str, Read] | None = None, *,
    first: int = 0,
) -> Iterator[Planned]:  # fmt: skip
    """The jobs of these cells for these records. `inputs` is record id -> reading -> earlier answers.

    A record nobody answered about has nothing to read: a step that reads skips it, as it does below its quorum, and so
    does an arm with priors where there is nothing to show.
    """
    refs = list(refs)
    nothing: Read = {}
    for cell_plan in cell_plans:
        cell = cell_plan.cell
        for position, ref in enumerate(refs, first):
            read = nothing if inputs is None else inputs.get(ref.record_id, nothing)
            if cell_plan.reads and not _told(cell_plan, read):
                continue
            of_inputs = hash_of_inputs(read)
            for repeat in range(1, cell_plan.repeats + 1):
                job_id = cell.job_id(ref.record_id, ref.seen_hash, repeat, of_inputs)
                yield Planned(job_id, cell_plan, ref, repeat, position, read)


def _told(cell: CellPlan, read: Read) -> bool:
    if cell.informed and not read.get("priors"):
        return False
    return not cell.step.reads or (any(read.get(name) for name in cell.step.reads) and cell.may_read(read))


def readings(store: Store, run_id: str, cell: CellPlan, refs: Sequence[RecordRef]) -> Mapping[str, Read]:
    """record id -> reading -> the earlier answers of the run, of the same cell of a sweep."""
    ids = [ref.record_id for ref in refs]
    found: dict[str, dict[str, tuple[Answer, ...]]] = {record_id: {} for record_id in ids}
    sweep = cell.flow.variant.items()
    for name, source in cell.step.reads.items():
        answers = store.answers(run_id, source, ids)
        for record_id in ids:
            given = answers.get(record_id, ())
            found[record_id][name] = tuple(one for one in given if all(one.variant.get(k) == v for k, v in sweep))
    if cell.step.blind:
        return {record_id: blinded(read, cell.flow.seed, record_id) for record_id, read in found.items()}
    return found


def blinded(read: Read, seed: int, record_id: str) -> Read:
    """Without who gave them: `reader 2`, numbered by the seed anew for each record, so that no number is a name. The
    criteria by which an answer was given stay: without them two right answers look like an error."""
    agents = {one.agent for answers in read.values() for one in answers}
    drawn = sorted(agents, key=lambda agent: derive_seed(seed, "blind", record_id, agent))
    hidden = {agent: {"agent": f"reader {number}", "model": "", "prompt": ""} for number, agent in enumerate(drawn, 1)}
    return {name: tuple(one.model_copy(update=hidden[one.agent]) for one in answers) for name, answers in read.items()}
