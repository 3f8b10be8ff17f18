"""What stands after the name of the flow: `steps.judge.repeats=5 agents=[gpt] -m`, read by Hydra's own grammar."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException

from buttermilk.config.references import hidden, literal
from buttermilk.config.schema import declared
from buttermilk.core.errors import ConfigError
from buttermilk.core.hashing import canonical
from buttermilk.core.values import Scalar

GROUPS = frozenset({"store", "run", "prices"})
_HOW = "An override is written KEY=VALUE, for example steps.judge.repeats=5. `~KEY` takes a key out."
LISTS = ("agents", "perspectives", "prompt")
_COUNTED = (ValueType.CHOICE_SWEEP, ValueType.SIMPLE_CHOICE_SWEEP, ValueType.RANGE_SWEEP)


@dataclass(frozen=True)
class Overrides:
    """One cell of what the command line says, sorted by who applies it."""

    flow: str
    dataset: str | None = None
    shared: tuple[str, ...] = ()  # lines for Hydra, known before the agents are
    late: tuple[str, ...] = ()  # ... of agents, dataset and prices
    prices: Mapping[tuple[str, str], Any] = field(default_factory=dict)  # a model's name may hold dots
    said: Mapping[str, str] = field(default_factory=dict)  # key -> as it was typed
    added: frozenset[str] = frozenset()  # keys typed with a '+': meant to be new
    variant: Mapping[str, Scalar] = field(default_factory=dict)


def cells(flow: str, tokens: Sequence[str], *, multirun: bool) -> list[Overrides]:
    """Each combination that a sweep names; one where nothing is swept."""
    parser = OverridesParser.create()
    parsed = [_parsed(parser, token) for token in tokens]
    swept = [override for override in parsed if override.is_sweep_override()]
    for override in swept:
        _check_sweep(override, multirun=multirun)
    axes = [_values(parser, override) for override in parsed]
    return [_sorted_out(flow, cell, swept) for cell in product(*axes)]


def _parsed(parser: OverridesParser, token: str) -> Override:
    mark, key, value = _split(token)
    if literal(value):
        hint = "Write where it is kept: secret://env/NAME. What was typed here is now in your shell's history."
        raise ConfigError(f"on the command line, '{key}' holds what looks like a secret itself.", hint=hint)
    _check_brackets(key, value)
    for written in (token, f"{mark}{key}={_quoted(parser, value)}"):
        try:
            override = parser.parse_override(written)
            if not override.is_sweep_override() and not override.is_delete():
                override.value()
            return override
        except HydraException:
            continue
    raise ConfigError(f"'{token}' cannot be read.", hint=_HOW)


def _check_brackets(key: str, value: str) -> None:
    """A shell cuts `agents=[gpt, local]` in two at its blank."""
    named = key.rpartition(".")[2] in LISTS
    if named and value.startswith("[") and not value.rstrip().endswith("]"):
        hint = f"Put quotation marks around it all: '{key}=[ONE, TWO]'"
        raise ConfigError(f"on the command line, the list in '{hidden(f'{key}={value}')}' is not closed.", hint=hint)


def _split(token: str) -> tuple[str, str, str]:
    mark = token[: len(token) - len(token.lstrip("+~"))]
    key, equals, value = token[len(mark) :].partition("=")
    if not key.strip() or (not equals and mark != "~"):
        raise ConfigError(f"'{hidden(token)}' is not an override.", hint=_HOW)
    return mark, key.strip(), value


def _quoted(parser: OverridesParser, value: str) -> str:
    """`gs://b/k?x=1` -> `'gs://b/k?x=1'`, and the same for each item of a list that would not parse by itself."""
    if value.startswith("[") and value.endswith("]"):
        return f"[{','.join(_quoted_item(parser, item.strip()) for item in value[1:-1].split(','))}]"
    return in_quotes(value)


def _quoted_item(parser: OverridesParser, item: str) -> str:
    try:
        parser.parse_override(f"x={item}")
    except HydraException:
        return in_quotes(item)
    return item


def in_quotes(text: str) -> str:
    """Any text as one value: a backslash counts as itself unless a quote follows it."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    doubled_at_the_end = re.sub(r"(\\+)$", r"\1\1", escaped)
    return f"'{doubled_at_the_end}'"


