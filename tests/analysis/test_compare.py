"""Who is set beside whom, on panels small enough to be counted by hand."""

import pytest
from analysis_study import (
    GPT,
    LABELS,
    PERSPECTIVES,
    READER_A,
    READER_B,
    VADER,
    MemoryStore,
    question,
    row,
    run_of,
    verse_flow,
    verse_rows,
    verse_study,
    verses,
)

from buttermilk.analysis import compare
from buttermilk.analysis.compare import Scale
from buttermilk.analysis.method import Facets
from buttermilk.analysis.tally import Reader, tally
from buttermilk.core.flows import Agent, Codebook, Flow, Step
from buttermilk.core.records import HumanLabel, Part, Record

TONE = Codebook(name="tone", questions=(question("tone", labels=("warm", "cold"), ask="Warm or cold?"),))


def panel(said, labels=None, *, codebook=TONE, **more):
    """From `[{("gpt", "lens"): ["warm", "cold"]}]`, a record each, to the question's counts."""
    agents = {"gpt": GPT, "vader": VADER, "reader_a": READER_A, "reader_b": READER_B}
    lenses = {one.name: one for one in PERSPECTIVES}
    used = tuple(agents[name] for name in dict.fromkeys(agent for given in said for agent, _ in given))
    step = Step(name="judge", agents=used, perspectives=PERSPECTIVES, codebook=codebook, repeats=9)
    name, records, rows = codebook.questions[0].name, [], []
    for number, given in enumerate(said):
        truth = (labels or {}).get(number, ())
        people = tuple(HumanLabel(question=name, value=value, coder=coder) for coder, value in truth)
        record = Record(record_id=f"r{number}", parts=(Part(text=f"line {number}"),), labels=people)
        records.append(record)
        for (agent, lens), answers in given.items():
            for repeat, answer in enumerate(answers, start=1):
                what = {"status": answer} if answer in ("refused", "failed") else {"answers": {name: answer}}
                rows.append(row(step, record, agents[agent], perspective=lenses.get(lens), repeat=repeat, **what))
    run = run_of(Flow(name="tone", steps=(step,)), **more)
    counted = tally(MemoryStore(run, records, rows), run)
    return next(iter(counted.asked.values())), counted


SOUND, STANCE = PERSPECTIVES[0].name, PERSPECTIVES[1].name


def test_repeats_are_compared_within_one_agent_and_perspective():
    asked, _ = panel(
        [{("gpt", SOUND): ["warm", "warm"], ("gpt", STANCE): ["cold", "warm"]}, {("gpt", SOUND): ["cold"]}]
    )
    found = compare.between_repeats(asked, Scale.of(asked, 1), Reader("gpt", SOUND), "gpt")
    assert (found.same.value, found.same.n, found.same.left_out) == (1.0, 1, 1)
    assert found.alpha.note == "undefined: no variation"


def test_an_agent_asked_once_is_not_compared_with_itself():
    asked, _ = panel([{("gpt", SOUND): ["warm"]}, {("gpt", SOUND): ["cold"]}])
    assert compare.between_repeats(asked, Scale.of(asked, 1), Reader("gpt", SOUND), "gpt") is None
    assert compare.between_perspectives(asked, Scale.of(asked, 1), "gpt", "gpt") is None
    assert compare.between_agents(asked, Scale.of(asked, 1), SOUND, SOUND) is None


def test_perspectives_are_compared_within_one_agent():
    asked, _ = panel(
        [
            {("gpt", SOUND): ["warm"], ("gpt", STANCE): ["cold"], ("reader_a", SOUND): ["cold"]},
            {("gpt", SOUND): ["cold"], ("gpt", STANCE): ["cold"], ("reader_a", SOUND): ["warm"]},
        ]
    )
    found = compare.between_perspectives(asked, Scale.of(asked, 1), "gpt", "gpt")
    assert (found.same.value, found.same.n, found.alpha.pairs) == (0.5, 2, 2)


