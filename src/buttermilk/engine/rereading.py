"""A tool whose scores of a record are stored is not asked again because a threshold was moved: they are read anew."""

from dataclasses import dataclass, field

from buttermilk.core.contracts import Model, Rereads, Store, Tool
from buttermilk.core.errors import ProviderError
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Cell, Job, Result
from buttermilk.engine.attempt import Attempts
from buttermilk.engine.writer import Writer


@dataclass
class Rereading:
    """Of one run. What cells there were is looked up once a cell, and only for tools."""

    store: Store
    writer: Writer
    attempts: Attempts
    _like: dict[str, list[Cell]] = field(default_factory=dict)

    async def answer(self, job: Job, plug: Model | Tool, before: int) -> Result | None:
        """The job's answer by the rules of now, from scores that were paid for; None where there are none."""
        if job.agent.role != "tool" or not isinstance(plug, Rereads):
            return None
        for cell in await self._cells(job):
            known = cell.job_id(job.record.record_id, job.seen_hash, job.repeat, job.inputs_hash)
            for found in await self.writer.call(self.store.attempts, known):
                if found.status != "answered":
                    continue
                try:
                    answers = plug.reread(job.codebook, found.tool_output)
                except ProviderError:  # these rules want a score that was not asked for
                    continue
                return self.attempts.reread(job, found, answers, before + 1)
        return None

    async def _cells(self, job: Job) -> list[Cell]:
        if job.cell.key not in self._like:
            self._like[job.cell.key] = await self.writer.call(of_same_scores, self.store, job.cell, job.agent)
        return self._like[job.cell.key]


def of_same_scores(store: Store, cell: Cell, agent: Agent) -> list[Cell]:
    """The other cells that were asked for the very scores which this one would be, to read them by other rules. Those
    of another wave are none: a service may have changed."""
    there, round_ = store.cells(cell.step, agent.type), (cell.wave, cell.arm)
    same = (one for one, asked in there if asked.raw_hash == agent.raw_hash and (one.wave, one.arm) == round_)
    return [one for one in same if one.key != cell.key]
