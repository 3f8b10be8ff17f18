"""What conformity does: agreement grows and the majority's answer gets worse (METHODS 2.14), through the real engine.

    python bench/conformity.py --n 2000

Five simulated readers answer in two waves; in the second also in an arm in which each is shown three of the others'
answers of the first, and copies what most of them say with probability w. Nothing is asked of any model.
"""

import argparse
import asyncio
import platform
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from buttermilk.analysis.statistics.alpha import alpha
from buttermilk.analysis.statistics.mcnemar import mcnemar
from buttermilk.core.flows import Agent, Codebook, Flow, LabelDefinition, Limits, Prompt, Question, Section, Step
from buttermilk.core.hashing import derive_seed
from buttermilk.core.jobs import Run
from buttermilk.core.priors import Priors
from buttermilk.core.records import DatasetSpec, Part, Record
from buttermilk.engine.run import Engine
from buttermilk.models.simulated import Simulated
from buttermilk.stores.sqlite import SqliteStore

READERS = ("ana", "ben", "cleo", "dan", "eve")
LABELS = tuple(LabelDefinition(name=name) for name in ("yes", "no"))
CODEBOOK = Codebook(name="harm", questions=(Question(name="harm", ask="Does it harm?", labels=LABELS),))
TEXT = "{{ record.text }}{% for prior in priors %} {{ prior.values.harm }}{% endfor %}"
PROMPT = Prompt(name="judge", sections=(Section(role="user", template=TEXT),))
SEED = 7


class Arm(NamedTuple):
    """`right` says of each record, in the order of their ids, whether the majority's answer is the truth."""

    alpha: float
    single: float
    right: tuple[bool, ...]

    @property
    def majority(self) -> float:
        return sum(self.right) / len(self.right)


def readers(conformity: float) -> tuple[Agent, ...]:
    """Right about four of five records, and about three of ten records no better than a coin: METHODS has, without
    conformity, alpha .239, single answers right in .708, the majority in .801."""
    traits = {"accuracy": 0.8, "hard": 0.3, "consistency": 1, "truth": "truth", "conformity": conformity}
    return tuple(
        Agent(
            name=name, type="simulated", parameters=traits, deterministic=True, limits=Limits(concurrency=64, start=64)
        )
        for name in READERS
    )


def records(count: int) -> list[Record]:
    truth = (("yes", "no")[derive_seed(SEED, "truth", number) % 2] for number in range(count))
    return [
        Record(record_id=f"r{number:05}", parts=(Part(text=f"Report {number}."),), metadata={"truth": said})
        for number, said in enumerate(truth)
    ]


def asked(folder: Path, count: int, conformity: float, **priors: object) -> dict[str, Arm]:
    """Both waves in one run; the arms of the second."""
    given = {"weights": "uniform", "control_only": 0} | priors
    step = Step(
        name="judge", agents=readers(conformity), prompts=(PROMPT,), codebook=CODEBOOK,
        priors=Priors.model_validate(given),
    )  # fmt: skip
    flows = tuple(Flow(name="study", steps=(step,), seed=SEED, wave=wave, variant={"wave": wave}) for wave in "12")
    found = records(count)
    with closing(SqliteStore(folder / "jobs.db")) as store:
        dataset = store.keep_dataset("reports", DatasetSpec(name="reports", type="csv", path="reports.csv"), found)
        run = Run(
            run_id="run", spec_hash="s", flow="study", flow_hash="f", dataset="reports", method=flows,
            dataset_fingerprint=dataset.fingerprint, machine=platform.node(), started_at=datetime.now(UTC),
        )  # fmt: skip
        store.begin(run)
        engine = Engine(store, run, dataset, lambda agent: Simulated(agent, _no_key, bytes))
        progress = asyncio.run(engine.go())
        assert progress.state == "finished", progress.why
        rows = [
            (row["arm"], row["record_id"], row["answers"]["harm"]) for row in store.results("run") if row["wave"] == "2"
        ]
    return {
        arm: _arm(found, [(name, said) for which, name, said in rows if which == arm]) for arm in ("control", "priors")
    }


def _no_key(reference: str) -> None:
    raise AssertionError(f"a simulated reader asked for {reference}")


def _arm(found: Sequence[Record], answers: Sequence[tuple[str, str]]) -> Arm:
    by_record: dict[str, list[str]] = {}
    for record_id, said in answers:
        by_record.setdefault(record_id, []).append(said)
    truth = {record.record_id: str(record.metadata["truth"]) for record in found}
    agreement = alpha([tuple((said,) for said in given) for given in by_record.values()], draws=0)
    hits = {name: given.count(truth[name]) for name, given in by_record.items()}
    right = tuple(hits[name] > len(by_record[name]) / 2 for name in sorted(hits))
    return Arm(agreement.value or 0.0, sum(hits.values()) / len(answers), right)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, default=2000, help="records")
    count = options.parse_args().n
    print(f"N={count}, 5 readers, 3 priors each. In brackets: the control arm of the same wave.")
    print("  w    alpha          majority right single right    of the majority's answers (McNemar)")
    for w in (0.0, 0.2, 0.4, 0.6, 0.8):
        with tempfile.TemporaryDirectory() as folder:
            arms = asked(Path(folder), count, w)
        old, new = arms["control"], arms["priors"]
        pairs = list(zip(old.right, new.right, strict=True))
        worse, better = pairs.count((True, False)), pairs.count((False, True))
        values = (f"{now:.3f} ({then:.3f})" for now, then in (
            (new.alpha, old.alpha), (new.majority, old.majority), (new.single, old.single)))  # fmt: skip
        test = mcnemar(worse, better, len(pairs) - worse - better).test
        chance = f"p = {test.p:.2g}" if test else "no difference"
        print(f"  {w:.1f}  {'  '.join(values)}   {worse:4} lost, {better:4} won, {chance}", flush=True)


if __name__ == "__main__":
    main()
