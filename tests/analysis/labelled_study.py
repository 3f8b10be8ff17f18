"""A study whose records were drawn for people to label, with the probability of each."""

from datetime import UTC, datetime
from random import Random

from analysis_study import MemoryStore, run_of, verse_flow, verse_rows, verses

from buttermilk.analysis.evidence import Evidence, evidence
from buttermilk.core.people import Draw, Opening, Sample

DRAWN_AT = datetime(2026, 11, 26, tzinfo=UTC)


def sample(draws, name="pilot", **more):
    given = {
        "about": "verse", "name": name, "dataset_fingerprint": "d" * 32, "codebook": "sentiment@1",
        "codebook_hash": "c" * 32, "how": "random", "seed": 1, "population": 100, "draws": tuple(draws),
        "drawn_at": DRAWN_AT,
    }  # fmt: skip
    return Sample(**given | more)


def opened(name):
    return Opening(about="verse", sample=name, flow="demo", locked={}, by="ana", opened_at=DRAWN_AT)


def labelled_study(count=100, labels=60, *, drawn=True, chances=None, order=None, flow=None, **more):
    """`labels` of the records were drawn and labelled, each with its chance; `genre` is half ode, half ballad."""
    flow, whole = flow or verse_flow(), verses(count)
    chosen = set(Random(3).sample([one.record_id for one in whole], labels))
    records = [
        one.model_copy(
            update={
                "labels": one.labels if one.record_id in chosen else (),
                "metadata": {
                    "genre": "ode" if (one.label("sentiment") == "positive") ^ (place % 3 == 0) else "ballad",
                    "line": place,
                },
            }
        )
        for place, one in enumerate(whole)
    ]
    hashes = {one.record_id: one.record_hash for one in records}
    rows = [row | {"record_hash": hashes[row["record_id"]]} for row in verse_rows(flow, whole)]
    if order:
        order.shuffle(rows)
    run = run_of(flow, planned=len(rows), **more)
    store = MemoryStore(run, records, rows)
    if drawn:
        chances = chances or (lambda record_id: labels / count)
        store.filed += [sample([Draw(record_id=one, prob=chances(one)) for one in sorted(chosen)]), opened("pilot")]
    return store, run


def found_in(*study) -> Evidence:
    return evidence(*study)