def test_a_tool_takes_no_perspective_and_stands_beside_each():
    asked, _ = panel([{("gpt", SOUND): ["warm"], ("gpt", STANCE): ["cold"], ("vader", ""): ["warm"]}] * 2)
    assert compare.between_agents(asked, Scale.of(asked, 1), SOUND, SOUND).same.value == 1.0
    assert compare.between_agents(asked, Scale.of(asked, 1), STANCE, STANCE).same.value == 0.0
    (pair,) = compare.pairs_of_agents(asked)
    assert (pair[:2], pair[2].value, pair[2].n) == (("gpt", "vader"), 0.5, 2)


def test_a_refusal_is_no_answer_and_no_disagreement():
    asked, counted = panel([{("gpt", SOUND): ["warm", "refused"], ("reader_a", SOUND): ["warm"]}])
    assert asked.votes["r0"][Reader("gpt", SOUND)] == ("warm",)
    assert asked.unanswered[Reader("gpt", SOUND)] == 1
    assert counted.by["judge", "gpt"].statuses == {"answered": 1, "refused": 1}


def test_a_match_with_the_human_label_counts_records():
    labels = {0: [("ana", "warm")], 1: [("ana", "cold")], 2: [("ana", "cold")]}
    asked, _ = panel(
        [
            {("gpt", SOUND): ["warm", "warm", "cold"]},
            {("gpt", SOUND): ["cold"]},
            {("gpt", SOUND): ["refused"], ("vader", ""): ["cold"]},
            {("gpt", SOUND): ["cold"]},
        ],
        labels,
    )
    found = compare.beside_people(asked, Scale.of(asked, 1), Reader("gpt", SOUND))
    assert found.right.value == pytest.approx((2 / 3 + 1) / 2)
    assert (found.right.n, found.right.left_out) == (2, 2)  # one refused, one that nobody labelled
    assert found.table == {("warm", "warm"): 2, ("warm", "cold"): 1, ("cold", "cold"): 1}


def test_what_all_coders_say_is_the_truth_and_the_coders_are_compared():
    labels = {0: [("ana", "warm"), ("bo", "cold")], 1: [("ana", "cold"), ("bo", "cold")]}
    asked, _ = panel([{("gpt", SOUND): ["warm"]}, {("gpt", SOUND): ["cold"]}], labels)
    beside = compare.beside_people(asked, Scale.of(asked, 1), Reader("gpt", SOUND)).right
    assert (beside.value, beside.n, beside.left_out) == (1.0, 1, 1)  # of the other record nobody has settled it
    assert asked.unsettled == ["r0"]
    people = compare.between_people(asked, Scale.of(asked, 1))
    assert (people.of, people.same.value, people.same.n) == ("people", 0.5, 2)


def test_one_coder_has_nobody_to_agree_with():
    asked, _ = panel([{("gpt", SOUND): ["warm"]}], {0: [("ana", "warm")]})
    assert compare.between_people(asked, Scale.of(asked, 1)) is None


def test_always_the_commonest_label_is_the_line_to_pass():
    labels = {number: [("ana", "cold" if number else "warm")] for number in range(4)}
    asked, _ = panel([{("gpt", SOUND): ["warm"]}] * 4, labels)
    best, share = compare.always_the_same(asked)
    assert (best, share.value, share.n) == (("cold",), 0.75, 4)


def test_the_most_divided_record_comes_first_and_agents_have_one_voice_each():
    asked, _ = panel(
        [
            {("gpt", SOUND): ["warm"] * 9, ("vader", ""): ["cold"]},
            {("gpt", SOUND): ["warm"] * 8 + ["cold"], ("vader", ""): ["warm"]},
            {("gpt", SOUND): ["warm"] * 9, ("vader", ""): ["warm"]},
        ]
    )
    found = compare.most_divided(asked, 15)
    assert (found.n, found.unanimous) == (3, 1)
    assert [one.record_id for one in found.most] == ["r0", "r1"]
    assert found.most[0].spread == 1.0  # one voice for each label, though nine answers to one


