"""Promises of the report's parts on drift, on prior answers and on specificity, over a study in two waves."""

from typing import Any

import pytest
from two_waves import READERS, WavesStore, flow_of, two_waves

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.page import Figure, Grid, Section, Text
from buttermilk.analysis.report import render
from buttermilk.analysis.sections.arms import arms
from buttermilk.analysis.sections.drifting import REFUSED, drifting
from buttermilk.analysis.sections.limitations import limitations
from buttermilk.analysis.sections.specific import specific


def found_in(**more: Any) -> Any:
    return evidence(*two_waves(**more))


def words_of(section: Section | None) -> str:
    assert section is not None
    return " ".join(block.words for block in section.blocks if isinstance(block, Text))


def grids(section: Section | None) -> list[Grid]:
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Grid)]


def figures(section: Section | None) -> list[Figure]:
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Figure)]


# ---- drift


def test_records_that_turned_are_drift_and_a_wobble_is_none() -> None:
    turned = drifting(found_in(count=80, turned=0.5, priors=False))
    assert "changed by more than noise: reader_a (simulated) from wave 1 to 2 (by " in words_of(turned)
    still = drifting(found_in(count=100, priors=False))
    assert "No agent's answers to “harmful” changed between waves by more than noise" in words_of(still)
    (table,) = grids(turned)
    assert [line[1] for line in table.rows] == ["all agents", *(f"{one.name} (simulated)" for one in READERS)]
    assert table.rows[1][7] == "simulated-a, unchanged"


def test_the_lines_of_the_waves_stand_over_the_band_of_noise_with_their_numbers() -> None:
    (figure,) = figures(drifting(found_in(count=80, turned=0.9, priors=False)))
    rows = figure.data.rows
    assert [line[1] for line in rows[:2]] == ["1", "2"]
    assert all(float(line[2]) > float(line[4]) for line in rows if line[1] == "2")
    assert all(float(line[3]) <= float(line[2]) <= float(line[4]) for line in rows if line[1] == "1")
    assert "reader_a (simulated) 0." in figure.shows
    assert len(figure.spec["data"]["values"]) == len(rows) == 2 * len(READERS)


def test_without_repeats_drift_is_refused_in_a_sentence() -> None:
    section = drifting(found_in(count=20, repeats=1, priors=False))
    assert REFUSED in words_of(section)
    assert "cannot be told from the noise" in REFUSED
    assert not grids(section)


def test_a_silently_changed_model_stands_beside_the_drift() -> None:
    store, run = two_waves(count=20, priors=False)
    rows = [{**one, "model_returned": "other"} if one["wave"] == "2" and one["agent"] == "reader_b" else one
            for one in store._rows]  # fmt: skip
    (table,) = grids(drifting(evidence(WavesStore(store.runs(), list(store._records.values()), rows), run)))
    assert [line[7] for line in table.rows][1:3] == ["simulated-a, unchanged", "simulated-b → other"]


def test_a_changed_flow_is_said_to_be_mixed_up_with_drift() -> None:
    store, run = two_waves(count=10, priors=False)
    store._runs[0] = store._runs[0].model_copy(update={"method": (flow_of(repeats=5),)})
    assert "The flow itself was changed between these waves" in words_of(drifting(evidence(store, run)))


def test_of_one_wave_there_is_no_drift() -> None:
    _, run = two_waves(count=5, priors=False)
    assert drifting(evidence(WavesStore([run], [], []), run)) is None


def test_an_agent_that_answered_other_records_in_the_other_wave_has_no_drift_and_no_place_in_the_sentence() -> None:
    store, run = two_waves(count=12, priors=False)
    rows = [
        one for one in store._rows if one["agent"] != "reader_b" or (one["record_id"] < "r0006") == (one["wave"] == "1")
    ]
    (table,) = grids(drifting(evidence(WavesStore(store.runs(), list(store._records.values()), rows), run)))
    line = next(line for line in table.rows if line[1].startswith("reader_b"))
    assert line[2].startswith("undefined: without repeats on both sides")
    assert (line[3], line[4], line[8]) == ("—", "—", "—")


