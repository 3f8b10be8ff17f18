"""Promises of watching: quiet weeks are quiet, shifts are found, and it is said by whose doing."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quiet_weeks import CHANCES, answers, outcome, unread

from buttermilk.analysis.watching import sentences, watch

CASES = [f"c{place:02}" for place in range(4)]


def asked(passes=0, *, cases=CASES, repeats=5, agent="claude", **more):
    """Every case asked five times; the first `passes` of each pass."""
    return [outcome(case, agent, repeat, repeat < passes, **more) for case in cases for repeat in range(repeats)]


@pytest.mark.slow
def test_at_most_one_quiet_week_in_twenty_has_an_alarm():
    random, alarmed = Random(7), 0
    for _ in range(200):
        baseline = answers(random)
        alarmed += any(watch(baseline, answers(random)).alarms for _ in range(7))
    assert alarmed <= 10  # measured: 2 of these 200, 24 of 1,200 others


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "least"),
    [
        ({"claude": [0.02] * 3 + CHANCES[3:]}, 54),  # three sure cases of twelve turn: measured 95 of 100
        ({"claude": [chance - 0.4 for chance in CHANCES]}, 52),  # each case passes less often: 93 of 100
        ({"refusal": 0.3}, 50),  # three of ten are refused: 90 of 100
    ],
)
def test_a_planted_shift_is_found_on_the_day(more, least):
    random = Random(3)
    found = [watch(answers(random), answers(random, **more)).alarms for _ in range(60)]
    assert sum(any(alarm.agent == "claude" for alarm in alarms) for alarms in found) >= least


def test_a_model_that_changed_is_told_in_a_sentence():
    found = watch(asked(5), asked(1, day="2026-11-29", model_returned="a-1101"))
    assert found.moved == ("model",)
    assert [(alarm.kind, alarm.case, alarm.cause) for alarm in found.alarms] == [
        ("model", "", "model"),
        ("passes", "", "model"),
        ("labels", "", "model"),
    ]
    assert found.alarms[0].said == (
        "Since the baseline of 2026-11-22, claude is answered by another model: a-1101 in place of a-0801."
    )
    assert found.alarms[1].said == (
        "Since the baseline of 2026-11-22, claude passes 4 of 20 times, in place of 20 of 20, most of all "
        "'c00' (1 of 5, in place of 5 of 5), 'c01' (1 of 5, in place of 5 of 5) and 'c02' (1 of 5, in place of 5 of 5) "
        "(p < 0.0001, Holm over 2 tests). The model it returns changed from a-0801 to a-1101; prompt, cases and "
        "buttermilk are the same: the model moved."
    )
    assert found.alarms[2].said.startswith(
        "Since the baseline of 2026-11-22, claude says 'no' to 'harm' 4 of 20 times, in place of 20 of 20"
    )
    assert found.alarms[0].p is None
    # in each case six of ten passed, and five of the six then: p = 2 (5·210·…)/210⁴, Holm doubles it
    assert 0 < found.alarms[1].p < 0.0001


def test_a_model_that_moves_and_does_not_say_so_is_an_alarm():
    found = watch(asked(5), asked(1))
    assert found.moved == ()
    assert {alarm.cause for alarm in found.alarms} == {"model"}
    assert found.alarms[0].said.endswith("are the same: the model moved and does not say so.")


def test_a_changed_name_is_an_alarm_though_no_answer_changed():
    found = watch(asked(5), asked(5, model_returned="a-1101"))
    assert [(alarm.kind, alarm.p) for alarm in found.alarms] == [("model", None)]


def test_a_changed_fingerprint_alone_is_a_note():
    found = watch(asked(5, model_fingerprint="fp_1"), asked(5, model_fingerprint="fp_2"))
    assert found.alarms == ()
    assert found.moved == ("model",)
    assert "The fingerprint given with claude's answers is fp_2 in place of fp_1; the answers are as they were." in (
        found.notes
    )


def test_a_changed_fingerprint_explains_answers_that_moved():
    found = watch(asked(5, model_fingerprint="fp_1"), asked(1, model_fingerprint="fp_2"))
    assert "The fingerprint its provider gives changed from fp_1 to fp_2; prompt, cases" in found.alarms[0].said
    assert not any("fingerprint" in note for note in found.notes)


def test_a_provider_that_begins_to_tell_its_fingerprint_has_not_moved():
    assert watch(asked(5), asked(5, model_fingerprint="fp_1")).moved == ()


@pytest.mark.parametrize(
    ("field", "cause", "moved", "words"),
    [
        ("prompt_hash", "prompt", "prompt", "You changed the prompt."),
        ("perspective_hash", "criteria", "criteria", "You changed the criteria."),
        ("codebook_hash", "codebook", "codebook", "You changed the codebook."),
        ("agent_hash", "agent", "model", "You changed how the agent is declared."),
    ],
)
def test_what_the_scholar_changed_is_listed_and_is_no_alarm(field, cause, moved, words):
    found = watch(asked(5), asked(1, **{field: "new"}))
    assert found.alarms == ()
    assert found.moved == (moved,)
    assert {alarm.cause for alarm in found.changed} == {cause}
    assert found.changed[0].said.endswith(words)
    assert sentences(found)[:2] == ["No alarm.", "Changed, as you changed what is asked:"]


def test_a_model_that_changed_together_with_the_prompt_is_an_alarm_of_its_own():
    found = watch(asked(5), asked(1, prompt_hash="p2", model_returned="a-1101"))
    assert [alarm.kind for alarm in found.alarms] == ["model"]
    assert {alarm.cause for alarm in found.changed} == {"prompt and model"}
    assert "as well: which of these did it, nobody can tell." in found.changed[0].said


def test_another_model_that_the_scholar_asked_for_is_no_alarm():
    found = watch(asked(5), asked(5, agent_hash="a2", model_returned="b-1"))
    assert found.alarms == ()
    assert [(alarm.kind, alarm.cause) for alarm in found.changed] == [("model", "agent")]


def test_a_newer_buttermilk_excuses_nothing_and_is_named():
    found = watch(asked(5), asked(1, version="0.2.0"))
    assert found.moved == ("code",)
    assert {alarm.cause for alarm in found.alarms} == {"code"}
    assert "buttermilk changed from 0.1.0 to 0.2.0" in found.alarms[0].said
    assert "Run the baseline again with this version to know." in found.alarms[0].said


def test_cases_that_were_edited_or_added_are_not_compared_and_are_named():
    baseline = asked(5) + asked(5, cases=["old"])
    today = asked(5, cases=CASES[1:]) + asked(0, cases=["c00"], case_hash="h2") + asked(0, cases=["new"])
    found = watch(baseline, today)
    assert found.alarms == ()
    assert found.moved == ("data",)
    assert found.notes[1:] == (
        "Not compared, as was edited, of 'judge': 'c00'.",
        "Not compared, as was added, of 'judge': 'new'.",
        "Not compared, as was taken away, of 'judge': 'old'.",
    )


def test_a_case_that_is_answered_no_more_is_an_alarm_and_a_prompt_that_is_not_is_one():
    def failed(cases):
        return [unread(case, "claude", repeat, "failed") for case in cases for repeat in range(5)]

    one = watch(asked(5), asked(5, cases=CASES[1:]) + failed(["c00"]))
    assert [(alarm.kind, alarm.case, alarm.p) for alarm in one.alarms] == [("gone", "c00", None)]
    every = watch(asked(5), failed(CASES))
    assert [(alarm.kind, alarm.case) for alarm in every.alarms] == [("gone", "")]
    assert "answers nothing any more" in every.alarms[0].said
    assert watch(failed(CASES), failed(CASES)).alarms == ()


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("refused", {"status": "refused"}, "refuses 8 of 20 times, in place of 0 of 20"),
        ("unparsed", {"status": "unparsed"}, "cannot be read in 8 of 20"),
        ("repaired", {"parse": "repaired"}, "has to be mended in 8 of 20"),
        ("truncated", {"finish": "length"}, "is cut off in 8 of 20"),
    ],
)
def test_a_rate_that_doubled_beyond_chance_is_an_alarm(kind, more, words):
    today = [one._replace(**more) if one.repeat < 2 else one for one in asked(5)]
    found = watch(asked(5), today)
    assert [alarm.kind for alarm in found.alarms] == [kind]
    assert words in found.alarms[0].said


def test_a_rate_that_rose_by_less_than_double_wakes_nobody():
    def refused(upto):
        return [
            one._replace(status="refused", labels={}) if one.repeat < upto else one for one in asked(20, repeats=20)
        ]

    assert watch(refused(10), refused(19)).alarms == ()
    assert [alarm.kind for alarm in watch(refused(9), refused(19)).alarms] == ["refused"]


def test_answers_that_change_places_are_found_though_no_label_is_more_frequent():
    first, second = (
        [*asked(5, cases=one), *asked(0, cases=two)] for one, two in ((CASES[:2], CASES[2:]), (CASES[2:], CASES[:2]))
    )
    found = watch(first, second)
    assert [alarm.kind for alarm in found.alarms] == ["labels"]
    assert "otherwise than it did, case by case, though no label is much more frequent" in found.alarms[0].said


def test_a_case_alone_is_named_once_there_are_answers_enough():
    twenty = [*asked(20, repeats=20), *asked(0, cases=["c09"], repeats=20)]
    today = [*asked(20, repeats=20), *asked(20, cases=["c09"], repeats=20)]
    assert ("passes", "c09") in [(alarm.kind, alarm.case) for alarm in watch(twenty, today).alarms]


def test_with_too_few_answers_it_is_said_that_nothing_can_be_told():
    found = watch(asked(1, repeats=1), asked(0, repeats=1))
    assert found.alarms == ()
    assert found.notes == (
        "There are too few answers to tell a change from chance: ask for more repeats, or add cases.",
    )


def test_answers_that_a_human_is_to_judge_are_compared_by_their_labels_alone():
    baseline = [one._replace(passed=None) for one in asked(5)]
    today = [one._replace(passed=None) for one in asked(0)]
    assert [alarm.kind for alarm in watch(baseline, today).alarms] == ["labels"]


def test_several_prompts_are_told_apart():
    found = watch(asked(5) + asked(5, prompt="other"), asked(5) + asked(0, prompt="other"))
    assert {alarm.said.split(" passes")[0] for alarm in found.alarms if alarm.kind == "passes"} == {
        "Since the baseline of 2026-11-22, claude, asked by 'other',"
    }


def test_a_baseline_of_several_days_says_so_and_knows_their_models():
    baseline = asked(5) + asked(5, day="2026-11-23", model_returned="a-0815")
    found = watch(baseline, asked(5, model_returned="a-0815"))
    assert found.alarms == ()
    later = watch(baseline, asked(0))
    assert later.alarms[0].said.startswith("Since the baseline of 2026-11-22 to 2026-11-23, claude")


def test_where_nothing_can_be_compared_nothing_is_well():
    found = watch(asked(5), asked(5, agent="gpt"))
    assert found.blind
    assert not watch(asked(5), asked(5)).blind
    assert sentences(found)[0].startswith("Nothing could be compared.")


def test_an_agent_that_is_asked_no_more_is_not_passed_over_in_silence():
    found = watch(asked(5) + asked(5, agent="gpt"), asked(5))
    assert found.notes[-1] == "Not compared, as only one side asked: gpt."


def test_nothing_in_common_is_nothing_to_watch():
    assert watch(asked(5), []).alarms == watch([], asked(5)).alarms == ()


@settings(max_examples=15)
@given(st.randoms())
def test_no_order_of_rows_changes_what_is_found(random):
    baseline, today = answers(Random(1)), answers(Random(2), claude=[0.3] * 12)
    found = watch(random.sample(baseline, len(baseline)), random.sample(today, len(today)))
    assert found == watch(baseline, today)
    assert found.alarms


def test_alarms_come_before_what_the_scholar_changed():
    found = watch(asked(5), asked(1, prompt_hash="p2", model_returned="a-1101"))
    assert [(one.kind, one.cause) for one in found.alarms] == [("model", "model")]
    assert [(one.kind, one.cause) for one in found.changed] == [
        ("passes", "prompt and model"),
        ("labels", "prompt and model"),
    ]
    assert sentences(found)[:3:2] == [found.alarms[0].said, found.changed[0].said]