def test_numbers_are_divided_by_their_deviation():
    scale = Codebook(name="scale", questions=(question("score", "interval", ()),))
    asked, _ = panel([{("gpt", SOUND): [1, 9]}, {("gpt", SOUND): [4.5, 5.5]}, {("gpt", SOUND): [5, 5]}], codebook=scale)
    found = compare.most_divided(asked, 1)
    assert [(one.record_id, one.spread) for one in found.most] == [("r0", 4.0)]
    assert found.unanimous == 1


def test_human_numbers_from_a_table_are_numbers():
    scale = Codebook(name="scale", questions=(question("score", "interval", ()),))
    asked, _ = panel(
        [{("gpt", SOUND): [3]}, {("gpt", SOUND): [4]}], {0: [("ana", "3")], 1: [("ana", "much")]}, codebook=scale
    )
    assert asked.first_coder("r0") == 3.0
    assert asked.first_coder("r1") is None  # no number: left out, and counted so
    assert compare.beside_people(asked, Scale.of(asked, 1), Reader("gpt", SOUND)).right.left_out == 1


def test_free_text_is_not_compared():
    store, run = verse_study(2)
    reason = next(asked for asked in tally(store, run).asked.values() if asked.name == "reason")
    assert reason.votes == {}
    with pytest.raises(ValueError, match="in words"):
        Scale.of(reason, 1)


def test_a_synthesis_does_not_vote_beside_its_parents():
    store, run = verse_study(6)
    whole = tally(store, run)
    by_step = {asked.step: asked for asked in whole.asked.values() if asked.name == "sentiment"}
    assert list(by_step) == ["judge", "synthesis"]
    assert by_step["synthesis"].readers == [Reader("reader_a", "")]
    assert Reader("reader_a", "") not in by_step["judge"].readers


def test_two_agents_of_one_name_are_told_apart():
    cold, hot = (GPT.model_copy(update={"parameters": {"temperature": value}}) for value in (0, 1))
    cold, hot = (Agent.model_validate(agent.model_dump()) for agent in (cold, hot))
    flows = [verse_flow((agent,)) for agent in (cold, hot)]
    records = verses(2)
    rows = [found for flow in flows for found in verse_rows(flow, records)]
    run = run_of(flows[0], method=tuple(flows))
    judged = next(one for one in tally(MemoryStore(run, records, rows), run).asked.values() if one.name == "sentiment")
    assert judged.agents == [f"gpt@{cold.hash[:6]}", f"gpt@{hot.hash[:6]}"]


def test_variables_are_settings_and_arms_are_counted_apart():
    asked, _ = panel([{("gpt", SOUND): ["warm"]}])
    assert asked.settings == [SOUND]
    step = Step(name="judge", agents=(GPT,), codebook=TONE, variables={"tone": ("plain", "warm")})
    record = verses(1)[0]
    rows = [
        row(step, record, GPT, variant='{"tone":"plain"}', answers={"tone": "warm"}),
        row(step, record, GPT, variant='{"tone":"warm"}', arm="priors", answers={"tone": "cold"}),
    ]
    run = run_of(Flow(name="tone", steps=(step,)))
    counted = tally(MemoryStore(run, [record], rows), run)
    first, second = counted.asked.values()
    assert (first.arm, first.name, first.settings) == ("control", "tone", ["tone=plain"])
    assert (second.arm, second.name, second.settings) == ("priors", "tone (arm priors)", ["tone=warm"])
    assert first.facets[first.readers[0]] == Facets("gpt-5-mini", variant='{"tone":"plain"}')


def test_labels_keep_the_order_of_the_codebook_then_what_else_was_given():
    asked, _ = panel([{("gpt", SOUND): ["cold", None]}], {0: [("ana", "tepid")]})
    assert asked.labels() == ["warm", "cold", "tepid", None]
    assert set(LABELS) == set(verse_flow().step("judge").codebook.question("sentiment").label_names)


def test_equal_votes_are_kept_once():
    store, run = verse_study(30)
    judged = next(one for one in tally(store, run).asked.values() if one.name == "sentiment")
    kept = [votes for row in judged.votes.values() for votes in row.values()]
    assert len({id(votes) for votes in kept}) == len(set(kept)) < len(kept) / 3
