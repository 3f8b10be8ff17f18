"""Making a study: `init` writes one; the demo's is written, and a hundred of its verses are labelled."""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path

from buttermilk.config import init
from buttermilk.core.errors import ConfigError
from buttermilk.core.people import Sample
from buttermilk.study.codings import import_
from buttermilk.study.labelling import desk, open_, sample

DEMO = "demo"
WAVES = ("1", "2")
LABELLED = 100
CODER = "sheng_and_uthus"
JUDGES = "steps.judge.agents"
READERS = "steps.synthesis.agents"

__all__ = ["demo_overrides", "demo_study", "init", "labelled"]


def demo_study(target: Path) -> Path:
    """The folder of the demo study; written where there is none yet, used again where there is."""
    if not (target / "conf" / "flow").is_dir():
        if target.exists() and any(target.iterdir()):
            raise ConfigError(
                f"{target} is there and is no study.", hint="Name another folder: buttermilk demo --into X"
            )
        init(target)
    return target


def demo_overrides(agents: tuple[str, ...]) -> list[str]:
    """`--agents gpt,http://127.0.0.1:8000/v1` takes the place of the simulated readers; the tools stay."""
    named = [name for given in agents for name in given.split(",") if name]
    if not named:
        return []
    quoted = ",".join(f"'{name}'" if ":" in name else name for name in named)
    first = f"'{named[0]}'" if ":" in named[0] else named[0]
    return [f"{JUDGES}=[vader,wordlist,{quoted}]", f"{READERS}=[{first}]"]


def labelled(run: str, root: Path) -> tuple[Sample, bool]:
    """A sample of the demo's verses, stratified by what the run's majority says of them, with the labels that people
    gave: the data set's own, taken in of these verses alone. Drawn, coded and opened once: and whether that was now."""
    with desk(root) as here:
        known = {one.name: one for one in here.samples()}
        found = here.store.run(run)
        records = [record for refs in here.store.refs(found.dataset_fingerprint if found else "") for record in refs]
    if DEMO in known:
        return known[DEMO], False
    size = min(LABELLED, len(records))
    strata = f"run:{run}" if size == LABELLED else ""  # a trial of a few verses has too few for each
    drawn = sample(DEMO, name=DEMO, size=size, by=strata, question="sentiment", coders=(CODER,), root=root)
    file = root / "data" / "labelled.csv"
    ids = {draw.record_id for draw in drawn.draws}
    with file.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([("record_id", "sentiment"), *_codes(root / "data" / "verse.csv", ids)])
    import_(file, sample=DEMO, coders=(CODER,), root=root)
    open_(DEMO, "the demo changes no prompt after this", DEMO, root=root)
    return drawn, True


def _codes(file: Path, ids: Collection[str]) -> Iterator[tuple[str, str]]:
    with file.open(encoding="utf-8", newline="") as source:
        yield from ((row["id"], row["sentiment"]) for row in csv.DictReader(source) if row["id"] in ids)
