"""What may stand in a composed configuration, and what comes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt

from buttermilk.core.flows import Agent, Analysis, Capabilities, Flow, Limits, Price
from buttermilk.core.jobs import Budget, Mode
from buttermilk.core.priors import Priors
from buttermilk.core.records import Columns, DatasetSpec, ImageRule, PdfRule, Preparation, VideoRule
from buttermilk.core.values import Json, Scalar, Value, is_number
from buttermilk.core.waves import ModelChange


def listed(value: Any) -> Any:
    """`judge` -> `[judge]`: one thing is a list of one."""
    return [value] if isinstance(value, str | int | float | bool) else value


def _as_text(value: Any) -> Any:
    """`wave: 2` is a name too."""
    return str(value) if is_number(value) else value


Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(listed), Field(min_length=1)]
Axis = Annotated[tuple[Scalar, ...], BeforeValidator(listed), Field(min_length=1)]
Count = Annotated[StrictInt, Field(ge=1)]


class StepText(Value):
    """A step as it is written: names, not yet what they name."""

    prompt: Names | None = None
    codebook: Name | None = None
    perspectives: Names | None = None
    agents: Names | None = None
    repeats: Count | None = None
    after: Annotated[tuple[Name, ...], BeforeValidator(listed)] = ()
    reads: Mapping[str, Name] = {}
    variables: Mapping[str, Axis] = {}
    arm: Name | None = None
    priors: Priors | None = None
    blind: bool = False
    quorum: float = 0


class StoreSpec(Value):
    """Where answers are kept. `type` is the name of a plug in `stores/`; `path` is relative to the study."""

    type: str
    path: str = ""
    options: Mapping[str, Json] = {}


class RunSpec(Value):
    """What this execution is called, and what it may spend."""

    name: str | None = None
    budget: Budget = Budget()
    mode: Mode = "live"
    records: Literal["all", "anchor"] = "all"
    model_change: ModelChange = "stop"


Said = Annotated[tuple[str, ...], BeforeValidator(listed)]


class RegistrationText(Value):
    """What only the scholar can say before the answers come, in the words of a preregistration."""

    authors: Said = ()
    description: Said = ()
    hypotheses: Said = ()
    study_type: Said = ()
    blinding: Said = ()
    randomisation: Said = ()
    existing_data: Said = ()
    sample_size: Said = Field(default=(), description="why so many")
    stopping_rule: Said = ()
    indices: Said = ()
    primary: Said = Field(default=(), description="the one analysis, and the one cell, that the hypotheses stand on")
    transformations: Said = ()
    inference: Said = ()
    exclusion: Said = ()
    missing_data: Said = ()
    exploratory: Said = ()
    other: Said = ()


class Tree(Value):
    """The whole configuration. Agents and the dataset are data here, and checked one by one by their own value."""

    title: str = ""
    dataset: Name | None = None
    steps: Mapping[str, StepText] = {}
    analysis: Analysis = Analysis()
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 1
    wave: Annotated[str, BeforeValidator(_as_text), Field(min_length=1)] = "1"
    anchor: Count = 30
    registration: RegistrationText = RegistrationText()
    limit: Count | None = None
    agents: Names | None = None
    perspectives: Names | None = None
    repeats: Count | None = None
    data: Mapping[str, Any] = {}
    agent: Mapping[str, Mapping[str, Any]] = {}
    store: StoreSpec
    run: RunSpec = RunSpec()
    prices: Mapping[str, Price] = {}
    vaults: Mapping[str, str | None] = {}
    notify: str = Field(default="", description="an address that is told of an alarm of `prompts watch`")


class Composed(Value):
    """What a command works with: one flow, or one per cell of a sweep, and where and how they run."""

    flows: tuple[Flow, ...] = Field(min_length=1)
    dataset: DatasetSpec
    store: StoreSpec
    run: RunSpec = RunSpec()
    registration: RegistrationText = RegistrationText()
    vaults: Mapping[str, str | None] = Field(
        default={}, description="where `secret://any/NAME` is looked for, in order"
    )
    resolved: Mapping[str, Json] = Field(description="the composed configuration; secrets stay references")
    root: Path
    warnings: tuple[str, ...] = ()


BLOCKS: dict[tuple[str, ...], tuple[str, type[Value]]] = {
    (): ("a flow", Tree),
    ("steps", "*"): ("a step", StepText),
    ("steps", "*", "priors"): ("a step's priors", Priors),
    ("analysis",): ("an analysis", Analysis),
    ("agent", "*"): ("an agent", Agent),
    ("agent", "*", "capabilities"): ("an agent's capabilities", Capabilities),
    ("agent", "*", "limits"): ("an agent's limits", Limits),
    ("agent", "*", "price"): ("a price", Price),
    ("data",): ("a dataset", DatasetSpec),
    ("data", "columns"): ("a dataset's columns", Columns),
    ("data", "media"): ("a dataset's media", Preparation),
    ("data", "media", "image"): ("a dataset's images", ImageRule),
    ("data", "media", "video"): ("a dataset's films", VideoRule),
    ("data", "media", "pdf"): ("a dataset's PDFs", PdfRule),
    ("store",): ("a store", StoreSpec),
    ("registration",): ("a registration", RegistrationText),
    ("run",): ("a run", RunSpec),
    ("run", "budget"): ("a budget", Budget),
    ("prices", "*"): ("a price", Price),
}
"""Where in the configuration which keys are known: `steps.judge.repeats` is a key of the block `steps.*`."""

FROM_ELSEWHERE = frozenset({"name", "deterministic"})
"""Fields of an agent and a dataset that their file does not say: its name does, or the tool does."""


def block(path: tuple[str, ...]) -> tuple[str, frozenset[str]] | None:
    """What the block at a path is called, and its keys; None where any key may stand (`parameters`, `variables`)."""
    for pattern, (called, model) in BLOCKS.items():
        if len(pattern) == len(path) and all(part in ("*", here) for part, here in zip(pattern, path, strict=True)):
            hidden = FROM_ELSEWHERE if path[:1] in (("agent",), ("data",)) else frozenset()
            hidden = hidden | ({"data", "agent"} if not path else set())
            return called, frozenset(model.model_fields) - hidden
    return None


def declared(path: tuple[str, ...]) -> bool:
    """Whether a key is known whatever the files say: `steps.judge.repeats` is, `agent.gpt.parameters.top_p` is not."""
    found = block(path[:-1])
    return bool(path) and found is not None and path[-1] in found[1]


def homes(key: str) -> list[str]:
    """In which blocks a key is known: what to say of one that stands in the wrong place."""
    return sorted({called for path in BLOCKS if (found := block(path)) and key in found[1] for called in [found[0]]})
