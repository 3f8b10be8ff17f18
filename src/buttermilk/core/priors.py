"""Prior answers: which earlier answers an agent is shown before it gives its own, in an arm beside the control arm."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from buttermilk.core.hashing import derive_seed
from buttermilk.core.values import Value

Stratum = Literal["model", "prompt", "perspective"]
Scope = Literal["same_record", "similar_records"]
PRIOR_ARMS: dict[Scope, str] = {"same_record": "priors", "similar_records": "precedents"}
SOURCES = ("earlier_waves", "earlier_runs")


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Priors(Value):
    """`priors: {source: earlier_waves, n: 3, strata: [model]}`: what is drawn, how many of each stratum, from where.

    Only the control arm's answers of machines are drawn, never of the wave that is being asked; labels by people and
    records of the test split are never shown (METHODS 1.5, 1.6). Whoever is shown them is one arm, `priors`
    (`precedents` where they are of similar records); the same records are asked without them, in the arm `control`.
    """

    scope: Scope = "same_record"
    source: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)] = ("earlier_waves",)
    agents: Literal["others", "own", "any"] = "others"
    strata: tuple[Stratum, ...] = Field(default=(), description="drawn from each alike; empty: from all together")
    n: int = Field(default=3, ge=1, le=50, description="answers of each stratum")
    window: int | None = Field(default=None, ge=1, description="only from so many waves back")
    weights: Literal["lift", "uniform"] = "lift"
    control_only: float = Field(default=0.2, ge=0, lt=1, description="of the records, drawn by the seed: no priors arm")

    @property
    def arm(self) -> str:
        return PRIOR_ARMS[self.scope]

    @property
    def runs(self) -> tuple[str, ...]:
        """Those that are named."""
        return tuple(name for name in self.source if name not in SOURCES)

    def only_control(self, seed: int, record_id: str) -> bool:
        """Whether a record is asked about in the control arm alone: the same for every step, agent, wave and run."""
        return derive_seed(seed, "control only", record_id) < self.control_only * 2**63
