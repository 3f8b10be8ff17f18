"""A lane: the jobs of one step for one endpoint, fed from the plan as slots come free."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from buttermilk.core.contracts import Store
from buttermilk.core.errors import StoreError
from buttermilk.core.jobs import Answer, Job, Result, Stored
from buttermilk.core.records import RecordRef
from buttermilk.engine.limits import Limiter
from buttermilk.engine.plan import CellPlan, Planned, plan
from buttermilk.engine.progress import LaneProgress, Progress
from buttermilk.engine.writer import StoreThread

HOPELESS_JOBS = 5  # so many jobs in a row that came to nothing: the endpoint is down
OWN_FAULTS = ("prompt", "stopped")  # these say nothing about the endpoint
HOPELESS_SECONDS = 15.0  # or no good reply at all for so long, counted from the first failure

Inputs = Mapping[str, Mapping[str, tuple[Answer, ...]]]


class Todo(NamedTuple):
    """A job to ask now, and how often it was tried before."""

    planned: Planned
    job: Job
    attempts: int


def is_settled(stored: Stored | None, flow: str, ask_again: Collection[str]) -> bool:
    """An answer serves every flow. A refusal or an unreadable reply is data of the flow that got it, and is no cache:
    another flow asks for itself. A failure is always asked again."""
    if stored is None or stored.status == "failed" or stored.status in ask_again:
        return False
    return stored.status == "answered" or stored.flow == flow


@dataclass
class Feed:
    """What is planned, minus what is stored, a few hundred jobs at a time, read ahead by one.

    The store is read in the event loop, a few milliseconds a chunk: in a thread, SQLite would wait for the
    interpreter at every row, far longer than it works.
    """

    store: Store
    writer: StoreThread
    run_id: str
    flow: str
    dataset: str
    progress: Progress
    ask_again: Collection[str] = ()
    waiting: Collection[str] = ()  # jobs that are in a batch
    before_asking: Callable[[CellPlan], None] = lambda cell: None

    async def chunks(
        self, cells: Sequence[CellPlan], lane: LaneProgress,
        inputs_of: Callable[[CellPlan, Sequence[RecordRef]], Inputs],
    ) -> AsyncGenerator[list[Todo], None]:  # fmt: skip
        for cell in cells:
            first = 0
            refs_of = self.store.refs(self.dataset)
            while (refs := next(refs_of, None)) is not None:
                inputs = inputs_of(cell, refs) if cell.reads else None
                if missing := await self._missing(list(plan([cell], refs, inputs, first=first)), lane):
                    self.before_asking(cell)
                yield missing
                first += len(refs)

    async def _missing(self, planned: list[Planned], lane: LaneProgress) -> list[Todo]:
        stored = self.store.done([job.job_id for job in planned])
        missing, there = [], []
        for job in planned:
            known = stored.get(job.job_id)
            if is_settled(known, self.flow, self.ask_again):
                there.append(job.job_id)
                self.progress.stored[known.status] += 1  # type: ignore[union-attr]
                self.progress.settled(job.position)
            elif job.job_id in self.waiting:
                lane.waiting += 1
            else:
                missing.append(job)
        lane.skipped += len(there)
        if there:
            await self.writer.call(self.store.adopt, self.run_id, there)
        records = self.store.records(list({job.ref.record_hash for job in missing}))
        return [
            Todo(job, job.job(records[job.ref.record_hash]), stored[job.job_id].attempts if job.job_id in stored else 0)
            for job in missing
        ]


@dataclass
class Lane:
    """Where jobs meet an endpoint. Gives up when the endpoint does."""

    limiter: Limiter
    progress: LaneProgress
    fruitless: int = 0
    good: int = 0
    first_failure_at: float | None = None
    last_error: str = ""
    on_down: Callable[[str, Mapping[str, str]], None] = field(default=lambda kind, fields: None)
    on_spent: Callable[[], None] = field(default=lambda: None)

    def hopeless(self) -> bool:
        """True when trying once more is a waste: the lane is closed, or nothing good came for a while."""
        if self.limiter.closed.is_set():
            return True
        since = self.first_failure_at
        return since is not None and self.limiter.clock() - since > HOPELESS_SECONDS

    def spent(self, result: Result) -> None:
        """Every attempt passes here as it ends: a budget is minded call by call."""
        self.progress.spent(result)
        self.on_spent()

    def told(self, result: Result, *, retried: bool) -> None:
        """Every attempt that did not settle its job passes here."""
        self.progress.retries += retried
        if result.status != "failed":
            self._went_well()
            return
        self.last_error = result.error
        if result.error_kind == "rate_limited":
            return  # it answers, and says when to come again: the attempts of the jobs end this, not the clock
        if self.first_failure_at is None:
            self.first_failure_at = self.limiter.clock()

    def ended(self, results: Sequence[Result]) -> None:
        """All that was tried for one job."""
        last = results[-1]
        self.progress.ended(last)
        if last.status != "failed":
            self._went_well()
            return
        if last.error_kind in OWN_FAULTS:
            return
        self.last_error = last.error or self.last_error
        self.fruitless += 1
        if self.fruitless >= HOPELESS_JOBS and not self.limiter.closed.is_set():
            self.progress.down = self.last_error
            self.limiter.close()
            self.on_down("down", {"endpoint": self.limiter.endpoint, "why": self.last_error})

    def _went_well(self) -> None:
        self.good += 1
        self.fruitless = 0
        self.first_failure_at = None


class Supply:
    """Hands out the feed's jobs one by one to all the workers of a lane; the next chunk is fetched ahead."""

    def __init__(self, chunks: AsyncGenerator[list[Todo], None]) -> None:
        self._chunks = chunks
        self._ready: deque[Todo] = deque()
        self._coming: asyncio.Task[list[Todo] | None] | None = None
        self._lock = asyncio.Lock()
        self._over = False

    async def take(self) -> Todo | None:
        """The next job; None when there is no more."""
        while not self._ready:
            if self._over:
                return None
            async with self._lock:
                if not self._ready and not self._over:
                    await self._refill()
        return self._ready.popleft()

    async def _refill(self) -> None:
        chunk = await (self._coming or self._fetch())
        self._over = chunk is None
        self._ready.extend(chunk or ())
        self._coming = None if self._over else self._fetch()

    def _fetch(self) -> asyncio.Task[list[Todo] | None]:
        return asyncio.ensure_future(anext(self._chunks, None))

    async def aclose(self) -> None:
        if self._coming:
            self._coming.cancel()
            with suppress(asyncio.CancelledError, StoreError):  # who waited for it has heard
                await self._coming
        await self._chunks.aclose()
