"""The section of a report that holds a run to what was declared before it."""

from datetime import timedelta
from typing import Any

from analysis_study import START, MemoryStore, verse_flow, verse_study

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.page import Grid, Section, Text
from buttermilk.analysis.registered import declared, standing
from buttermilk.analysis.sections.registration import registration
from buttermilk.core.jobs import Run
from buttermilk.core.people import Deviation, Draw, Opening, Registration, Sample
from buttermilk.core.registering import parts_of

HOUR = timedelta(hours=1)
BEFORE, AFTER = START - HOUR, START + HOUR


def held(store: Any, run: Run, at: Any = BEFORE, **other: str) -> Registration:
    return Registration(about=run.flow, parts=declared(store, run) | other, plan={}, by="ana", registered_at=at)


def section(store: MemoryStore, run: Run) -> Section:
    return registration(evidence(store, run))  # type: ignore[arg-type]


def texts(of: Section) -> str:
    return "\n".join(block.words for block in of.blocks if isinstance(block, Text))


def rows(of: Section) -> list[tuple[str, ...]]:
    return [row for block in of.blocks if isinstance(block, Grid) for row in block.rows]


def test_a_run_that_is_asked_as_it_was_declared_says_so_and_no_more() -> None:
    store, run = verse_study(4)
    store.filed = [held(store, run)]
    found = section(store, run)
    assert texts(found).startswith(f"As registered on 22 November 2026, 08:00 UTC ({store.filed[0].key[:6]}) by ana:")
    assert len(found.blocks) == 1


def test_what_is_otherwise_stands_in_a_table_beside_its_reason() -> None:
    store, run = verse_study(4)
    seed, agents = str(run.seed), parts_of(*run.method)["agents of judge"]
    store.filed = [held(store, run, **{"seed": "7", "agents of judge": "vader", "agent old": "a" * 32})]
    why = Deviation(about=run.flow, changes={"seed": seed}, why="A misprint.", by="ana", written_at=AFTER)
    of_another = Deviation(about="other", changes={"agent old": ""}, why="Not this flow.", by="ana", written_at=AFTER)
    store.filed += [why, of_another]
    found = section(store, run)
    assert "3 deviations from what was registered on" in texts(found)
    assert rows(found) == [
        ("agent old", "aaaaaa", "—", "none was written"),
        ("agents of judge", "vader", agents, "none was written"),
        ("seed", "7", seed, "A misprint."),
    ]


def test_a_reason_is_for_what_it_was_written_for_and_no_further_change() -> None:
    store, run = verse_study(4)
    store.filed = [
        held(store, run, seed="7"),
        Deviation(about=run.flow, changes={"seed": "8"}, why="Tried another.", by="ana", written_at=BEFORE),
    ]
    assert rows(section(store, run)) == [("seed", "7", str(run.seed), "none was written")]


def test_the_last_registration_before_the_run_is_what_it_is_held_to() -> None:
    store, run = verse_study(4)
    first, second = held(store, run, BEFORE - HOUR, seed="7"), held(store, run)
    store.filed = [first, second, held(store, run, AFTER, seed="9")]
    stands = standing(store, run, run.started_at)  # type: ignore[arg-type]
    assert (stands.registration, stands.changes) == (second, ())
    assert [one.parts["seed"] for one in stands.late] == ["9"]
    assert "binds nobody" not in texts(section(store, run))


def test_answers_that_were_there_before_the_registration_are_told() -> None:
    store, run = verse_study(4, started_at=START + 2 * HOUR)  # it took over answers of two hours before
    store.filed = [held(store, run, AFTER)]
    assert "The first of its answers was given before that, on 22 November 2026, 09:00 UTC." in texts(
        section(store, run)
    )


def test_a_sample_that_was_drawn_after_the_registration_is_a_deviation() -> None:
    store, run = verse_study(4)
    store.filed = [held(store, run)]
    store.filed.append(
        Sample(
            about=run.dataset, name="main", dataset_fingerprint="d", codebook="s@1", codebook_hash="c", how="random",
            seed=1, population=4, draws=(Draw(record_id="v000", prob=0.25),), drawn_at=AFTER,
        )
    )  # fmt: skip
    assert [row[:2] for row in rows(section(store, run))] == [("sample main", "—")]


def test_an_opening_locks_what_is_asked_of_its_own_flow_from_then_on() -> None:
    store, run = verse_study(4)
    locked = parts_of(*run.method) | {"prompt judge": "b" * 32}
    given: dict[str, Any] = {"about": run.dataset, "sample": "main", "locked": locked, "by": "ana"}
    store.filed = [Opening(flow=run.flow, opened_at=AFTER, **given), Opening(flow="other", opened_at=BEFORE, **given)]
    assert "opened" not in texts(section(store, run))
    store.filed.append(Opening(flow=run.flow, opened_at=BEFORE, **given))
    found = section(store, run)
    assert "The test labels of the sample “main” were opened on 22 November 2026, 08:00 UTC" in texts(found)
    assert [row[:2] for row in rows(found)] == [("prompt judge", "bbbbbb")]
    store.filed[-1] = Opening(flow=run.flow, opened_at=BEFORE, **(given | {"locked": parts_of(*run.method)}))
    assert "Nothing has been changed since." in texts(section(store, run))


def test_the_wave_is_no_part_of_what_is_registered() -> None:
    flow = verse_flow()
    store, run = verse_study(4, flow.model_copy(update={"wave": "2027-01"}))
    store.filed = [held(store, run).model_copy(update={"parts": declared(*verse_study(4, flow))})]  # type: ignore[arg-type]
    assert "As registered" in texts(section(store, run))
