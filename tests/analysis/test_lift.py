"""A synthesis beside its panel: majorities with ties as ties, the best judge without flattery, lift, departures."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest
from analysis_study import CODEBOOK, GPT, READER_A, READER_B, MemoryStore, row, run_of, verse_flow, verse_study, verses
from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.page import Grid, Text
from buttermilk.analysis.panel import Panel, lift, panels
from buttermilk.analysis.report import parts
from buttermilk.analysis.sections.syntheses import syntheses
from buttermilk.analysis.tally import Asked, Reader, tally
from buttermilk.core.records import HumanLabel

Said = Mapping[str, Sequence[str]]
SENTIMENT = CODEBOOK.question("sentiment")


def panel(*records: tuple[Said, Sequence[str], str | None]) -> Panel:
    """Records as (what each of the panel said, what the synthesis said, what a person said)."""
    own, voices = Asked("synthesis", SENTIMENT, "sentiment@1"), {}
    for number, (heard, said, truth) in enumerate(records):
        name = f"v{number:03}"
        own.votes[name] = {Reader("eve", ""): tuple(said)}
        voices[name] = {agent: tuple(labels) for agent, labels in heard.items()}
        if truth:
            own.expected[name] = {"ana": truth}
    return Panel(own, voices)


def test_an_agent_has_one_voice_however_often_it_was_asked() -> None:
    seen = panel(({"a": ["mixed"] * 6, "b": ["positive"], "c": ["positive"]}, ["positive"], None))
    assert seen.majorities["v000"] == ("positive",)


def test_a_tie_stays_a_tie_and_no_order_decides_it() -> None:
    one = panel(({"a": ["mixed"], "b": ["positive"]}, ["positive"], None))
    other = panel(({"b": ["positive"], "a": ["mixed"]}, ["positive"], None))
    assert one.majorities["v000"] == other.majorities["v000"] == ("mixed", "positive")
    thirds = panel(({"a": ["mixed", "positive", "negative"], "b": ["mixed", "positive", "negative"]}, ["mixed"], None))
    assert len(thirds.majorities["v000"]) == 3  # 1/3 + 1/3 three times, exactly


def test_lift_against_the_majority_is_counted_by_hand() -> None:
    """Right: synthesis 1, 1, ½, 0 -> 2.5/4. Majority 1, ½ (a tie of two), 0, 1 -> 2.5/4. Lift 0, ½, ½, -1 -> 0."""
    seen = panel(
        ({"a": ["mixed"], "b": ["mixed"]}, ["mixed"], "mixed"),
        ({"a": ["mixed"], "b": ["positive"]}, ["mixed"], "mixed"),
        ({"a": ["positive"], "b": ["positive"]}, ["mixed", "positive"], "mixed"),
        ({"a": ["negative"], "b": ["negative"]}, ["mixed"], "negative"),
        ({"a": ["negative"], "b": ["negative"]}, ["mixed"], None),
    )
    found = lift(seen, 1)
    assert found.synthesis.value == found.majority.value == 0.625
    assert found.over_majority.value == pytest.approx(0)
    assert found.over_majority.n == found.synthesis.n == 4  # the record that nobody labelled is in none of them


def test_the_best_judge_is_not_flattered_by_the_labels_that_chose_it() -> None:
    """Twenty judges who all guess one of two: on 60 records the best of them seems right by .6, and is by .5."""
    flattered, honest = [], []
    for draw in range(40):
        chance = Random(draw)
        records = [
            (
                {f"j{n}": [chance.choice(("mixed", "positive"))] for n in range(20)},
                ["mixed"],
                chance.choice(("mixed", "positive")),
            )
            for _ in range(60)
        ]
        seen = panel(*records)
        right = [sum(heard[f"j{n}"][0] == truth for heard, _, truth in records) / 60 for n in range(20)]
        flattered.append(max(right))
        honest.append(lift(seen, draw).single.value or 0.0)
    assert sum(flattered) / 40 > 0.6
    assert sum(honest) / 40 == pytest.approx(0.5, abs=0.03)  # the mean of 40 shares of 60: se .01


def test_a_judge_who_is_best_is_chosen_on_both_halves_and_one_who_answered_three_times_is_not() -> None:
    records = [
        ({"good": ["mixed"], "bad": ["positive"], **({"rare": ["mixed"]} if n < 3 else {})}, ["mixed"], "mixed")
        for n in range(20)
    ]
    found = lift(panel(*records), 1)
    assert found.chosen == ("good",)
    assert (found.single.value, found.over_single.value, found.over_single.n) == (1, 0, 20)


def test_of_judges_who_are_equally_good_no_order_chooses() -> None:
    records = [({"a": ["mixed"], "b": ["mixed"]}, ["mixed"], "mixed")] * 4
    assert set(lift(panel(*records), 1).chosen) == {"a", "b"}


def test_one_labelled_record_has_no_other_half_to_choose_on() -> None:
    found = lift(panel(({"a": ["mixed"]}, ["mixed"], "mixed")), 1)
    assert found.single.value is found.over_single.value is None
    assert "too few labelled records" in found.single.note
    assert found.over_majority.low is None


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_lift_is_the_same_in_whatever_order_answers_came(shuffled: Any, seed: int) -> None:
    records = verse_study(12)[0]
    whole = list(records.results("verse-1"))
    shuffled.shuffle(whole)
    run = run_of(verse_flow())
    one = MemoryStore(run, verses(12), whole)
    first, second = (next(panels(tally(store, run))) for store in (records, one))
    assert lift(first, seed) == lift(second, seed)


# ---- through the report


def test_a_synthesis_never_votes_with_its_parents() -> None:
    """METHODS 1.6: of each question a step that reads has its own counts, votes and readers; taking it away changes
    no number of the step that it read."""
    store, run = verse_study(20)
    with_it = tally(store, run)
    flow = verse_flow()
    alone_flow = flow.model_copy(update={"steps": flow.steps[:1]})
    alone_run = run_of(alone_flow)
    alone = tally(MemoryStore(alone_run, verses(20), list(store.results("verse-1", "judge"))), alone_run)
    judged = {key: asked for key, asked in with_it.asked.items() if asked.step == "judge"}
    assert judged.keys() == alone.asked.keys()
    for key, asked in judged.items():
        assert (asked.votes, asked.counts, asked.facets) == (
            alone.asked[key].votes, alone.asked[key].counts, alone.asked[key].facets,
        )  # fmt: skip
    assert all(asked.arm == "control" for asked in judged.values())
    assert {asked.arm for asked in with_it.asked.values() if asked.step == "synthesis"} == {"synthesis"}


def test_the_section_says_accuracy_lift_and_where_the_synthesis_departs_with_its_jobs() -> None:
    store, run = verse_study(60)
    found = syntheses(evidence(store, run))  # type: ignore[arg-type]
    assert found
    table, listed = [block for block in found.blocks if isinstance(block, Grid)]
    assert [cells[0].split(" (")[0] for cells in table.rows] == [
        "the synthesis",
        "the panel's majority",
        "its best single judge",
    ]
    seen = next(panels(tally(store, run)))  # type: ignore[arg-type]
    first = listed.rows[0]
    assert len(listed.rows) <= 15
    assert first[3] != first[2] == str(seen.majorities[first[0]][0])
    jobs = first[5].splitlines()
    assert jobs
    assert all(any(one["job_id"].startswith(job) for one in store.results("verse-1", "synthesis")) for job in jobs)


def test_without_labels_it_says_that_lift_cannot_be_told_and_where_it_departs() -> None:
    flow = verse_flow((READER_A, READER_B, GPT))
    bare = [one.model_copy(update={"labels": ()}) for one in verses(3)]
    judge, synthesis = flow.step("judge"), flow.step("synthesis")
    rows = [
        row(judge, one, agent, answers={"reason": None, "sentiment": "negative"})
        for one in bare
        for agent in judge.agents
    ]
    said = ("negative", "mixed", "negative")
    rows += [
        row(synthesis, one, READER_A, partial=True, answers={"reason": None, "sentiment": label})
        for one, label in zip(bare, said, strict=True)
    ]
    run = run_of(flow)
    found = syntheses(evidence(MemoryStore(run, bare, rows), run))  # type: ignore[arg-type]
    assert found
    told = " ".join(block.words for block in found.blocks if isinstance(block, Text))
    assert "Nobody labelled these records" in told
    assert "66.7% of these say what it says, 1 depart from it" in told
    assert "A label that nobody of the panel had given: 1. Of 3 unanimous panels, 1 found another answer" in told
    (listed,) = [block for block in found.blocks if isinstance(block, Grid)]
    assert [(cells[0], cells[2], cells[3], cells[4]) for cells in listed.rows] == [("v001", "negative", "mixed", "—")]


def test_a_study_that_reads_nothing_has_no_such_section() -> None:
    flow = verse_flow().model_copy(update={"steps": verse_flow().steps[:1]})
    store, _ = verse_study(4)
    alone = run_of(flow)
    found = evidence(MemoryStore(alone, verses(4), list(store.results("verse-1", "judge"))), alone)  # type: ignore[arg-type]
    assert syntheses(found) is None
    titles = {part.title for part in parts(found)}
    assert not titles & {"What a synthesis adds to its panel", "Where the readers really differ"}


def test_hostile_labels_of_people_and_records_do_not_reach_the_counts() -> None:
    odd = HumanLabel(question="sentiment", value="<script>alert(1)</script>", coder="ana")
    store, run = verse_study(4)
    records = [one.model_copy(update={"labels": (odd,)}) for one in verses(4)]
    found = evidence(MemoryStore(run, records, list(store.results("verse-1"))), run)  # type: ignore[arg-type]
    seen = next(panels(found.tally))
    assert lift(seen, 1).majority.value == 0
    assert syntheses(found)
