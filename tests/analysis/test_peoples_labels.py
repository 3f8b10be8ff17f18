"""Which labels stand, which are sealed, what is the reference, and with what probability a record was drawn."""

from datetime import timedelta
from typing import Any

from analysis_study import START, MemoryStore, question, run_of, verse_flow, verse_rows, verses

from buttermilk.analysis.compare import Scale, between_people
from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.frame import expected, frame, human_labels
from buttermilk.analysis.people import of_split, people, standing, visible
from buttermilk.analysis.tally import tally
from buttermilk.core.flows import Codebook
from buttermilk.core.people import Coding, Draw, Opening, Sample
from buttermilk.core.records import Part

SENTIMENT = Codebook(name="sentiment", questions=(question(),))


def coding(record: str, value: Any, coder: str = "ana", minutes: int = 0, **more: Any) -> Coding:
    at = START + timedelta(minutes=minutes)
    return Coding(about="verse", record_id=record, question="sentiment", value=value, coder=coder, coded_at=at, **more)


def sample(name: str, *draws: Draw, **more: Any) -> Sample:
    given: dict[str, Any] = {
        "about": "verse", "name": name, "dataset_fingerprint": "d" * 32, "codebook": "sentiment@1",
        "codebook_hash": SENTIMENT.hash, "questions": SENTIMENT.questions, "how": "random", "seed": 1, "population": 10,
        "draws": draws, "drawn_at": START,
    }  # fmt: skip
    return Sample(**given | more)


def draw(record: str, split: str = "dev", **more: Any) -> Draw:
    return Draw(**{"record_id": record, "prob": 0.5, "split": split, **more})


def opening(name: str, **more: Any) -> Opening:
    given = {"about": "verse", "sample": name, "flow": "demo", "locked": {}, "by": "ana", "opened_at": START}
    return Opening(**given | more)


def study(*filed: Any) -> tuple[MemoryStore, Any]:
    """Six verses that nobody labelled, and what was filed about them."""
    flow = verse_flow(repeats=1)
    records = [record.model_copy(update={"labels": ()}) for record in verses(6)]
    run = run_of(flow)
    store = MemoryStore(run, records, list(verse_rows(flow, records)))
    store.filed = list(filed)
    return store, run


def asked_of(store: MemoryStore, run: Any) -> Any:
    return next(one for one in tally(store, run).asked.values() if one.question.name == "sentiment")


# ---- what stands


def test_the_latest_answer_of_a_coder_stands_whatever_was_kept_last() -> None:
    first, second = coding("v1", "negative", minutes=5), coding("v1", "positive", minutes=1)
    assert standing([first, second]) == standing([second, first]) == [first]


def test_what_somebody_settles_is_apart_from_what_they_said_as_a_coder() -> None:
    own, settled = coding("v1", "negative"), coding("v1", "mixed", adjudicated=True, minutes=9)
    assert set(standing([own, settled])) == {own, settled}
    assert standing([settled, coding("v1", "positive", "ben", adjudicated=True, minutes=5)]) == [settled]


# ---- what is the reference


def test_what_was_settled_is_the_reference_and_no_coder() -> None:
    split = [coding("v001", "negative", "ana"), coding("v001", "positive", "ben")]
    asked = asked_of(*study(*split))
    assert (asked.first_coder("v001"), asked.unsettled) == (None, ["v001"])
    asked = asked_of(*study(*split, coding("v001", "mixed", "cyd", adjudicated=True)))
    assert (asked.first_coder("v001"), asked.unsettled) == ("mixed", [])
    assert asked.expected["v001"] == {"ana": "negative", "ben": "positive"}
    agreed = between_people(asked, Scale.of(asked, 1))
    assert agreed is not None
    assert agreed.alpha.pairs == 1


def test_the_reference_stands_beside_every_answer_of_the_export() -> None:
    store, run = study(coding("v001", "negative", "ana"), coding("v001", "negative", "ben"), coding("v002", "mixed"),
                       coding("v003", "mixed", "ana"), coding("v003", "positive", "ben"))  # fmt: skip
    rows = [row for row in frame(store, run).dicts() if row["question"] == "sentiment"]
    said = {row["record_id"]: row["expected"] for row in rows}
    assert (said["v001"], said["v002"], said["v003"], said["v004"]) == ("negative", "mixed", None, None)


