"""A study in two waves with a priors arm in the second, in memory: what is drawn is decided by a seed and the ids.

In the second wave the readers who are shown three of the first wave's answers, the same to all, copy their commonest
with a probability of `copying` (much as in the simulation of METHODS 2.14); of a share `turned` of the records all
answers of the second wave are turned round.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from analysis_study import MemoryStore, question, row, run_of

from buttermilk.core.flows import Agent, Codebook, Flow, Prompt, Section, Step
from buttermilk.core.jobs import Run
from buttermilk.core.people import Draw, Opening, Sample
from buttermilk.core.records import HumanLabel, Part, Record

YES_NO = ("yes", "no")
READERS = tuple(Agent(name=f"reader_{letter}", type="simulated", model=f"simulated-{letter}") for letter in "abcde")
BOOK = Codebook(name="harm", questions=(question("harmful", labels=YES_NO),))
PROMPT = Prompt(name="judge", sections=(Section(role="user", template="{{ record.text }}"),))


class WavesStore(MemoryStore):
    """Several runs."""

    def __init__(self, runs: Sequence[Run], records: Sequence[Record], rows: Sequence[dict[str, Any]]) -> None:
        super().__init__(runs[-1], records, rows)
        self._runs = list(runs)

    def run(self, run_id: str) -> Run | None:
        return next((one for one in self._runs if one.run_id == run_id), None)

    def runs(self) -> list[Run]:
        return self._runs


def records_of(count: int, labelled: bool = True) -> list[Record]:
    found = []
    for place in range(count):
        truth = Random(f"truth {place}").choice(YES_NO)
        labels = (HumanLabel(question="harmful", value=truth, coder="ana"),) if labelled else ()
        found.append(Record(record_id=f"r{place:04}", parts=(Part(text=f"text {place}"),), labels=labels))
    return found


def flow_of(repeats: int = 3, agents: Sequence[Agent] = READERS, codebook: Codebook = BOOK) -> Flow:
    step = Step(name="judge", agents=tuple(agents), prompts=(PROMPT,), codebook=codebook, repeats=repeats)
    return Flow(name="harm", title="Is it harmful?", steps=(step,))


def ability(place: int) -> float:
    """How likely a reader is right on a record: some records are nearly a toss-up."""
    return Random(f"ability {place}").choice((0.95, 0.8, 0.7, 0.6, 0.55))


def said(place: int, agent: Agent, wave: str, arm: str, repeat: int, turned: float = 0.0) -> str:
    truth = Random(f"truth {place}").choice(YES_NO)
    wrong = "no" if truth == "yes" else "yes"
    draw = Random(f"{place} {agent.name} {wave} {arm} {repeat}")
    answer = truth if draw.random() < ability(place) else wrong
    if wave != "1" and Random(f"turned {place}").random() < turned:
        answer = "no" if answer == "yes" else "yes"
    return answer


def rows_of(
    flow: Flow, records: Sequence[Record], *, copying: float, turned: float = 0.0, priors: bool = True
) -> Iterator[dict[str, Any]]:
    step = flow.steps[0]
    for place, record in enumerate(records):
        first: list[tuple[str, str, str]] = []
        for wave, arms in (("1", ("control",)), ("2", ("control", "priors") if priors else ("control",))):
            for arm in arms:
                for agent in step.agents:
                    for repeat in range(1, step.repeats + 1):
                        answer = said(place, agent, wave, arm, repeat, turned)
                        draw = Random(f"copied {place} {agent.name} {repeat}")
                        shown = Random(f"shown {place}").sample(first, 3) if arm == "priors" else []
                        if shown and draw.random() < copying:
                            answer = Counter(label for _, _, label in shown).most_common(1)[0][0]
                        told = row(step, record, agent, repeat=repeat, wave=wave, arm=arm, run_id=f"harm-{wave}",
                                   answers={"harmful": answer})  # fmt: skip
                        told |= {
                            "job_id": f"{told['job_id']}-{wave}-{arm}",
                            "priors": [{"job_id": job, "values": {"harmful": label}} for job, _, label in shown],
                        }
                        if wave == "1":
                            first.append((told["job_id"], agent.name, answer))
                        yield told


def two_waves(
    count: int = 60, *, copying: float = 0.8, turned: float = 0.0, repeats: int = 3, labelled: bool = True,
    test: bool = True, priors: bool = True, agents: Sequence[Agent] = READERS,
) -> tuple[WavesStore, Run]:  # fmt: skip
    """The store, and the run of the second wave."""
    flow, records = flow_of(repeats, agents), records_of(count, labelled)
    rows = list(rows_of(flow, records, copying=copying, turned=turned, priors=priors))
    runs = [
        run_of(flow, run_id=f"harm-{wave}", wave=wave, dataset="news", planned=sum(one["wave"] == wave for one in rows))
        for wave in ("1", "2")
    ]
    store = WavesStore(runs, records, rows)
    if test:
        draws = tuple(Draw(record_id=record.record_id, prob=0.5) for record in records)
        store.filed.append(
            Sample(about="news", name="first", dataset_fingerprint="d" * 32, codebook="harm@1", codebook_hash=BOOK.hash,
                   how="random", seed=1, population=count, draws=draws, drawn_at=datetime(2026, 11, 1, tzinfo=UTC))
        )  # fmt: skip
        store.filed.append(
            Opening(about="news", sample="first", flow="harm", locked={}, by="ana",
                    opened_at=datetime(2026, 11, 2, tzinfo=UTC))
        )  # fmt: skip
    return store, runs[-1]
