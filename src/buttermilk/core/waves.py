"""Waves: the same flow asked again of the same data set, and which models answered in each."""

from datetime import datetime
from string import ascii_lowercase
from typing import Literal, NamedTuple

from buttermilk.core.jobs import Run

ModelChange = Literal["stop", "split", "note"]


class Returned(NamedTuple):
    """Which model answered for an agent in a wave, how often, from when to when."""

    wave: str
    agent: str
    agent_hash: str
    model: str
    answers: int
    first_at: datetime
    last_at: datetime


def sub_wave(wave: str, number: int) -> str:
    """Of the models that answered for an agent the first gives the wave, `2026-12`, the next ones `2026-12.b`, …"""
    letter = ascii_lowercase[number] if number < len(ascii_lowercase) else str(number + 1)
    return f"{wave}.{letter}" if number else wave


def same_flow(one: Run, other: Run) -> bool:
    """Of one flow on one data set, in whatever wave."""
    return (one.kind, one.flow, one.dataset) == (other.kind, other.flow, other.dataset)


def same_wave(one: Run, other: Run) -> bool:
    return same_flow(one, other) and one.wave == other.wave