def test_a_coder_who_says_more_than_came_with_the_data_is_taken_at_the_later_word() -> None:
    store, run = study(coding("v001", "mixed", "ana"))
    store._records = {  # the data set's own label, by the same coder
        key: record.model_copy(update={"labels": verses(6)[int(record.record_id[1:])].labels})
        for key, record in store._records.items()
    }
    labels = human_labels(store, run)
    assert [one.value for one in labels["v001"]] == ["mixed"]
    assert expected(labels["v002"], "sentiment") == verses(6)[2].label("sentiment")


# ---- what is sealed


def test_test_labels_are_nowhere_until_they_are_opened_but_counted() -> None:
    filed = (sample("gold", draw("v001"), draw("v002", "test")), coding("v001", "negative", sample="gold"),
             coding("v002", "mixed", sample="gold"))  # fmt: skip
    store, run = study(*filed)
    found = people(store, run)
    assert (found.sealed, [one.record_id for one in found.codings]) == (1, ["v001"])
    assert human_labels(store, run).keys() == {"v001"}
    store.filed.append(opening("gold"))
    assert people(store, run).sealed == 0
    assert human_labels(store, run).keys() == {"v001", "v002"}


def test_a_label_of_no_sample_about_a_sealed_record_is_sealed_until_a_sample_that_tests_it_is_open() -> None:
    first, second = sample("one", draw("v1", "test")), sample("two", draw("v1", "test"), draw("v2", "test"))
    loose = [coding("v1", "mixed"), coding("v2", "mixed"), coding("v3", "mixed")]
    assert [one.record_id for one in visible(loose, [first, second], [])[0]] == ["v3"]
    seen, sealed = visible(loose, [first, second], [opening("one")])
    assert ([one.record_id for one in seen], sealed) == (["v1", "v3"], 1)


def test_an_opened_sample_is_not_sealed_again_by_another() -> None:
    first, second = sample("one", draw("v1", "test")), sample("two", draw("v1", "test"))
    said = coding("v1", "mixed", sample="one")
    assert visible([said], [first, second], [opening("one")]) == ((said,), 0)


# ---- how likely


def test_probabilities_are_of_the_sample_whose_labels_are_used() -> None:
    few = sample("few", draw("v001", prob=0.9), drawn_at=START + timedelta(days=1))
    many = sample("many", draw("v002", prob=0.2), draw("v003", prob=0.2))
    said = [coding("v001", "mixed", sample="few"), coding("v002", "mixed", sample="many"),
            coding("v003", "mixed", sample="many"), coding("v004", "mixed")]  # fmt: skip
    found = evidence(*study(few, many, *said)).people  # type: ignore[arg-type]
    assert found.used == "many"
    assert {one: drawn.prob for one, drawn in found.drawn.items()} == {"v002": 0.2, "v003": 0.2}
    assert {one.record_id: one.sample for one in found.codings}["v001"] == "few"


def test_while_the_test_is_sealed_a_record_is_as_likely_as_to_be_drawn_and_looked_at() -> None:
    """One of four drawn is looked at in the first stratum, one of two in the second: .4 · 1/4 = .1, .6 · 1/2 = .3."""
    ode = [draw(f"v00{n}", "test" if n else "dev", prob=0.4, stratum="ode") for n in range(4)]
    song = [draw(f"v00{n}", "test" if n > 4 else "dev", prob=0.6, stratum="song") for n in (4, 5)]
    gold = sample("gold", *ode, *song)
    assert [(one.record_id, round(one.prob, 12)) for one in of_split(gold, "dev")] == [("v000", 0.1), ("v004", 0.3)]
    store, run = study(gold, coding("v000", "mixed", sample="gold"))
    assert people(store, run).drawn.keys() == {"v000", "v004"}
    store.filed.append(opening("gold"))
    assert {one.prob for one in people(store, run).drawn.values()} == {0.4, 0.6}


def test_records_that_changed_since_they_were_drawn_are_named() -> None:
    store, run = study(sample("gold", draw("v001"), draw("v002"), dataset_fingerprint="older"))
    now = {one.record_id: one for one in store._records.values()}
    was = now["v001"].model_copy(update={"parts": (Part(text="as it was"),)})
    new_refs = store.refs
    store.refs = lambda source: (  # type: ignore[method-assign]
        iter([[ref._replace(seen_hash=was.content_hash) if ref.record_id == "v001" else ref for ref in chunk]
              for chunk in new_refs(source)]) if source == "older" else new_refs(source)
    )  # fmt: skip
    assert people(store, run).changed == {"v001"}
