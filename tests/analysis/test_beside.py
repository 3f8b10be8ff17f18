"""Promises of `compare`: sides are paired by record and by all else that is equal, and what is said can be checked."""

import json
from typing import Any

import pytest
from analysis_study import verse_study
from hypothesis import given, settings
from hypothesis import strategies as st
from two_waves import WavesStore, two_waves

from buttermilk.analysis.statistics.mcnemar import mcnemar
from buttermilk.core.errors import ConfigError
from buttermilk.study.beside import Comparison, as_page, compared, sentences


def of(store: Any, a: str, b: str, **more: Any) -> Comparison:
    return compared(store, a, b, **more)


def only_repeat(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in rows if one["repeat"] == 1]


def test_two_agents_are_paired_by_record_and_perspective() -> None:
    store, _ = verse_study(30)
    found = of(store, "reader_a", "gpt")
    (one,) = found.contrasts
    assert (found.by, found.where, found.simulated) == ("agent", "two agents of the run verse-1", True)
    assert (one.step, one.question.name, one.records, one.cells) == ("judge", "sentiment", 30, 60)
    assert {turn.under for turn in one.turns} <= {"sound_and_image", "speaker_and_stance"}
    assert sum(share.before for share in one.shares) == pytest.approx(1)


def test_with_one_answer_a_side_the_test_is_mcnemars_and_flips_are_those_it_counts() -> None:
    store, _ = two_waves(count=60, priors=False, repeats=1)
    found = of(store, "reader_a", "reader_b").contrasts[0]
    yes = next(share for share in found.shares if share.label == "yes")
    lost = sum(turn.before.votes == ("yes",) for turn in found.turns)
    gained = len(found.turns) - lost
    expected = mcnemar(lost, gained, 60 - lost - gained)
    assert yes.difference.value == pytest.approx(expected.value)
    assert yes.difference.test
    assert expected.test
    assert found.adjusted == pytest.approx(yes.difference.test.p) == pytest.approx(expected.test.p)
    assert found.same.value == pytest.approx(1 - (lost + gained) / 60)


def test_a_flip_names_the_jobs_that_gave_the_answers() -> None:
    store, _ = two_waves(count=20, priors=False)
    found = of(store, "reader_a", "reader_b")
    rows = {row["job_id"]: row for row in store._rows}
    for turn in found.contrasts[0].turns:
        for side, agent in ((turn.before, "reader_a"), (turn.after, "reader_b")):
            told = [rows[job] for job in side.jobs]
            assert tuple(row["answers"]["harmful"] for row in told) == side.votes
            assert {(row["record_id"], row["agent"]) for row in told} == {(turn.record_id, agent)}


def test_a_tool_that_takes_no_perspective_is_set_beside_all_of_them_together() -> None:
    store, _ = verse_study(20)
    one = of(store, "vader", "reader_a").contrasts[0]
    assert (one.records, one.cells) == (20, 20)
    assert max(len(turn.after.votes) for turn in one.turns) > 3


@pytest.mark.parametrize(
    ("a", "b", "by", "runs"),
    [
        ("harm-1", "harm-2", "run", ("harm-1", "harm-2")),
        ("1", "2", "wave", ("harm-1", "harm-2")),
        ("reader_a", "reader_c", "agent", ("harm-2", "harm-2")),
    ],
)
def test_what_two_names_are_is_found_out(a: str, b: str, by: str, runs: tuple[str, str]) -> None:
    store, _ = two_waves(count=10)
    found = of(store, a, b)
    assert (found.by, found.runs) == (by, runs)
    assert found.contrasts[0].records == 10


def test_arms_are_paired_with_everything_but_the_arm() -> None:
    store, _ = two_waves(count=30, copying=1.0)
    found = of(store, "control", "priors", by="arm").contrasts[0]
    assert (found.records, found.cells) == (30, 150)
    assert of(store, "1", "2").contrasts[0].cells == 150  # the priors arm has nobody beside it in the first wave


