"""Jobs outside a flow's plan, asked all at once: of models, or of what was recorded of them."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from buttermilk.cases.recordings import NOT_RECORDED, Line, Recorded, Recording, Recordings, line_of
from buttermilk.core.cases import Said
from buttermilk.core.contracts import Blobs, Keys, Model, Tool
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import fingerprint
from buttermilk.core.jobs import Budget, Job, Result
from buttermilk.core.messages import Reply, Request
from buttermilk.engine.attempt import Attempts, Signature
from buttermilk.engine.lane import Lane
from buttermilk.engine.limits import Limiter
from buttermilk.engine.progress import LaneProgress
from buttermilk.engine.writer import Writer
from buttermilk.plugins import find

Told = Callable[[int, int], None]


@dataclass
class Asking:
    """Whom a test may ask. With a `writer` they are asked live, and their replies taken down; without, they say what
    was recorded, but for simulated readers, who need no network."""

    agents: Mapping[str, Agent]
    keys: Keys
    blobs: Blobs
    recordings: Recordings
    signature: Signature
    now: Callable[[], datetime]
    wave: str
    budget: Budget
    embedder: str = ""
    writer: Writer | None = None
    spent: tuple[float, int] = (0.0, 0)  # money and tokens, before a test that goes on was stopped
    lines: list[Line] = field(default_factory=list)
    unrecorded: dict[str, None] = field(default_factory=dict)
    over: str = ""  # why nobody is asked any more

    def __post_init__(self) -> None:
        self._attempts = Attempts(self.signature, self.now, random.Random())  # noqa: S311  (pauses between tries)
        self._plugs: dict[str, Model] = {}
        self._lanes: dict[str, Lane] = {}
        self._tools: dict[str, Tool] = {}
        self._at = self.now().isoformat(timespec="seconds")

    async def all(self, jobs: Sequence[Job], told: Told) -> list[Said]:
        """In the order of the jobs; those that were not asked because the budget was spent are not there."""
        done = 0

        async def one(job: Job) -> Said | None:
            nonlocal done
            said = await self._said(job)
            done += 1
            told(done, len(jobs))
            return said

        found = await asyncio.gather(*(one(job) for job in jobs))
        return [said for said in found if said]

    async def ask(self, agent: str, job: Job) -> Result:
        """For a check that has a judge of its own."""
        if agent not in self.agents:
            raise ConfigError(f"there is no agent '{agent}'.", hint=did_you_mean(agent, self.agents))
        said = await self._said(job.model_copy(update={"agent": self.agents[agent], "wave": self.wave}))
        if said is None:
            raise ConfigError(self.over)
        return said.result

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """By the tests' `embedder`, an agent of type `similarity`; offline, what was recorded of it."""
        agent = self.agents[self.embedder]
        keys = [fingerprint(["vector", agent.raw_hash, text]) for text in texts]
        if self.writer is None:
            known = [self.recordings.vector(key) for key in keys]
            if None in known:
                raise ConfigError(f"nothing was recorded of {agent.name}: type --live to ask.")
            return [vector for vector in known if vector is not None]
        if agent.name not in self._tools:
            self._tools[agent.name] = find("tools", agent.type)(agent, self.keys)
        vectors: list[list[float]] = await self._tools[agent.name].vectors(texts)  # type: ignore[attr-defined]
        common = {"agent": agent.name, "case": "", "repeat": 0, "recorded_at": self._at}
        self.lines += [{"key": key, **common, "vector": one} for key, one in zip(keys, vectors, strict=True)]
        return vectors

    async def close(self) -> None:
        closing = [plug.close() for plug in self._plugs.values()] + [tool.close() for tool in self._tools.values()]
        await asyncio.gather(*closing, return_exceptions=True)
        if self.writer:
            await self.writer.close()

    async def _said(self, job: Job) -> Said | None:
        known = await self.writer.call(self.writer.store.attempts, job.job_id) if self.writer else []
        if known and known[-1].status != "failed":
            return Said(job, known[-1])
        plug = self._plug(job.agent)
        results = await self._attempts.ask(job, plug, self._lane(job.agent, plug))
        if not results:
            return None
        if self.writer:
            await self.writer.keep([(job, result) for result in results])
        if results[-1].error_kind == NOT_RECORDED:
            self.unrecorded[job.agent.name] = None
        return Said(job, results[-1])

    def _plug(self, agent: Agent) -> Model:
        if agent.name not in self._plugs:
            kind = find("models", agent.type)
            asked = self.writer or kind.simulated
            model: Model = kind(agent, self.keys, self.blobs) if asked else Recorded(agent, self.recordings)
            taken_down = self.writer and not kind.simulated
            self._plugs[agent.name] = Recording(model, self._take) if taken_down else model
        return self._plugs[agent.name]

    def _take(self, request: Request, reply: Reply) -> None:
        self.lines.append(line_of(request, reply, self._at))

    def _lane(self, agent: Agent, plug: Model) -> Lane:
        if plug.endpoint not in self._lanes:
            limiter = Limiter(plug.endpoint, agent.limits, time.monotonic, lambda kind, fields: None)
            lane = Lane(limiter, LaneProgress(agent.name, plug.endpoint), on_spent=self._mind_the_budget)
            self._lanes[plug.endpoint] = lane
            self._mind_the_budget()
        return self._lanes[plug.endpoint]

    def _mind_the_budget(self) -> None:
        if self.writer is None:
            return
        lanes = [lane.progress for lane in self._lanes.values()]
        spent = self.spent[0] + sum(lane.cost for lane in lanes)
        tokens = self.spent[1] + sum(lane.input_tokens + lane.output_tokens for lane in lanes)
        money, most = self.budget.money, self.budget.tokens
        if (money is not None and spent >= money) or (most is not None and tokens >= most):
            self.over = "the budget under `run:` in conf/config.yaml is spent."
            for lane in self._lanes.values():
                lane.limiter.close()