def test_three_waves_are_compared_one_by_one_and_the_last_with_the_first() -> None:
    store, _ = two_waves(count=15, priors=False)
    rows = [*store._rows, *({**one, "wave": "3", "run_id": "harm-3", "job_id": one["job_id"] + "3"}
                            for one in store._rows if one["wave"] == "1")]  # fmt: skip
    third = store.runs()[1].model_copy(update={"run_id": "harm-3", "wave": "3"})
    section = drifting(evidence(WavesStore([*store.runs(), third], list(store._records.values()), rows), third))
    assert {line[0] for line in grids(section)[0].rows} == {"Wave 1 to 2", "Wave 2 to 3", "Wave 1 to 3"}
    assert [line[1] for line in figures(section)[0].data.rows[:3]] == ["1", "2", "3"]


# ---- arms


def test_agreement_that_rises_while_accuracy_falls_is_said_in_plain_words() -> None:
    said = words_of(arms(found_in(count=150, copying=0.9)))
    assert "Agreement rose from " in said
    assert "while the majority's accuracy fell from " in said
    assert "the answers have become more alike, not more right." in said
    assert "It is not adopted: the majority's accuracy changed by −0." in said


def test_those_who_copy_conform_and_those_who_do_not_copy_do_not() -> None:
    (table, revised) = grids(arms(found_in(count=120, copying=0.9)))
    agreement, majority, single, conforming = table.rows
    assert conforming[0] == "conformity"
    assert 0.15 < float(conforming[3].split()[0]) < 0.45
    assert (agreement[0], majority[4], single[4]) == ("agreement (alpha)", "120", "120")
    assert revised.rows[0][0].startswith("from wrong to right")
    nobody = grids(arms(found_in(count=120, copying=0.0)))[0].rows[3][3]
    assert abs(float(nobody.split()[0].replace("−", "-"))) < 0.06


def test_without_human_labels_the_arm_may_not_be_adopted() -> None:
    said = words_of(arms(found_in(count=30, labelled=False, test=False)))
    assert "It may not be adopted: without human labels nobody can say whether it does harm." in said
    assert "whether the answers are more right, nobody can say without human labels." in said


def test_labels_of_no_test_split_are_not_enough_either() -> None:
    said = words_of(arms(found_in(count=30, test=False)))
    assert "It may not be adopted: none of the human labels is of a test split" in said


def test_an_arm_that_is_more_right_may_be_adopted() -> None:
    # in the first wave all is as it was; in the second two fifths of the records mislead those who are shown nothing
    said = words_of(arms(found_in(count=200, copying=0.9, turned=0.4)))
    assert "It may be adopted for a final label: the majority's accuracy changed by 0." in said


def test_agreement_is_drawn_against_accuracy_a_point_for_each_arm_and_agent() -> None:
    (figure,) = figures(arms(found_in(count=40)))
    names = ["majority", "single answers", *(f"{one.name} (simulated)" for one in READERS)]
    assert [(line[0], line[1]) for line in figure.data.rows] == [
        (name, arm) for arm in ("control", "priors") for name in names
    ]
    assert "majority, control: " in figure.shows


def test_priors_that_say_nothing_to_a_question_leave_conformity_unknown() -> None:
    store, run = two_waves(count=20)
    rows = [
        {**one, "priors": [{"job_id": "gone", "values": {}}]} if one["arm"] == "priors" else one for one in store._rows
    ]
    said = words_of(arms(evidence(WavesStore(store.runs(), list(store._records.values()), rows), run)))
    assert "Conformity is not known: none of the earlier answers that were shown is known." in said


def test_without_a_priors_arm_nothing_is_said_of_arms() -> None:
    assert arms(found_in(count=5, priors=False)) is None


# ---- specificity


def test_an_agent_that_always_says_the_same_is_said_to_be_uninformative() -> None:
    store, run = two_waves(count=20, priors=False)
    rows = [{**one, "answers": {"harmful": "yes"}} if one["agent"] == "reader_c" else one for one in store._rows]
    found = evidence(WavesStore(store.runs(), list(store._records.values()), rows), run)
    said = words_of(limitations(found, False))
    assert "reader_c (simulated) answered “yes” to “harmful” for all of 20 records: its lift over its own" in said
    assert grids(specific(found))[0].rows[2][1:4] == ("0.00 [0.00, 0.00]", "0.00", "1.00")


def test_with_one_answer_a_record_nothing_is_said_of_specificity() -> None:
    assert specific(found_in(count=10, repeats=1, priors=False)) is None


# ---- the whole


@pytest.mark.slow
def test_the_whole_page_is_the_same_under_any_order_of_arrival() -> None:
    store, run = two_waves(count=25)
    turned = WavesStore(store.runs(), list(store._records.values())[::-1], store._rows[::-1])
    turned.filed = store.filed
    assert render(evidence(store, run)) == render(evidence(turned, run))
