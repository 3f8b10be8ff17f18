"""What a run knows of itself while it goes: plain counters that anyone may read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from buttermilk.core.jobs import Result

GRID = 240  # squares in the picture of the records


@dataclass
class LaneProgress:
    """One step at one endpoint."""

    step: str
    endpoint: str
    planned: int = 0
    skipped: int = 0
    waiting: int = 0  # handed over in a batch, and not answered yet
    in_flight: int = 0
    limit: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    down: str = ""
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return sum(self.statuses.values())

    def ended(self, result: Result) -> None:
        self.statuses[result.status] += 1

    def spent(self, result: Result) -> None:
        """Of every attempt, the last and those before it."""
        self.input_tokens += result.usage.input_tokens
        self.output_tokens += result.usage.output_tokens
        if result.cost is not None:
            self.cost += result.cost
        elif result.usage.input_tokens and not result.simulated:
            self.unpriced += 1

    def as_json(self) -> dict[str, Any]:
        names = ("step", "endpoint", "planned", "skipped", "waiting", "in_flight", "limit", "retries", "input_tokens")
        more = ("output_tokens", "cost", "unpriced", "down")
        return {name: getattr(self, name) for name in (*names, *more)} | {"statuses": dict(self.statuses)}


@dataclass
class Progress:
    """The whole run. `grid` counts settled jobs per block of records, in the order of the dataset."""

    run_id: str
    where: str
    planned: int
    records: int
    money_before: float = 0.0
    tokens_before: int = 0
    currency: str = "USD"
    budget: float | None = None
    state: str = "running"
    why: str = ""
    lanes: list[LaneProgress] = field(default_factory=list)
    grid: list[int] = field(default_factory=list)
    stored: Counter[str] = field(default_factory=Counter)  # statuses that were there before this call
    below_quorum: Counter[str] = field(default_factory=Counter)  # step -> jobs not asked: too few had answered
    began: float = 0.0
    model_change: str = "stop"  # what has been chosen for the answers of another model
    models: list[dict[str, Any]] = field(default_factory=list)  # agents that several models answered for, in this wave

    def __post_init__(self) -> None:
        self.grid = [0] * min(GRID, max(self.records, 1))

    def settled(self, position: int) -> None:
        self.grid[position * len(self.grid) // max(self.records, 1)] += 1

    @property
    def skipped(self) -> int:
        """Stored before this call and not asked again."""
        return sum(self.stored.values())

    @property
    def statuses(self) -> Counter[str]:
        """Of all of the run's jobs, stored before or now."""
        return sum((lane.statuses for lane in self.lanes), Counter(self.stored))

    @property
    def asked(self) -> int:
        return sum(lane.done for lane in self.lanes)

    @property
    def remaining(self) -> int:
        return max(0, self.planned - sum(self.statuses.values()) + self.statuses["failed"])

    @property
    def waiting(self) -> int:
        return sum(lane.waiting for lane in self.lanes)

    @property
    def money(self) -> float:
        return self.money_before + sum(lane.cost for lane in self.lanes)

    @property
    def tokens(self) -> int:
        return self.tokens_before + sum(lane.input_tokens + lane.output_tokens for lane in self.lanes)

    @property
    def projected(self) -> float | None:
        """What the whole run will have cost, if the rest costs what the asked did; None before any answer."""
        now = sum(lane.cost for lane in self.lanes)
        return self.money + now / self.asked * self.remaining if self.asked else None

    def as_json(self) -> dict[str, Any]:
        statuses: Mapping[str, int] = self.statuses
        return {
            "run": self.run_id,
            "store": self.where,
            "state": self.state,
            "why": self.why,
            "planned": self.planned,
            "remaining": self.remaining,
            "skipped": self.skipped,
            "waiting": self.waiting,
            "below_quorum": dict(+self.below_quorum),
            **{name: statuses.get(name, 0) for name in ("answered", "refused", "unparsed", "failed")},
            "cost": round(self.money, 6),
            "currency": self.currency,
            "tokens": self.tokens,
            "model_change": self.model_change,
            "models": self.models,
            "lanes": [lane.as_json() for lane in self.lanes],
        }