def _check_sweep(override: Override, *, multirun: bool) -> None:
    key, line = override.key_or_group, override.input_line or ""
    value = line.partition("=")[2]
    if override.value_type not in _COUNTED:
        raise ConfigError(f"'{line}' names no values that can be counted.", hint=f"Name them: {key}=1,2,3")
    each_way = f"Add -m to run each of them. A list is written {key}=[{value}], one text {key}=\"'{value}'\"."
    if not multirun:
        hint = "Add -m to run each of them." if key in ("flow", "dataset", *GROUPS) else each_way
        raise ConfigError(f"'{line}' names several values.", hint=hint)
    if key in GROUPS or key.partition(".")[0] in (*GROUPS, "dataset", "data", "limit"):
        raise ConfigError(
            f"'{line}' would sweep what a run has one of.", hint="Sweep what stands under steps, agent, seed or wave."
        )


def _values(parser: OverridesParser, override: Override) -> list[Override]:
    """`seed=1,2` -> `seed=1` and `seed=2`."""
    if not override.is_sweep_override():
        return [override]
    before = (override.input_line or "").partition("=")[0]
    return [parser.parse_override(f"{before}={value}") for value in override.sweep_string_iterator()]


def _sorted_out(flow: str, cell: Sequence[Override], swept: Sequence[Override]) -> Overrides:
    shared: list[str] = []
    late: list[str] = []
    prices: dict[tuple[str, str], Any] = {}
    names: dict[str, str | None] = {"flow": flow, "dataset": None}
    keys = {override.key_or_group for override in swept}
    for override in cell:
        key, first = override.key_or_group, override.key_or_group.partition(".")[0]
        if key in names and not override.is_delete():
            names[key] = _one_name(override)
        elif first == "prices" and key.count(".") > 1 and not override.is_delete():
            model, _, price = key.removeprefix("prices.").rpartition(".")
            prices[model, price] = override.value()
        else:
            _refuse_groups(override)
            (late if first in ("agent", "data", "prices") else shared).append(_line(override))
    return Overrides(
        flow=names["flow"] or flow,
        dataset=names["dataset"],
        shared=tuple(shared),
        late=tuple(late),
        prices=prices,
        said={override.key_or_group: (override.input_line or "").lstrip("+") for override in cell},
        added=frozenset(override.key_or_group for override in cell if override.is_add() or override.is_force_add()),
        variant={each.key_or_group: _scalar(each.value()) for each in cell if each.key_or_group in keys},
    )


def _one_name(override: Override) -> str:
    value = override.value()
    if not isinstance(value, str) or not value:
        raise ConfigError(f"'{override.input_line}' must name one {override.key_or_group}.")
    return value


def _refuse_groups(override: Override) -> None:
    key = override.key_or_group
    if override.is_hydra_override():
        raise ConfigError(f"'{override.input_line}' is not used here.", hint="Hydra's own settings change nothing.")
    if key in ("agent", "data"):
        right = "agents=[NAME, NAME]" if key == "agent" else "dataset=NAME"
        raise ConfigError(f"'{override.input_line}' names nothing.", hint=f"Write {right}")


def _line(override: Override) -> str:
    """As Hydra takes it. A `+` means set, whether or not the key is there; a key that is known anyway needs none."""
    line, key = override.input_line or "", override.key_or_group
    if override.is_delete() or override.package is not None:
        return line
    bare = line.lstrip("+")
    if key in GROUPS and isinstance(override.value(), str):
        return bare
    new = override.is_add() or override.is_force_add() or declared(tuple(key.split(".")))
    return f"++{bare}" if new else bare


def _scalar(value: Any) -> Scalar:
    return value if value is None or isinstance(value, str | int | float | bool) else canonical(value)
