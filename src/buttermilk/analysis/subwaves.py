"""Where another model began to answer for an agent within a wave, and its answers are to be kept apart: sub-waves. The
first model's answers are wave `2026-12`, the next one's `2026-12.b`, then `2026-12.c`: in the order in which each was
first heard of in the wave, agent by agent. Which job was asked is the same either way, and so is what remains: what
splits is what came. A record is asked once in a wave, whichever model answers."""

from collections.abc import Callable, Mapping
from typing import Any

from buttermilk.core.contracts import Store
from buttermilk.core.jobs import Run
from buttermilk.core.waves import same_wave, sub_wave

WaveOf = Callable[[Mapping[str, Any]], str]


def is_split(run: Run) -> bool:
    return run.progress.get("model_change") == "split"


def wave_of(store: Store, run: Run) -> WaveOf:
    """The wave of an answer's row: its own where nothing is split; an answer whose model is unknown is the first's."""
    if not is_split(run):
        return lambda row: str(row["wave"])
    names: dict[tuple[str, str, str, str], str] = {}
    heard: dict[tuple[str, str, str], int] = {}
    for one in store.returned([other.run_id for other in store.runs() if same_wave(run, other)]):
        of = (one.wave, one.agent, one.agent_hash)
        number = heard[of] = heard.get(of, -1) + 1
        names[(*of, one.model)] = sub_wave(one.wave, number)

    def of_row(row: Mapping[str, Any]) -> str:
        own = str(row["wave"])
        return names.get((own, row["agent"], row["agent_hash"], row["model_returned"]), own)

    return of_row