def test_perspectives_and_prompts_of_a_run() -> None:
    store, _ = verse_study(15)
    found = of(store, "sound_and_image", "speaker_and_stance")
    assert (found.by, {turn.under for turn in found.contrasts[0].turns}) == (
        "perspective", {"gpt", "reader_a", "reader_b"},
    )  # fmt: skip
    with pytest.raises(ConfigError, match="answered no record and question in common"):
        of(store, "judge", "synthesise")


@pytest.mark.parametrize(
    ("a", "b", "more", "said"),
    [
        ("reader_a", "readerb", {}, "there is no 'readerb' to compare"),
        ("reader_a", "control", {}, "'reader_a' is an agent and 'control' an arm: name two of one kind"),
        ("reader_a", "reader_a", {}, "compared with itself"),
        ("reader_a", "reader_x", {"by": "agent"}, "there is no agent 'reader_x' in run 'harm-2'"),
        ("reader_a", "reader_b", {"step": "jud"}, "has no step 'jud'"),
        ("reader_a", "reader_b", {"question": "harm"}, "there is no question 'harm' here"),
        ("reader_a", "reader_b", {"run": "harm"}, "there is no run 'harm'"),
        ("control", "precedents", {"by": "arm"}, "'precedents' has no answers"),
    ],
)
def test_what_cannot_be_compared_is_said_with_what_there_is(a: str, b: str, more: dict[str, Any], said: str) -> None:
    store, _ = two_waves(count=4)
    with pytest.raises(ConfigError, match=said) as raised:
        of(store, a, b, **more)
    assert raised.value.hint or "no answers" in said or "one kind" in said or "itself" in said


def test_a_name_that_is_two_things_asks_which() -> None:
    store, run = two_waves(count=4)
    step = run.method[0].steps[0]
    agents = tuple(agent.model_copy(update={"name": name}) for agent, name in zip(step.agents, "12", strict=False))
    flow = run.method[0].model_copy(update={"steps": (step.model_copy(update={"agents": agents}),)})
    named = [one.model_copy(update={"method": (flow,)}) for one in store.runs()]
    with pytest.raises(ConfigError, match="names of several things") as raised:
        of(WavesStore(named, [], []), "1", "2")
    assert raised.value.hint == "Say which: --by agent or --by wave"


def test_a_difference_between_waves_that_is_none_is_not_called_one() -> None:
    store, _ = two_waves(count=60, priors=False)
    said = " ".join(sentences(of(store, "1", "2").contrasts[0]))
    assert "The shares do not differ beyond chance" in said
    assert "Two answers differ between the sides not more often than within one" in said
    turned, _ = two_waves(count=60, priors=False, turned=0.9)
    assert "differ between the sides more often than within one" in " ".join(
        sentences(of(turned, "1", "2").contrasts[0])
    )


def test_the_frames_and_the_json_hold_the_same_numbers() -> None:
    store, _ = two_waves(count=12, priors=False)
    found = of(store, "reader_a", "reader_b")
    told = json.loads(json.dumps(found.as_json()))
    shares = list(found.shares.dicts())
    assert [row["label"] for row in shares] == ["no", "yes"]
    assert told["questions"][0]["shares"][0]["before"] == shares[0]["reader_a"]
    flips = list(found.flips.dicts())
    assert [row["record_id"] for row in flips] == [one["record_id"] for one in told["questions"][0]["flips"]]
    assert {"reader_a", "reader_b", "jobs_reader_a", "jobs_reader_b"} <= flips[0].keys()


def test_the_page_says_it_and_lists_the_flips() -> None:
    store, _ = two_waves(count=20, priors=False)
    text = as_page(of(store, "reader_a", "reader_b"))
    assert "reader_a beside reader_b" in text
    assert "Simulated readers answered" in text
    assert "judge: harmful" in text
    assert "the commonest answer is another" in text


@settings(max_examples=8)
@given(st.randoms())
def test_no_order_of_arrival_changes_a_comparison(random: Any) -> None:
    store, run = two_waves(count=10)
    mixed = WavesStore(store.runs(), [], random.sample(store._rows, len(store._rows)))
    assert of(mixed, "control", "priors", by="arm") == of(store, "control", "priors", by="arm")
    assert run.run_id == "harm-2"
