"""Questions handed over in batches: submit, leave, and collect when the command is typed again.

What comes is what the live path would have stored, but for its price and the mark `mode: batch`. A job that is in a
batch is waited for and not asked; what expired there, or failed, remains to be asked like any failed job.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from buttermilk.core.contracts import Batches, Model, Store, Tool
from buttermilk.core.errors import PromptError, ProviderError
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Batch, Job
from buttermilk.core.messages import Reply, Request
from buttermilk.engine.assemble import assemble
from buttermilk.engine.attempt import Attempts
from buttermilk.engine.lane import Lane, Todo
from buttermilk.engine.plan import CellPlan
from buttermilk.engine.writer import Writer

Asked = list[tuple[Job, Request]]
Come = tuple[str, Reply | ProviderError]
TOGETHER = 200  # replies that are read and stored at a time


def takes_batches(plug: Model | Tool) -> bool:
    return isinstance(plug, Batches) and plug.batch_size > 0


@dataclass
class Batching:
    """The batches of one run."""

    store: Store
    writer: Writer
    run_id: str
    attempts: Attempts
    plug: Callable[[Agent], Model | Tool]
    log: Callable[[str, Mapping[str, Any]], None]

    async def collect(self, lane: Lane, plans: Sequence[CellPlan]) -> set[str]:
        """Store what has come for the jobs of this lane, and return those that are still waited for."""
        agents = {(plan.step.name, plan.agent.name, plan.agent.hash): plan.agent for plan in plans}
        waiting: set[str] = set()
        for batch in await self.writer.call(self.store.batches, self.run_id):
            agent = agents.get((batch.step, batch.agent, batch.agent_hash))
            if agent is None:
                continue
            plug = cast(Batches, self.plug(agent))
            try:
                ended = await plug.ended(batch.ticket)
                if ended:
                    await self._bring_home(batch, plug, lane)
            except ProviderError as error:
                ended = False
                lane.progress.down = f"batch {batch.ticket}: {error.message}"
            if not ended:
                waiting.update(batch.job_ids)
        return waiting

    async def _bring_home(self, batch: Batch, plug: Batches, lane: Lane) -> None:
        count, come = 0, list[Come]()
        async for reply in plug.replies(batch.ticket):
            come.append(reply)
            count += 1
            if len(come) == TOGETHER:
                await self._keep(come, batch, plug, lane)
                come.clear()
        await self._keep(come, batch, plug, lane)
        await self.writer.call(self.store.settle, batch.ticket, "collected")
        self.log("batch collected", {"ticket": batch.ticket, "replies": count, "of": len(batch.job_ids)})

    async def _keep(self, come: Sequence[Come], batch: Batch, plug: Batches, lane: Lane) -> None:
        known = await self.writer.call(self.store.done, [job_id for job_id, _ in come])

        async def one(job_id: str, outcome: Reply | ProviderError) -> None:
            job = await self.writer.call(self.store.job, job_id)
            if job is None:
                return  # nobody asked it here
            before = known[job_id].attempts if job_id in known else 0
            results = await self.attempts.taken(job, outcome, plug, lane, before, batch.submitted_at)
            await self.writer.keep([(job, result) for result in results])

        await asyncio.gather(*(one(*reply) for reply in come))

    async def submit(self, chunks: AsyncIterator[list[Todo]], lane: Lane) -> None:
        """Hand over all that is missing, agent by agent."""
        held: dict[str, Asked] = {}
        async for chunk in chunks:
            for todo in chunk:
                try:
                    asked = held.setdefault(f"{todo.job.agent.name} {todo.job.agent.hash}", [])
                    asked.append((todo.job, assemble(todo.job)))
                except PromptError:  # as it would be told live
                    results = await self.attempts.ask(todo.job, self.plug(todo.job.agent), lane, todo.attempts)
                    lane.ended(results)
                    await self.writer.keep([(todo.job, result) for result in results])
                    continue
                if len(asked) >= cast(Batches, self.plug(todo.job.agent)).batch_size:
                    await self._hand_over(asked, lane)
                    asked.clear()
        for asked in held.values():
            if asked:
                await self._hand_over(asked, lane)

    async def _hand_over(self, asked: Asked, lane: Lane) -> None:
        if lane.limiter.closed.is_set():
            return
        agent, now = asked[0][0].agent, self.attempts.now()
        plug = cast(Batches, self.plug(agent))
        try:
            ticket = await plug.submit([(job.job_id, request) for job, request in asked])
        except ProviderError as error:
            lane.progress.down = error.message
            lane.limiter.close()
            self.log("batch refused", {"endpoint": lane.limiter.endpoint, "why": error.message})
            return
        jobs = [job for job, _ in asked]
        batch = _batch(ticket, self.run_id, jobs, lane.limiter.endpoint, now)
        await self.writer.call(self.store.submitted, batch, jobs)
        lane.progress.waiting += len(jobs)
        self.log("batch submitted", {"ticket": ticket, "jobs": len(jobs), "endpoint": lane.limiter.endpoint})


def _batch(ticket: str, run_id: str, jobs: Sequence[Job], endpoint: str, now: datetime) -> Batch:
    first = jobs[0]
    return Batch(
        ticket=ticket,
        run_id=run_id,
        step=first.step,
        agent=first.agent.name,
        agent_hash=first.agent.hash,
        endpoint=endpoint,
        job_ids=tuple(job.job_id for job in jobs),
        submitted_at=now,
    )
