"""Which model answers for an agent. Another one inside a wave is told, and by choice stops the run (METHODS 1.6.5).

An agent names a model as the provider lists it, `gpt-4o`, and what answers under that name may change from one day to
the next. What the provider says is compared with all that the wave has been told before, by this run or by another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from buttermilk.core.jobs import Cell, Job, Result
from buttermilk.core.waves import ModelChange, Returned

ANOTHER_MODEL = "another model answers for"

Answerer = tuple[str, str, str]


@dataclass
class Answerers:
    """Of one wave of a flow. It does not matter in which order answers come: what was said is a set of names, each
    with when it was first and last heard."""

    change: ModelChange
    models: dict[Answerer, dict[str, Returned]] = field(default_factory=dict)

    def knows(self, found: Iterable[Returned]) -> None:
        for one in found:
            self.models.setdefault((one.wave, one.agent, one.agent_hash), {})[one.model] = one

    def saw(self, job: Job, result: Result) -> Returned | None:
        """The model that answered, where it is another than those before it; silence tells nothing."""
        name, at = result.model_returned, result.ended_at
        if not name:
            return None
        known = self.models.setdefault((job.wave, job.agent.name, job.agent.hash), {})
        one = known.get(name) or Returned(job.wave, job.agent.name, job.agent.hash, name, 0, at, at)
        fresh = name not in known and bool(known)
        known[name] = one._replace(
            answers=one.answers + 1, first_at=min(one.first_at, at), last_at=max(one.last_at, at)
        )
        return known[name] if fresh else None

    def forbids(self, cell: Cell) -> bool:
        """Whether nobody may be asked: several models have answered for this agent, and what is to come of it has not
        been chosen."""
        return self.change == "stop" and len(self.models.get((cell.wave, cell.agent, cell.agent_hash), ())) > 1

    def as_json(self) -> list[dict[str, Any]]:
        """Each agent that several models answered for: `{"wave", "agent", "models": [{"model", "answers", …}, …]}`."""
        first = attrgetter("first_at", "model")
        return [
            {"wave": wave, "agent": agent, "models": [_as_json(one) for one in sorted(models.values(), key=first)]}
            for (wave, agent, _), models in sorted(self.models.items())
            if len(models) > 1
        ]


def _as_json(one: Returned) -> dict[str, Any]:
    times = {"first_at": one.first_at.isoformat(), "last_at": one.last_at.isoformat()}
    return {"model": one.model, "answers": one.answers, **times}
