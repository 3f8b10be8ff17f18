"""`plan`: the grid, how much of it is done, why the rest is not, and what asking it would cost. Nothing is spent.

Tokens are estimated, and the range says how roughly: a token is taken for three to five characters of the rendered
prompt (of the first records), an answer for a few words a question at least, and at most for the agent's own maximum
or a paragraph a question. Retries are not counted. Steps that read others are counted as if everybody will answer.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, product
from pathlib import Path
from statistics import fmean
from typing import Any

from buttermilk.config import find_root
from buttermilk.core.flows import Agent, Codebook, Question
from buttermilk.core.jobs import Run, hash_of_inputs
from buttermilk.core.kinship import only_family
from buttermilk.core.waves import same_wave
from buttermilk.engine.answerers import Answerers
from buttermilk.engine.assemble import assemble
from buttermilk.engine.lane import is_settled
from buttermilk.engine.plan import CellPlan, Planned, cells, ordered, panel_size
from buttermilk.engine.plan import plan as plan_jobs
from buttermilk.engine.priors import Lots, most_shown
from buttermilk.engine.reasons import reasons
from buttermilk.engine.rereading import of_same_scores
from buttermilk.plugins import find
from buttermilk.study.declared import notices
from buttermilk.study.opening import Study, check_plugs, of_wave, open_study
from buttermilk.study.running import described

SAMPLE = 20  # records whose prompts are rendered for the estimate
CHARACTERS_A_TOKEN = (5.0, 3.0)  # low, high
TOKENS_A_QUESTION = (8, 120)  # of an answer, where nothing better is known
ENTRIES = 2  # of a list
TOKENS_A_READ_ANSWER = (30, 90)  # of each earlier answer that a step reads

AGAIN = {"failed": "failed before", "answered": "asked again"}
AGAIN |= {word: f"{word} in another flow" for word in ("refused", "unparsed")}
MAXIMUM_NAMES = ("max_completion_tokens", "max_tokens", "max_output_tokens")


@dataclass
class Row:
    """One agent in one arm of a step."""

    step: str
    agent: str
    arm: str = "control"
    planned: int = 0
    done: int = 0
    reread: int = 0
    below_quorum: int = 0
    why: Counter[str] = field(default_factory=Counter)
    input_tokens: tuple[int, int] = (0, 0)
    output_tokens: tuple[int, int] = (0, 0)
    cost: tuple[float, float] | None = None
    price: str = ""
    simulated: bool = False

    @property
    def to_ask(self) -> int:
        return self.planned - self.done - self.reread - self.below_quorum


@dataclass
class PlanReport:
    """What a run of a flow would do now."""

    flow: str
    title: str
    dataset: str
    records: int
    wave: str
    rows: list[Row]
    rejected: int = 0
    warnings: tuple[str, ...] = ()
    currency: str = "USD"
    standing: str = ""

    @property
    def planned(self) -> int:
        return sum(row.planned for row in self.rows)

    @property
    def to_ask(self) -> int:
        return sum(row.to_ask for row in self.rows)

    @property
    def cost(self) -> tuple[float, float]:
        known = [row.cost for row in self.rows if row.cost]
        return sum(low for low, _ in known), sum(high for _, high in known)

    @property
    def unpriced(self) -> list[str]:
        """Agents that will be paid for and whose price nobody wrote down."""
        return sorted({row.agent for row in self.rows if row.to_ask and row.cost is None})

    def as_json(self) -> dict[str, Any]:
        rows = [{**vars(row), "to_ask": row.to_ask} for row in self.rows]
        names = ("flow", "title", "dataset", "records", "rejected", "wave", "planned", "to_ask", "cost", "currency")
        more = {"standing": self.standing, "unpriced": self.unpriced, "warnings": list(self.warnings), "rows": rows}
        return {name: getattr(self, name) for name in names} | more


def plan(
    flow: str, *overrides: str, wave: str = "", anchor: bool = False, root: Path | None = None, multirun: bool = False
) -> PlanReport:
    """`plan("verse", "steps.judge.repeats=5", wave="2026-12")`: nothing is asked and nothing is spent."""
    said = of_wave(overrides, wave, anchor=anchor)
    with closing(open_study(root or find_root(Path.cwd()), flow, said, multirun=multirun)) as study:
        missing = check_plugs(study, keys_needed=False)
        found = _Planner(study).report()
        found.standing, told = notices(study, described(study))
        found.warnings = (*found.warnings, *missing, *told, *_models(study))
        return found


def _models(study: Study) -> Iterator[str]:
    """Agents that several models have answered for in this wave: a run would stop, or was told to keep them."""
    asked, known = described(study), Answerers("stop")
    known.knows(study.store.returned([one.run_id for one in study.store.runs() if same_wave(asked, one)]))
    for one in known.as_json():
        models = ", ".join(f"{model['model']} ({model['answers']:,})" for model in one["models"])
        yield f"{one['agent']} was answered by more than one model in wave {one['wave']}: {models}"


class _Planner:
    def __init__(self, study: Study) -> None:
        self.study = study
        self.latest = self._latest()
        self.rows: dict[tuple[str, str, str], Row] = {}
        self.open: dict[tuple[str, str], set[int]] = {}  # wave, step -> places of records to ask about in its own arm
        self.shown: dict[tuple[str, str, str], set[int]] = {}  # wave, step, arm -> of records with answers to show
        run_id = self.latest.run_id if self.latest else ""
        goes_on = self.latest is not None and self.latest.wave == study.flow.wave
        self.lots = Lots(study.store, study.dataset, run_id, run_id if goes_on else "")
        self._characters: dict[tuple[str, str], float] = {}

    def _latest(self) -> Run | None:
        """The run that would go on, else the last of this wave: what a later step would read are its answers."""
        asked = described(self.study)
        runs = [run for run in self.study.store.runs() if same_wave(run, asked)]
        own = [run for run in runs if run.spec_hash == asked.spec_hash]
        return next(reversed(own or runs), None)

    def report(self) -> PlanReport:
        composed, dataset, flow = self.study.composed, self.study.dataset, self.study.flow
        sent = sorted(dataset.spec.sent)
        for wave, step in product(dict.fromkeys(one.wave for one in composed.flows), ordered(flow)):
            for one in (one for one in composed.flows if one.wave == wave):
                for cell in cells(one, one.step(step.name), sent):
                    self._count(cell)
        only, rows = only_family(flow.steps), list(self.rows.values())
        kin = f"all models are of one family ({only}): they share habits and errors. Add one of another, if you can."
        warnings = (*composed.warnings, *([kin] if only else []), *self._told_of_priors())
        of = (flow.name, flow.title, dataset.name, dataset.records, flow.wave)
        return PlanReport(*of, rows, dataset.rejected, warnings, composed.run.budget.currency)

    def _count(self, cell: CellPlan) -> None:
        key = (cell.step.name, cell.agent.name, cell.arm)
        row = self.rows.setdefault(key, Row(*key))
        before = row.done + row.reread
        missing = self._missing(row, cell)
        fixed = cell.repeats * self.study.dataset.records
        row.planned += missing + row.done + row.reread - before if cell.informed else fixed
        self._estimate(row, cell, missing)

    def _missing(self, row: Row, cell: CellPlan) -> int:
        """How many jobs of the cell are to be asked; why goes into the row."""
        missing = self._waiting(row, cell)
        unread = self.study.dataset.records * cell.repeats - missing  # of the jobs that no earlier step keeps waiting
        for planned in self._planned(cell):
            unread -= len(planned)
            stored = self.study.store.done([job.job_id for job in planned])
            absent = [job for job in planned if not is_settled(stored.get(job.job_id), self.study.flow.name, ())]
            row.done += len(planned) - len(absent)
            self._note(cell, {job.position for job in planned}, {job.position for job in absent})
            if reread := self._reread(cell, absent):
                row.reread += len(reread)
                row.why.update(f"{moved}: stored scores are read anew" for moved in reread.values())
                absent = [job for job in absent if job.job_id not in reread]
            fresh = [job for job in absent if job.job_id not in stored]
            row.why += reasons(self.study.store, cell.step.name, fresh)
            row.why.update(AGAIN[stored[job.job_id].status] for job in absent if job.job_id in stored)
            missing += len(absent)
        if unread and cell.step.quorum and self.latest:
            row.below_quorum += unread
            row.why["below quorum"] += unread
        return missing

    def _reread(self, cell: CellPlan, absent: list[Planned]) -> dict[str, str]:
        """Those whose tool gave its scores before, and what has changed of the rules that make answers of them."""
        found: dict[str, str] = {}
        if cell.agent.role != "tool" or not absent or not hasattr(find("tools", cell.agent.type), "reread"):
            return found
        for other in of_same_scores(self.study.store, cell.cell, cell.agent):
            about = [(job.ref.record_id, job.ref.seen_hash, job.repeat, hash_of_inputs(job.inputs)) for job in absent]
            ids = {other.job_id(*what): job.job_id for what, job in zip(about, absent, strict=True)}
            known = self.study.store.done(list(ids)).items()
            moved = "codebook changed" if other.agent_hash == cell.agent.hash else "threshold moved"
            found |= {ids[job_id]: moved for job_id, stored in known if stored.status == "answered"}
        return found

    def _waiting(self, row: Row, cell: CellPlan) -> int:
        """Jobs about records that an earlier step has still to ask about: what they read is not known yet."""
        waits = self._unread(cell)
        if waits:
            earlier = {*cell.step.reads.values(), *(f"wave {wave}" for wave in self._earlier(cell))}
            row.why[f"waits for {', '.join(sorted(earlier))}"] += len(waits) * cell.repeats
            self._note(cell, waits, waits)
        return len(waits) * cell.repeats

    def _note(self, cell: CellPlan, planned: set[int], absent: set[int]) -> None:
        wave, step = cell.flow.wave, cell.step.name
        if cell.informed:
            self.shown.setdefault((wave, step, cell.arm), set()).update(planned)
        else:
            self.open.setdefault((wave, step), set()).update(absent)

    def _unread(self, cell: CellPlan) -> set[int]:
        wave, name = cell.flow.wave, cell.step.name
        found = set().union(*(self.open.get((wave, source), set()) for source in cell.step.reads.values()))
        for earlier in self._earlier(cell):
            found |= self.open.get((earlier, name), set()) - self._only_control(cell)
        return found

    def _earlier(self, cell: CellPlan) -> list[str]:
        """Waves of a sweep that will have been asked when this one is, and that its priors are drawn from."""
        waves = list(dict.fromkeys(one.wave for one in self.study.composed.flows))
        draws = cell.informed and cell.step.priors and "earlier_waves" in cell.step.priors.source
        return waves[: waves.index(cell.flow.wave)] if draws else []

    def _only_control(self, cell: CellPlan) -> set[int]:
        refs = chain.from_iterable(self.study.store.refs(self.study.dataset.fingerprint))
        return {place for place, ref in enumerate(refs) if self.lots.only_control(cell, ref)}

    def _told_of_priors(self) -> Iterator[str]:
        """What a scholar who reads two numbers of jobs wants to know."""
        for one in self.study.composed.flows:
            for cell in (cell for step in one.steps for cell in cells(one, step) if cell.informed):
                known = self.shown.pop((one.wave, cell.step.name, cell.arm), None)
                if known is None:
                    continue
                kept, records = len(self._only_control(cell)), self.study.dataset.records
                said = f"step '{cell.step.name}', wave {one.wave}, arm '{cell.arm}': "
                if not known:
                    yield f"{said}no earlier answers to draw from, so only the control arm is asked."
                    continue
                none = records - kept - len(known)
                more = f", {none:,} have no earlier answers to be shown" if none else ""
                yield f"{said}{len(known):,} of {records:,} records; {kept:,} are control-only by the seed{more}."

    def _planned(self, cell: CellPlan) -> Iterator[list[Planned]]:
        first, unread = 0, self._unread(cell)
        for refs in self.study.store.refs(self.study.dataset.fingerprint):
            inputs = self.lots.inputs(cell, refs) if cell.reads and (cell.informed or self.latest) else None
            jobs = plan_jobs([cell], refs, inputs, first=first)
            yield [job for job in jobs if job.position not in unread]
            first += len(refs)

    # ---- tokens and money

    def _estimate(self, row: Row, cell: CellPlan, missing: int) -> None:
        agent = cell.agent
        row.simulated = agent.role == "model" and bool(find("models", agent.type).simulated)
        if agent.role != "model" or row.simulated:
            row.cost = row.cost or (0.0, 0.0)
            return
        characters = self._prompt_characters(cell)
        read = sum(panel_size(cell.flow, cell.flow.step(source)) for source in cell.step.reads.values())
        read += most_shown(cell)
        low_in, high_in = (
            characters / a_token + read * an_answer
            for a_token, an_answer in zip(CHARACTERS_A_TOKEN, TOKENS_A_READ_ANSWER, strict=True)
        )
        low_out, high_out = self._answer_tokens(agent, cell.codebook)
        row.input_tokens = _add(row.input_tokens, missing * low_in, missing * high_in)
        row.output_tokens = _add(row.output_tokens, missing * low_out, missing * high_out)
        if agent.price:
            share = agent.price.batch if self._in_batches(agent) else 1
            per_job = [
                share * (given * agent.price.input + made * agent.price.output) / 1_000_000
                for given, made in ((low_in, low_out), (high_in, high_out))
            ]
            before = row.cost or (0.0, 0.0)
            row.cost = (before[0] + missing * per_job[0], before[1] + missing * per_job[1])
            row.price = agent.price.version

    def _in_batches(self, agent: Agent) -> bool:
        if self.study.composed.run.mode != "batch" or agent.door:
            return False
        return getattr(find("models", agent.type), "batches", None) is not None

    def _prompt_characters(self, cell: CellPlan) -> float:
        """The mean length of the rendered prompt and the schema, over the first records."""
        key = (cell.agent.name, cell.cell.key)
        if key not in self._characters:
            unread = cell.step.model_copy(update={"reads": {}, "priors": None, "arm": "control"})
            bare = replace(cell, step=unread, informed=False)
            refs = next(self.study.store.refs(self.study.dataset.fingerprint))[:SAMPLE]
            records = self.study.store.records([ref.record_hash for ref in refs])
            inputs = {ref.record_id: dict.fromkeys(cell.step.reads, ()) for ref in refs}
            jobs = [planned.job(records[planned.ref.record_hash]) for planned in plan_jobs([bare], refs)]
            jobs = [job.model_copy(update={"inputs": inputs[job.record.record_id]}) for job in jobs]
            lengths = [sum(len(message.text) for message in assemble(job).messages) for job in jobs]
            self._characters[key] = fmean(lengths) + len(str(cell.codebook.schema_))
        return self._characters[key]

    def _answer_tokens(self, agent: Agent, codebook: Codebook) -> tuple[float, float]:
        low, high = (tokens * sum(map(_size, codebook.questions)) for tokens in TOKENS_A_QUESTION)
        most = next((agent.parameters[name] for name in MAXIMUM_NAMES if name in agent.parameters), None)
        if isinstance(most, int | float):
            return min(low, most), float(most)
        return low, high


def _size(question: Question) -> int:
    """How many answers a question wants, its parts' and those of a list together."""
    return (ENTRIES if question.many else 1) * (sum(map(_size, question.parts)) or 1)


def _add(before: tuple[int, int], low: float, high: float) -> tuple[int, int]:
    return before[0] + round(low), before[1] + round(high)
