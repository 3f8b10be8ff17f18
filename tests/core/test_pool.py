"""Which earlier answers may be shown, what each weighs, and which are drawn."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.core.jobs import Answer, Given
from buttermilk.core.pool import Habits, Terms, begun, drawn, stratum
from buttermilk.core.priors import Priors
from keeping import CODEBOOK, NOON


def said(
    number: int, tone: str | None = "sad", agent: str = "ann", wave: str = "1", hours: float = 0, **more: Any
) -> Given:
    """An answer of some hour; it took a minute."""
    at = NOON + timedelta(hours=hours)
    runs = more.pop("runs", ("r1",))
    answer = Answer(
        job_id=f"{number:032}", step="judge", agent=agent, status="answered", values={"tone": tone}, wave=wave,
        record_id=more.pop("record_id", "v1"), **more,
    )  # fmt: skip
    return Given(answer, "seen", runs, at, at + timedelta(minutes=1))


def first_of(given: Sequence[Given]) -> dict[str, datetime]:
    first: dict[str, datetime] = {}
    begun(given, first)
    return first


def numbers(given: Sequence[Given]) -> list[int]:
    return [int(one.answer.job_id) for one in given]


# ---- which


def test_waves_are_earlier_by_when_they_began_and_not_by_their_names() -> None:
    all_ = [said(1, wave="winter", hours=0), said(2, wave="autumn", hours=5), said(3, wave="zero", hours=9)]
    first = first_of(all_)
    assert Terms.of(Priors(), "r", "autumn", first).waves == {"winter"}
    assert Terms.of(Priors(), "r", "zero", first).waves == {"winter", "autumn"}
    assert Terms.of(Priors(window=1), "r", "zero", first).waves == {"autumn"}
    assert Terms.of(Priors(), "r", "never asked", first).waves == {"winter", "autumn", "zero"}
    assert Terms.of(Priors(), "r", "winter", first).waves == frozenset()


def test_what_came_after_the_record_was_first_asked_about_in_this_wave_is_too_late() -> None:
    given = [said(1, hours=0), said(2, hours=2), said(3, wave="2", hours=1)]
    terms = Terms.of(Priors(), "r", "2", first_of(given))
    assert numbers(terms.earlier(given, "seen")) == [1]
    assert numbers(terms.earlier(given[:2], "seen")) == [1, 2]
    assert terms.earlier(given, "seen otherwise") == []


@pytest.mark.parametrize(
    ("source", "wanted"),
    [("earlier_waves", [1, 2]), ("earlier_runs", [1]), ("old", [1]), ("later", [2]), (["old", "later"], [1, 2])],
)
def test_sources_are_waves_runs_or_names(source: Any, wanted: list[int]) -> None:
    given = [said(1, runs=("old",)), said(2, runs=("this", "later"))]
    terms = Terms.of(Priors(source=source), "this", "2", first_of(given))
    assert numbers(terms.earlier(given, "seen")) == wanted


@pytest.mark.parametrize(("agents", "wanted"), [("others", [2]), ("own", [1]), ("any", [1, 2])])
def test_whose_answers_are_shown_is_said(agents: Any, wanted: list[int]) -> None:
    given = [said(1, agent="ann"), said(2, agent="bea")]
    terms = Terms.of(Priors(agents=agents), "r", "2", first_of(given))
    assert numbers(terms.shown_to("ann", {}, given)) == wanted


def test_an_answer_under_another_value_of_a_variable_is_not_shown() -> None:
    given = [said(1, variant={"target": "bridge", "wave": 1}), said(2, variant={"target": "ferry"}), said(3)]
    terms = Terms.of(Priors(), "r", "2", first_of(given))
    assert numbers(terms.shown_to("bea", {"target": "bridge"}, given)) == [1]


# ---- what each weighs


def corpus(labels: Sequence[str], agent: str = "ann") -> Habits:
    habits = Habits(CODEBOOK)
    habits.count(said(number, label, agent) for number, label in enumerate(labels))
    return habits


def test_a_weight_is_the_lift_over_the_agents_other_answers() -> None:
    """12 answers, 9 sad; of three about this record two are glad: b(glad) = (3 - 2 + 1/2) / (12 - 3 + 1) = .15."""
    here = [said(0, "glad"), said(1, "glad"), said(2, "sad")]
    habits = corpus(["glad", "glad", "sad", *["sad"] * 8, "glad"])
    found = habits.weights(here)
    assert found[here[0].answer.job_id] == round(log((2 / 3) / 0.15), 4) == 1.4917
    assert found[here[2].answer.job_id] == 0.5  # log((1/3) / 0.85) is below the least


def test_an_agent_that_says_the_same_of_everything_has_the_least_weight() -> None:
    habits = corpus(["sad"] * 100)
    assert set(habits.weights([said(0, "sad"), said(1, "sad")]).values()) == {0.5}


def test_a_rare_answer_weighs_no_more_than_two() -> None:
    assert corpus(["sad"] * 99 + ["glad"]).weights([said(99, "glad")]) == {f"{99:032}": 2.0}


def test_how_many_others_say_the_same_plays_no_part() -> None:
    habits = corpus(["glad", *["sad"] * 5])
    habits.count(said(100 + number, "glad", f"other {number}") for number in range(50))
    alone = habits.weights([said(0, "glad")])
    crowd = habits.weights([said(0, "glad"), *(said(100 + number, "glad", f"other {number}") for number in range(50))])
    assert crowd[f"{0:032}"] == alone[f"{0:032}"]


def test_an_answer_without_a_closed_question_weighs_one() -> None:
    one = said(0)
    silent = one._replace(answer=one.answer.model_copy(update={"values": {}}))
    assert corpus([]).weights([silent]) == {one.answer.job_id: 1.0}


# ---- which are drawn

POOL = [said(n, ("sad", "glad")[n % 2], f"a{n % 3}", model=f"m{n % 3}", perspective=f"p{n % 2}") for n in range(30)]


@settings(max_examples=50)
@given(order=st.permutations(POOL), seed=st.integers(0, 2**62), n=st.integers(1, 40))
def test_a_draw_hangs_on_the_seed_and_the_ids_alone(order: list[Given], seed: int, n: int) -> None:
    weights = {one.answer.job_id: 0.5 + int(one.answer.job_id) / 20 for one in POOL}
    priors = Priors(n=n)
    found = drawn(order, weights, priors, seed)
    assert found == drawn(POOL, weights, priors, seed)
    assert len(found) == min(n, len(POOL)) == len({one.job_id for one in found})
    assert [one.job_id for one in found] == sorted(one.job_id for one in found)
    assert {one.job_id for one in found} <= {one.job_id for one in drawn(POOL, weights, Priors(n=min(n + 1, 50)), seed)}


def test_of_each_stratum_n_are_drawn_or_all_there_are() -> None:
    priors = Priors(strata=("model", "perspective"), n=4)
    sizes = Counter(stratum(one, priors.strata) for one in drawn(POOL[:29], {}, priors, 1))
    assert sizes == {(f"m{model}", f"p{view}"): 4 for model in range(3) for view in range(2)}
    assert len(drawn(POOL[:3], {}, priors, 1)) == 3


def test_a_heavier_answer_is_drawn_more_often() -> None:
    """Of two, one is drawn; a weight of 2 beside one of .5 wins four times of five: 2 / (2 + .5)."""
    two, weights = POOL[:2], {f"{0:032}": 2.0, f"{1:032}": 0.5}
    won = sum(drawn(two, weights, Priors(n=1), seed)[0].job_id == f"{0:032}" for seed in range(4_000))
    assert abs(won / 4_000 - 0.8) < 0.02  # three standard errors


def test_of_several_answers_about_one_precedent_one_is_drawn() -> None:
    given = [said(n, record_id=f"v{n % 4}") for n in range(20)]
    found = drawn(given, {}, Priors(scope="similar_records", n=3), 5)
    assert len(found) == len({one.record_id for one in found}) == 3
