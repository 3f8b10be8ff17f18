"""Promises of comparing: records that changed are told from those that wobble, and few are named by chance."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.analysis.changes import TOO_FEW, Answer, changes, flips_table, sentences

# How sure answers are: three of four records nearly so, the rest wobble; of the second kind of study most do.
SETTLED = [0.98] * 60 + [0.02] * 20 + [0.85] * 10 + [0.15] * 5 + [0.5] * 5
UNSETTLED = [0.98] * 40 + [0.9] * 20 + [0.8] * 20 + [0.65] * 10 + [0.5] * 10


def side(*said, question="harm", agent="claude"):
    """`side("yyn", "nnn")`: two records, asked three times each."""
    names = {"y": "yes", "n": "no", "u": "unclear", "-": None}
    return [
        Answer(f"r{place:03}", agent, question, repeat, names[letter])
        for place, letters in enumerate(said)
        for repeat, letter in enumerate(letters)
    ]


def study(random, changed, noise, repeats=5, sure=0.95, records=200):
    """Two sides' answers to 200 records; of the first `changed` the answer turned round."""
    sides = [], []
    for place in range(records):
        before = after = random.choice(noise)
        if place < changed:
            before, after = random.choice([(sure, 1 - sure), (1 - sure, sure)])
        for answers, chance in zip(sides, (before, after), strict=True):
            answers.append("".join("y" if random.random() < chance else "n" for _ in range(repeats)))
    return side(*sides[0]), side(*sides[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "repeats", "least", "most"),
    [(SETTLED, 5, 10, 1.0), (UNSETTLED, 5, 9, 1.0), (SETTLED, 3, 7, 1.0)],
)  # measured over 100 seeds: found 11.0, 9.3 and 7.9 of 12; false .4, .6 and .4
def test_of_twelve_records_that_changed_most_are_named_and_few_others(noise, repeats, least, most):
    found, false = 0, 0
    for seed in range(50):
        change = changes(*study(Random(seed), 12, noise, repeats))[0]
        true = sum(flip.record_id < "r012" for flip in change.flips)
        found, false = found + true, false + len(change.flips) - true
    assert found / 50 >= least
    assert false / 50 <= most


@pytest.mark.slow
@pytest.mark.parametrize("noise", [SETTLED, UNSETTLED])
def test_where_nothing_changed_seldom_is_any_record_named(noise):
    named = sum(bool(changes(*study(Random(seed), 0, noise))[0].flips) for seed in range(50))
    assert named <= 5  # measured over 100 seeds: 2 and 6


def test_a_record_that_turned_is_named_and_one_that_wobbles_is_not():
    found = changes(side("nnnnn", "ynyny", "yyyyy"), side("yyyyy", "nynyn", "yyyyy"))[0]
    flip = found.flips[0]
    assert [one.record_id for one in found.flips] == ["r000"]
    assert (flip.before, flip.after) == (("no",), ("yes",))
    assert (flip.counts_before, flip.counts_after) == ({"no": 5}, {"yes": 5})
    assert flip.p == pytest.approx(2 / 252)  # two of the 252 ways to deal five and five
    assert (found.records, found.wobble) == (3, 1)
    # of the two records with five of each, one is named and one is reckoned as chance could have it: 2/250
    assert found.by_chance == pytest.approx(2 * 2 / 250)


def test_the_line_that_a_scholar_reads():
    found = changes(side("nnnnn", "ynyny", "yyyyy"), side("yyyyy", "nynyn", "yyyyy"))[0]
    by = "by 30.7 percentage points"
    # drift: of r000 1; of r001 13/25 between and 6/10 within, -.08; of r002 0: .92/3. As far or farther out is what
    # turns r000 or r001 wholly: 2/252 + 2/252 - (2/252)² = .0158
    assert sentences(found) == [
        f"claude, harm: {said}"
        for said in (
            "judgement changed for 1 of 3 records beyond chance (expected by chance alone: 0.0); 1 more wobble.",
            f"over all records, two answers differ more often between the sides than within one, {by} (p = 0.016).",
            "'no' is 20.0% of answers in place of 46.7%, by −26.7% [−100.0, 20.0], p = 1.",
            "'yes' is 80.0% of answers in place of 53.3%, by 26.7% [−20.0, 100.0], p = 1.",
        )
    ]


def test_ties_are_told_as_ties():
    flip = changes(side("nnnnuuuu"), side("yyyyyyyy"))[0].flips[0]
    assert flip.before == ("no", "unclear")
    assert next(iter(flips_table(changes(side("nnnnuuuu"), side("yyyyyyyy")))))[3:7] == (
        "no / unclear", "yes", "no ×4, unclear ×4", "yes ×8",
    )  # fmt: skip


def test_the_strongest_come_first():
    found = changes(side("nnnnn" * 2, "nnnnnnnnny"), side("yyyyy" * 2, "yyyyyyyyyn"))[0]
    assert [flip.record_id for flip in found.flips] == ["r000", "r001"]
    assert found.flips[0].p < found.flips[1].p


