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
from buttermilk.core.errors import PromptError, ProviderError, RateLimited, Transient
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import fingerprint
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
LISTED_SECONDS = 60.0  # what was handed over is in the provider's list by then


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
                if batch.state == "submitting":
                    batch = await self._looked_for(batch, plug)
                ended = batch.state == "waiting" and await plug.ended(batch.ticket)
                if ended:
                    await self._bring_home(batch, plug, lane)
            except ProviderError as error:
                ended = False
                lane.progress.down = f"batch {batch.ticket}: {error.message}"
            if not ended and batch.state != "untaken":
                waiting.update(batch.job_ids)
        return waiting

    async def _looked_for(self, batch: Batch, plug: Batches) -> Batch:
        """A run ended between handing it over and hearing the ticket: it is found there, or it was never taken. What
        was handed over a moment ago may not be listed yet."""
        known = await self.writer.call(self.store.tickets)
        there = await plug.marked(batch.mark, len(batch.job_ids), batch.submitted_at)
        mine = [ticket for ticket in there if ticket not in known]
        if not mine and (self.attempts.now() - batch.submitted_at).total_seconds() < LISTED_SECONDS:
            return batch
        return await self._settle(batch, "waiting", mine[0]) if mine else await self._settle(batch, "untaken")

    async def _settle(self, batch: Batch, state: str, ticket: str = "") -> Batch:
        settled = batch.model_copy(update={"state": state, "ticket": ticket or batch.ticket})
        await self.writer.call(self.store.settle, batch.ticket, settled)
        self.log(f"batch {state}", {"ticket": settled.ticket, "jobs": len(batch.job_ids), "endpoint": batch.endpoint})
        return settled

    async def _bring_home(self, batch: Batch, plug: Batches, lane: Lane) -> None:
        count, come = 0, list[Come]()
        async for reply in plug.replies(batch.ticket):
            come.append(reply)
            count += 1
            if len(come) == TOGETHER:
                await self._keep(come, batch, plug, lane)
                come.clear()
        await self._keep(come, batch, plug, lane)
        collected = batch.model_copy(update={"state": "collected"})
        await self.writer.call(self.store.settle, batch.ticket, collected)
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
        jobs = [job for job, _ in asked]
        plug = cast(Batches, self.plug(jobs[0].agent))
        batch = _batch(self.run_id, jobs, lane.limiter.endpoint, self.attempts.now())
        await self.writer.call(self.store.submitting, batch, jobs)
        try:
            ticket = await plug.submit([(job.job_id, request) for job, request in asked], batch.mark)
        except ProviderError as error:
            lane.progress.down = error.message
            lane.limiter.close()
            self.log("batch refused", {"endpoint": lane.limiter.endpoint, "why": error.message})
            if not isinstance(error, Transient) or isinstance(error, RateLimited) or error.kind == "unreachable":
                await self._settle(batch, "untaken")  # else nobody knows: the next run looks for it
            return
        await self._settle(batch, "waiting", ticket)
        lane.progress.waiting += len(jobs)


def _batch(run_id: str, jobs: Sequence[Job], endpoint: str, now: datetime) -> Batch:
    first, job_ids = jobs[0], tuple(job.job_id for job in jobs)
    mark = f"buttermilk-{fingerprint([run_id, now.isoformat(), list(job_ids)])[:32]}"
    return Batch(
        ticket=mark,
        mark=mark,
        run_id=run_id,
        step=first.step,
        agent=first.agent.name,
        agent_hash=first.agent.hash,
        endpoint=endpoint,
        job_ids=job_ids,
        submitted_at=now,
        state="submitting",
    )
