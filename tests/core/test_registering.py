"""What a method is made of, by name; and the records that are asked in every wave."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from buttermilk.core.anchor import anchors
from buttermilk.core.flows import Flow
from buttermilk.core.registering import Change, cells_of, changes, parts_of, said
from panels import criteria, flow, judge, lexicon, prompt, reader, synthesis

IDS = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=60, unique=True)


@given(ids=IDS, count=st.integers(1, 40), seed=st.integers(0, 9), chance=st.randoms(use_true_random=False))
def test_the_anchor_set_depends_on_no_order(ids: list[str], count: int, seed: int, chance: Any) -> None:
    chosen = anchors(seed, count, ids)
    assert chosen == anchors(seed, count, chance.sample(ids, len(ids)))
    assert chosen <= set(ids)
    assert len(chosen) == min(count, len(ids))


@given(ids=IDS, count=st.integers(1, 40), new=st.text(min_size=7, max_size=8))
def test_a_new_record_takes_the_place_of_one_anchor_at_most(ids: list[str], count: int, new: str) -> None:
    before, after = anchors(1, count, ids), anchors(1, count, [*ids, new])
    assert len(before - after) <= 1
    assert after - before <= {new}


@given(ids=IDS, count=st.integers(1, 40))
def test_the_anchors_of_an_anchor_set_are_all_of_it(ids: list[str], count: int) -> None:
    chosen = anchors(7, count, ids)
    assert anchors(7, count, chosen) == chosen


def test_every_record_is_an_anchor_about_equally_often() -> None:
    # 400 seeds, 10 of 40: each is drawn 100 times on average, sd √(400 · ¼ · ¾) = 8.7; five sd are 43.
    drawn = [one for seed in range(400) for one in anchors(seed, 10, map(str, range(40)))]
    assert all(57 <= drawn.count(str(number)) <= 143 for number in range(40))


METHOD = flow(judge(agents=(reader(), lexicon()), repeats=2), synthesis())


def test_the_parts_of_a_method_have_their_names() -> None:
    parts = parts_of(METHOD)
    assert {"agent ann", "agent lexicon", "prompt judge", "criteria tja", "codebook tone", "seed"} <= parts.keys()
    assert parts["agents of judge"] == "ann, lexicon"
    assert parts["repeats of judge"] == "2"
    assert parts["criteria of synthesis"] == "none"
    assert parts["prompt judge"] == METHOD.step("judge").prompts[0].hash
    assert parts["design of synthesis"] == '{"arm":"synthesis","reads":{"answers":"judge"}}'


def moved(method: Flow) -> list[str]:
    return [one.what for one in changes(parts_of(METHOD), parts_of(method))]


def changed(**more: Any) -> Flow:
    return METHOD.model_copy(update={"steps": (METHOD.steps[0].model_copy(update=more), METHOD.steps[1])})


def test_what_differs_is_said_by_name_and_a_wave_differs_in_nothing() -> None:
    assert moved(METHOD.model_copy(update={"wave": "2026-12", "title": "Another title"})) == []
    assert moved(changed(prompts=(prompt(text="Well? {{ record.text }}"),))) == ["prompt judge"]
    assert moved(changed(perspectives=(criteria(text="1. Be fair."),))) == ["criteria tja"]
    assert moved(changed(repeats=5)) == ["repeats of judge"]
    assert moved(changed(agents=(reader(),))) == ["agent lexicon", "agents of judge"]
    assert moved(changed(variables={"tone": ("plain",)})) == ["design of judge"]
    assert moved(METHOD.model_copy(update={"seed": 2, "anchor": 50})) == ["anchor set", "seed"]


def test_two_agents_of_one_name_in_a_sweep_are_one_part_that_both_decide() -> None:
    sweep = (changed(agents=(reader(accuracy=0.6),)), changed(agents=(reader(accuracy=0.9),)))
    parts = parts_of(*sweep)
    assert parts == parts_of(*reversed(sweep))
    assert parts["agent ann"] not in {one.steps[0].agents[0].hash for one in sweep}


def test_a_change_is_told_with_the_first_digits_of_its_hashes() -> None:
    assert said(Change("seed", "1", "2")) == "seed: registered 1, now 2"
    assert said(Change("prompt judge", "3f9a1c" + "0" * 26, "8d2b11" + "0" * 26), "before") == (
        "prompt judge: before 3f9a1c, now 8d2b11"
    )
    assert said(Change("agent gpt", "", "5e0c1a" + "0" * 26)) == "agent gpt: not registered, now 5e0c1a"
    assert said(Change("agent gpt", "5e0c1a" + "0" * 26, "")) == "agent gpt: registered 5e0c1a, now left out"


def test_the_cells_of_a_flow_are_those_that_are_asked() -> None:
    method = flow(
        judge(
            agents=(reader(), lexicon()),
            perspectives=(criteria("tja"), criteria("hrc")),
            prompts=(prompt(), prompt("short", "{{ record.text }}?")),
            variables={"tone": ("plain", "blunt")},
        )
    )
    found = cells_of(method)
    assert len(found) == 2 * 2 * 2 + 1  # the tool sees neither prompt nor perspective, and no variable
    assert f"judge: lexicon@{lexicon().hash[:6]}" in found
    names = (reader().hash[:6], criteria("hrc").hash[:6], prompt().hash[:6])
    assert 'judge: ann@{} · hrc@{} · judge@{} · {{"tone":"blunt"}}'.format(*names) in found