@pytest.mark.parametrize("times", [1, 2])
def test_with_one_or_two_answers_a_side_no_record_is_named_and_it_is_said_why(times):
    found = changes(side(*["n" * times] * 20), side(*["y" * times] * 20))[0]
    assert found.flips == ()
    assert sentences(found)[0] == TOO_FEW
    if times == 1:
        assert found.drift.note == "undefined: without repeats on both sides drift cannot be told from noise"
        assert found.shares[0].difference.test.p == pytest.approx(2 / 2**20)  # McNemar: 20 lost, none gained
        assert "p < 0.0001" in sentences(found)[2]
    else:
        assert found.drift.value == 1
        assert found.drift.test.p < 1e-9
        # two answers about a record are no two records: of the 2²⁰ ways to swap sides, this one, and its reverse
        assert found.shares[0].difference.test.p == pytest.approx(2 / 2**20)


def test_some_records_with_few_answers_are_counted():
    found = changes(side("nnnnn", "nn"), side("yyyyy", "yyy"))[0]
    assert found.note == "1 record with fewer than 3 answers a side could not be tested."
    assert found.note in sentences(found)


def test_does_not_apply_is_an_answer_and_a_refusal_is_none():
    refused = [Answer("r000", "claude", "harm", 5, None, status="refused")]
    found = changes(side("-----") + refused, side("yyyyy"))[0]
    assert found.flips[0].before == ("does not apply",)
    assert found.unanswered == (1, 0)
    assert "claude, harm: 1 answers are missing before, 0 after." in sentences(found)


def test_records_of_one_side_alone_are_left_out_and_counted():
    found = changes(side("yyy", "yyy", "nnn"), side("yyy"))[0]
    assert (found.records, found.left_out) == (1, 2)
    assert "claude, harm: 2 records on one side only are left out." in sentences(found)
    alone = changes(side("yyy"), [one._replace(record_id="other") for one in side("yyy")])[0]
    assert sentences(alone) == ["claude, harm: no record was answered on both sides."]


def test_each_agent_and_question_is_told_apart():
    before = side("nnn") + side("nnn", agent="gpt") + side("nnn", question="tone") + side("nnn", question="gone")
    after = side("nnn") + side("nnn", agent="gpt") + side("nnn", question="tone")
    assert [(one.agent, one.question) for one in changes(before, after)] == [
        ("claude", "harm"), ("claude", "tone"), ("gpt", "harm"),
    ]  # fmt: skip


def numbered(*records):
    return [
        Answer(f"r{place:03}", "claude", "score", repeat, f"{number:g}", number)
        for place, numbers in enumerate(records)
        for repeat, number in enumerate(numbers)
    ]


def test_numbers_are_compared_by_their_means_and_each_record_by_ranks():
    steady = [(3.0, 3.5, 2.5, 3.0, 3.5)] * 8
    before, after = numbered((1.0, 1.5, 2.0, 1.2, 1.1), *steady), numbered((6.0, 7.0, 6.5, 8.0, 7.5), *steady)
    found = changes(before, after, numbers={"score"})[0]
    assert [(flip.record_id, flip.before, flip.after) for flip in found.flips] == [("r000", ("1.36",), ("7",))]
    assert found.flips[0].p == pytest.approx(2 / 252)
    assert [(share.label, share.difference.n) for share in found.shares] == [("mean", 9)]
    assert found.shares[0].difference.value == pytest.approx((7 - 1.36) / 9)
    assert any(line.startswith("claude, score: the mean is 3.533 in place of 2.907") for line in sentences(found))
    assert found.drift.note == "undefined: of numbers, the mean says it"


def test_a_number_that_is_missing_is_no_nought():
    found = changes(
        [*numbered((1.0,) * 3), Answer("r000", "claude", "score", 3, None)], numbered((1.0,) * 3), numbers=["score"]
    )
    assert found[0].unanswered == (1, 0)
    assert found[0].shares[0].before == 1


@settings(max_examples=10)
@given(st.randoms())
def test_no_order_of_rows_changes_what_is_found(random):
    before, after = study(Random(1), 5, SETTLED, records=30)
    numbers = numbered(*[(place / 7, place / 3, 0.1) for place in range(9)])
    mixed = [random.sample(rows, len(rows)) for rows in (before + numbers, after + numbers)]
    assert changes(*mixed, numbers={"score"}) == changes(before + numbers, after + numbers, numbers={"score"})


def test_a_share_is_told_before_and_after_with_an_interval_around_the_difference():
    (found,) = changes(side("yyy", "yyn"), side("yyy", "nnn"))
    assert [(one.label, one.before, one.after, one.difference.n) for one in found.shares] == [
        ("no", pytest.approx(1 / 6), 0.5, 2),
        ("yes", pytest.approx(5 / 6), 0.5, 2),
    ]
    difference = found.shares[0].difference
    assert difference.value == pytest.approx(1 / 3)
    assert difference.low <= 1 / 3 <= difference.high
