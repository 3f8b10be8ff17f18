"""`run`: planned minus stored, asked, kept. What a run is doing is in `Progress`; what came of it is in the store."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from buttermilk import telemetry
from buttermilk.core.contracts import Model, Store, Tool
from buttermilk.core.errors import StoreError
from buttermilk.core.flows import Agent, Flow
from buttermilk.core.jobs import Event, Job, Mode, Result, Run
from buttermilk.core.records import Dataset
from buttermilk.core.waves import ModelChange, same_wave
from buttermilk.engine.answerers import ANOTHER_MODEL, Answerers
from buttermilk.engine.attempt import Attempts, Signature
from buttermilk.engine.batching import Batching, takes_batches
from buttermilk.engine.lane import Feed, Lane, Supply, Todo
from buttermilk.engine.limits import Limiter, tightest
from buttermilk.engine.plan import CellPlan, cells, ordered, plan, size
from buttermilk.engine.priors import Lots
from buttermilk.engine.progress import LaneProgress, Progress
from buttermilk.engine.rereading import Rereading
from buttermilk.engine.writer import Writer

PULSE_SECONDS = 0.5
FEW = 64  # calls at once, up to which a write of their answers is short beside them

Plug = Model | Tool
Watch = Callable[[Progress], None]


@dataclass
class Stop:
    """How a run is told to end. `why` empty: it goes on. First `drain`: finish what is in flight."""

    why: str = ""
    state: str = "stopped"
    lanes: list[Limiter] = field(default_factory=list)

    def drain(self, why: str, state: str = "stopped") -> None:
        if not self.why:
            self.why, self.state = why, state
        for limiter in self.lanes:
            limiter.close()


@dataclass
class Engine:
    """Everything a run is handed. `plug_for` opens the agent's plug; `watch` is called twice a second."""

    store: Store
    run: Run
    dataset: Dataset
    plug_for: Callable[[Agent], Plug]
    stop: Stop = field(default_factory=Stop)
    watch: Watch = field(default=lambda progress: None)
    ask_again: Collection[str] = ()
    mode: Mode = "live"
    model_change: ModelChange = "stop"
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        money, tokens = self.store.spent(self.run.run_id)
        total = sum(size(flow, step, self.dataset.records) for flow in self.run.method for step in flow.steps)
        # What was once chosen for a run stays: its answers are not pooled because nothing was said the next time.
        before = self.run.progress.get("model_change") if self.model_change == "stop" else None
        chosen = before or self.model_change
        self.progress = Progress(
            self.run.run_id,
            self.store.where,
            total,
            self.dataset.records,
            money_before=money,
            tokens_before=tokens,
            currency=self.run.budget.currency,
            budget=self.run.budget.money,
            began=self.clock(),
            model_change=str(chosen),
        )
        self.answerers = Answerers(self.model_change)
        self.answerers.knows(self.store.returned([one.run_id for one in self.store.runs() if same_wave(self.run, one)]))
        self.progress.models = self.answerers.as_json()
        signature = Signature(self.run.run_id, f"{self.run.user}@{self.run.machine}")
        self.attempts = Attempts(signature, self.now, self.chance, saw=self._mind_the_model)
        self._events: list[Event] = []
        self._plugs: dict[str, Plug] = {}
        self._lanes: list[Lane] = []
        self._over = asyncio.Event()

    # ---- the whole

    async def go(self) -> Progress:
        """Ask what remains. Raises StoreError when answers can no longer be kept (`self.writer.unsaved` has them)."""
        self.writer = Writer(self.store, self.run.run_id)
        self.rereading = Rereading(self.store, self.writer, self.attempts)
        self.batching = Batching(self.store, self.writer, self.run.run_id, self.attempts, self._plug, self._log)
        pulse = asyncio.create_task(self._pulse())
        self._mind_the_budget()  # it may be spent already
        try:
            for wave in dict.fromkeys(flow.wave for flow in self.run.method):  # a later one may draw from this one
                for step in ordered(self.run.method[0]):
                    if self.stop.why or self.progress.waiting or any(lane.progress.down for lane in self._lanes):
                        break
                    await self._step(step.name, [flow for flow in self.run.method if flow.wave == wave])
        except StoreError as error:
            self._fail(error)
        except asyncio.CancelledError:
            self.stop.drain("stopped at once")
            raise
        except BaseException as error:
            self.stop.drain(f"a bug stopped it ({type(error).__name__})", "failed")
            raise
        finally:
            self._over.set()
            await asyncio.wait([pulse])
            await asyncio.gather(*(plug.close() for plug in self._plugs.values()), return_exceptions=True)
            await self._close()
        pulse.result()  # a bug in whoever watches
        if self.writer.failure:
            raise self.writer.failure
        return self.progress

    def _fail(self, error: StoreError) -> None:
        """The store gives no jobs or takes no answers any more: what is in flight comes home, and no more is asked."""
        self.writer.failure = self.writer.failure or error
        self.stop.drain(error.message, "failed")

    async def _close(self) -> None:
        progress, stop = self.progress, self.stop
        down = [lane for lane in self._lanes if lane.progress.down]
        progress.state = stop.state if stop.why else ("finished" if not progress.remaining else "stopped")
        if down:
            first = down[0]
            progress.why = f"{first.limiter.endpoint} gives no answers: {first.progress.down}"
        elif stop.why:
            progress.why = stop.why
        elif progress.waiting:
            progress.why = f"{progress.waiting:,} jobs wait in batches"
        elif progress.remaining:
            progress.why = f"{progress.statuses['failed']} jobs failed"
        try:
            await self._record(ended_at=self.now(), state=progress.state, why=progress.why, control="")
        except StoreError as error:
            self.writer.failure = self.writer.failure or error
        await self.writer.close()
        self.watch(progress)

    # ---- one step

    async def _step(self, name: str, flows: Sequence[Flow]) -> None:
        plans = self._cells(name, flows)
        self._lots = Lots(self.store, self.dataset, self.run.run_id, self.run.run_id)
        empty = await self._forget_stale(name, flows) if any(cell.reads for cell in plans) else Counter[str]()
        self.progress.planned -= empty.total()
        lanes = self._lanes_of(plans, empty)
        async with asyncio.TaskGroup() as group:
            for lane, of_lane in lanes:
                group.create_task(self._drive(lane, of_lane))

    def _cells(self, step: str, flows: Sequence[Flow]) -> list[CellPlan]:
        sent = tuple(sorted(self.dataset.spec.sent))
        return [cell for flow in flows for cell in cells(flow, flow.step(step), sent)]

    def _lanes_of(self, plans: Sequence[CellPlan], empty: Mapping[str, int]) -> list[tuple[Lane, list[CellPlan]]]:
        """One lane for each endpoint, however many agents share it."""
        by_endpoint: dict[str, list[CellPlan]] = {}
        for plan_ in plans:
            by_endpoint.setdefault(self._plug(plan_.agent).endpoint, []).append(plan_)
        found = []
        for endpoint, of_lane in by_endpoint.items():
            limiter = Limiter(endpoint, tightest(cell.agent.limits for cell in of_lane), self.clock, self._log)
            if self.stop.why:
                limiter.close()
            limiter.hold(on=self.progress.state == "paused")
            planned = sum(cell.repeats * self.dataset.records - empty[cell.cell.key] for cell in of_lane)
            progress = LaneProgress(of_lane[0].step.name, endpoint, planned)
            lane = Lane(limiter, progress, on_down=self._log, on_spent=self._mind_the_budget)
            self.progress.lanes.append(progress)
            self.stop.lanes.append(limiter)
            self._lanes.append(lane)
            found.append((lane, of_lane))
        return found

    def _plug(self, agent: Agent) -> Plug:
        key = f"{agent.name} {agent.hash}"
        if key not in self._plugs:
            self._plugs[key] = self.plug_for(agent)
        return self._plugs[key]

    async def _drive(self, lane: Lane, plans: list[CellPlan]) -> None:
        """As many tasks as there may be jobs begun and not stored: those on the wire and, where these are many, half as
        many again that wait for the disk, or a write would keep the wire waiting."""
        feed = Feed(
            self.store,
            self.writer,
            self.run.run_id,
            self.run.flow,
            self.dataset.fingerprint,
            self.progress,
            self.ask_again,
            await self.batching.collect(lane, plans),
            self._mind_the_wave,
        )
        together = [one for one in plans if self.mode == "batch" and takes_batches(self._plug(one.agent))]
        if together:
            await self.batching.submit(feed.chunks(together, lane.progress, self._lots.inputs), lane)
        alone = [one for one in plans if one not in together]
        supply = Supply(feed.chunks(alone, lane.progress, self._lots.inputs))
        async with aclosing(supply), asyncio.TaskGroup() as group:
            on_the_wire = lane.limiter.limits.concurrency
            begun = on_the_wire + max(0, on_the_wire - FEW) // 2
            for _ in range(min(begun, lane.progress.planned)):
                group.create_task(self._work(supply, lane))

    async def _work(self, supply: Supply, lane: Lane) -> None:
        """One place in the lane: job after job until nothing remains or the run stops."""
        while not lane.limiter.closed.is_set():
            try:
                todo = await supply.take()
                if todo is None:
                    return
                await self._settle(todo, lane)
            except StoreError as error:
                self._fail(error)

    async def _settle(self, todo: Todo, lane: Lane) -> None:
        """Ask one job to its end and keep what came; only then is its place free."""
        plug = self._plug(todo.job.agent)
        stored = await self.rereading.answer(todo.job, plug, todo.attempts)
        results = [stored] if stored else await self.attempts.ask(todo.job, plug, lane, todo.attempts)
        if results:
            lane.ended(results)
            await self.writer.keep([(todo.job, result) for result in results])
            self.progress.settled(todo.planned.position)

    def _mind_the_budget(self) -> None:
        budget, progress = self.run.budget, self.progress
        if budget.money is not None and progress.money >= budget.money:
            self.stop.drain(f"the budget of {budget.money:.2f} {budget.currency} is reached")
        if budget.tokens is not None and progress.tokens >= budget.tokens:
            self.stop.drain(f"the budget of {budget.tokens:,} tokens is reached")

    # ---- who answers

    def _mind_the_model(self, job: Job, result: Result) -> None:
        other = self.answerers.saw(job, result)
        if other:
            self._log("model changed", {"wave": other.wave, "agent": other.agent, "to": other.model})
            if self.model_change == "stop":
                self.stop.drain(f"{ANOTHER_MODEL} {other.agent}")
        if other or self.progress.models:
            self.progress.models = self.answerers.as_json()

    def _mind_the_wave(self, plan: CellPlan) -> None:
        if self.answerers.forbids(plan.cell):
            self.stop.drain(f"{ANOTHER_MODEL} {plan.agent.name}")

    # ---- steps that read earlier ones

    async def _forget_stale(self, step: str, flows: Sequence[Flow]) -> Counter[str]:
        """Where the answers that a step reads have changed, its old jobs leave the run (they stay in the store). Those
        of a wave whose turn is not now stay in it.

        How many jobs of each cell are not planned after all: of records nobody answered about, and of control records.
        """
        empty, now = Counter[str](), {flow.wave for flow in flows}
        plans = self._cells(step, self.run.method)
        for refs in self.store.refs(self.dataset.fingerprint):
            current: list[str] = []
            for cell in plans:
                inputs = self._lots.inputs(cell, refs) if cell.reads else None
                planned = list(plan([cell], refs, inputs))
                current += [job.job_id for job in planned]
                if cell.flow.wave in now:  # nobody answered about a record, or too few
                    unread = len(refs) * cell.repeats - len(planned)
                    empty[cell.cell.key] += unread
                    self.progress.below_quorum[step] += unread if cell.step.quorum else 0
            ids = [ref.record_id for ref in refs]
            await self.writer.call(self.store.replace, self.run.run_id, step, ids, current)
        return empty

    # ---- what others see

    def _log(self, kind: str, fields: Mapping[str, Any]) -> None:
        telemetry.event(kind, fields)
        self._events.append(Event(at=self.now(), kind=kind, fields=dict(fields)))

    async def _pulse(self) -> None:
        """Twice a second: say how it goes, and hear what another shell wants."""
        while not self._over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), PULSE_SECONDS)
                return
            try:
                await self._record()
                said = await self.writer.call(self.store.run, self.run.run_id)
            except StoreError:
                continue  # the writer meets the same trouble, and it is the one to report it
            self._obey(said.control if said else "")
            self.watch(self.progress)

    def _obey(self, control: str) -> None:
        paused = control == "pause"
        if control == "cancel":
            self.stop.drain("cancelled", "cancelled")
        elif paused != (self.progress.state == "paused") and not self.stop.why:
            self.progress.state = "paused" if paused else "running"
            self._log("paused" if paused else "resumed", {"run": self.run.run_id})
            for limiter in self.stop.lanes:
                limiter.hold(on=paused)

    async def _record(self, **changes: Any) -> None:
        for lane in self._lanes:
            lane.progress.in_flight, lane.progress.limit = lane.limiter.active, int(lane.limiter.limit)
        events = tuple(self._events)
        if events:
            await self.writer.call(self.store.log, self.run.run_id, events)
            del self._events[: len(events)]
        values = {"heartbeat_at": self.now(), "progress": self.progress.as_json(), "planned": self.progress.planned}
        await self.writer.call(self.store.update, self.run.run_id, values | changes)
