"""What a method is made of, by name: what is registered, locked when test labels open, and compared between waves."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from buttermilk.core.flows import Flow, Step
from buttermilk.core.hashing import ID_LENGTH, canonical, fingerprint
from buttermilk.core.values import plain

KINDS = {"prompt": "prompts", "criteria": "perspectives", "agent": "agents"}
HASH = re.compile(rf"\b[0-9a-f]{{{ID_LENGTH}}}\b")
DESIGN = ("arm", "after", "reads", "variables", "priors", "blind", "quorum")


class Change(NamedTuple):
    """`Change("prompt judge", "3f9a1c…", "8d2b11…")`; empty where there was none, or is none any more. `why` is the
    reason that somebody has written down."""

    what: str
    before: str
    now: str
    why: str = ""


def parts_of(*flows: Flow) -> dict[str, str]:
    """`{"agent gpt": "5e0c…", "codebook fairness": …, "criteria tja": …, "prompt judge": …, "agents of judge":
    "claude, gpt", "repeats of judge": "3", "seed": "1"}`: hashes, and what is short as it stands.

    The flows are the cells of one sweep. Neither the wave is part of it, nor the records: later waves ask the same.
    """
    found: dict[str, set[str]] = {}
    for flow in flows:
        for name, part in _parts(flow):
            found.setdefault(name, set()).add(part)
    return {name: min(one) if len(one) == 1 else fingerprint(sorted(one)) for name, one in sorted(found.items())}


def _parts(flow: Flow) -> Iterator[tuple[str, str]]:
    yield from (("seed", str(flow.seed)), ("anchor set", str(flow.anchor)))
    for step in flow.steps:
        yield f"codebook {step.codebook.name}", step.codebook.hash
        for kind, axis in KINDS.items():
            for one in getattr(step, axis):
                yield f"{kind} {one.name}", one.hash
            yield f"{kind}{'' if kind == 'criteria' else 's'} of {step.name}", _names(getattr(step, axis))
        yield f"repeats of {step.name}", str(step.repeats)
        yield f"design of {step.name}", canonical({name: one for name in DESIGN if (one := plain(step).get(name))})


def _names(axis: tuple[object, ...]) -> str:
    return ", ".join(sorted(str(getattr(one, "name", one)) for one in axis)) or "none"


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[Change]:
    """What differs, by name."""
    names = sorted(before.keys() | now.keys())
    differ = (Change(name, before.get(name, ""), now.get(name, "")) for name in names)
    return [one for one in differ if one.before != one.now]


def cells_of(*flows: Flow) -> frozenset[str]:
    """`judge: gpt@5e0c1a · tja@3f9a1c · judge@8d2b11 · {"tone":"plain"}`: every cell that is asked, by its versions."""
    return frozenset(cell for flow in flows for step in flow.steps for cell in _cells(flow, step))


def _cells(flow: Flow, step: Step) -> Iterator[str]:
    for agent in step.agents:
        tool = agent.role == "tool"
        names = [] if tool else sorted(step.variables)
        lenses = [] if tool else [f"{one.name}@{one.hash[:6]}" for one in step.perspectives]
        prompts = [] if tool else [f"{one.name}@{one.hash[:6]}" for one in step.prompts]
        swept = product(*(step.variables[name] for name in names))
        for lens, prompt, values in product(lenses or [""], prompts or [""], swept):
            variant = {**flow.variant, **dict(zip(names, values, strict=True))}
            parts = (f"{agent.name}@{agent.hash[:6]}", lens, prompt, canonical(variant) if variant else "")
            yield f"{step.name}: {' · '.join(filter(None, parts))}"


def said(change: Change, before: str = "registered") -> str:
    """`prompt judge: registered 3f9a1c, now 8d2b11`"""
    was = f"{before} {shortened(change.before)}" if change.before else f"not {before}"
    return f"{change.what}: {was}, {f'now {shortened(change.now)}' if change.now else 'now left out'}"


def shortened(part: str) -> str:
    """Hashes by their first digits."""
    return HASH.sub(lambda found: found[0][:6], part)
