"""What a report says of a panel, of its labels one by one, and of how sure its agents are."""

from itertools import pairwise
from random import Random

import pytest
from analysis_study import (
    GPT,
    MemoryStore,
    question,
    row,
    run_of,
    verse_study,
    verses,
)
from test_compare import SOUND, STANCE, panel

from buttermilk.analysis import charts_panels, compare
from buttermilk.analysis.compare import Scale
from buttermilk.analysis.evidence import Evidence, evidence
from buttermilk.analysis.page import Figure, Grid, Text
from buttermilk.analysis.people import People
from buttermilk.analysis.report import report
from buttermilk.analysis.sections.agreements import agreements, beside_people
from buttermilk.analysis.sections.panels import panels
from buttermilk.analysis.statistics.calibration import calibration
from buttermilk.analysis.tally import tally
from buttermilk.core.flows import Codebook, Flow, Step

TWO = [
    {("gpt", SOUND): ["warm"], ("reader_a", SOUND): ["cold"]},
    {("gpt", SOUND): ["cold"], ("reader_a", SOUND): ["cold"]},
]


def words_of(section):
    return " ".join(block.words for block in section.blocks if isinstance(block, Text))


def table(section, caption):
    return next(block for block in section.blocks if isinstance(block, Grid) and caption in block.caption)


def worth_of(counted):
    return panels(Evidence(counted.method.run, counted, {}, People(), MemoryStore(counted.method.run, [], [])))


# ---- beside alpha


def test_two_complete_coders_have_cohens_kappa_beside_alpha_and_repeats_have_none():
    asked, _ = panel(TWO * 5)
    assert [name for name, _ in compare.between_agents(asked, Scale.of(asked, 1), SOUND, SOUND).beside] == ["κ"]
    gap, _ = panel([*TWO * 5, {("gpt", SOUND): ["warm"]}])
    assert compare.between_agents(gap, Scale.of(gap, 1), SOUND, SOUND).beside == ()
    again, _ = panel([{("gpt", SOUND): ["warm", "cold"]}, {("gpt", SOUND): ["cold", "cold"]}])
    reader = again.readers[0]
    assert compare.between_repeats(again, Scale.of(again, 1), reader, "gpt").beside == ()


def test_a_dominant_label_brings_ac1_and_the_paradox_in_words():
    rare = {("gpt", SOUND): ["warm"], ("reader_a", SOUND): ["cold"], ("reader_b", SOUND): ["cold"]}
    usual = {key: ["cold"] for key in rare}
    asked, counted = panel([rare] + [usual] * 20)
    found = compare.between_agents(asked, Scale.of(asked, 1), SOUND, SOUND)
    assert found.alpha.value < 0.1
    assert [name for name, _ in found.beside] == ["AC1"]
    assert found.beside[0][1].value > 0.9
    shown = table(agreements(counted), "Agreement on")
    assert "kappa paradox" in shown.note
    assert any("AC1 0.9" in cell for cells in shown.rows for cell in cells)


# ---- the panel


def test_a_tie_is_told_as_a_tie():
    asked, counted = panel(TWO, {0: [("ana", "warm")], 1: [("ana", "cold")]})
    found = compare.majorities(asked)
    # the first record is a tie that holds the label: half of it is right
    assert (found.n, found.ties, found.right.value) == (2, 1, 0.75)
    assert "a majority settles 1 of 2 records; 1 record ends in a tie, which is kept as a tie" in words_of(
        worth_of(counted)
    )


def test_one_agent_is_no_panel():
    _, counted = panel([{("gpt", SOUND): ["warm"], ("gpt", STANCE): ["cold"]}])
    assert worth_of(counted) is None


def test_redundancy_is_of_errors_where_thirty_records_are_labelled_and_of_answers_elsewhere():
    draw = Random(1)
    said = [
        {("gpt", SOUND): [draw.choice(("warm", "cold"))], ("reader_a", SOUND): [draw.choice(("warm", "cold"))]}
        for _ in range(60)
    ]
    labels = {number: [("ana", "warm")] for number in range(30)}
    asked, counted = panel(said, labels)
    assert compare.worth(asked, Scale.of(asked, 1)).errors
    assert "On labelled records the agents" in words_of(worth_of(counted))
    few, counted = panel(said, {0: [("ana", "warm")]})
    assert not compare.worth(few, Scale.of(few, 1)).errors
    assert "agreement-based, an upper bound of redundancy" in words_of(worth_of(counted))


def test_agents_that_err_on_the_same_records_are_worth_one_vote():
    said = [{(name, SOUND): ["warm" if number % 3 else "cold"] for name in ("gpt", "reader_a")} for number in range(30)]
    asked, counted = panel(said, {number: [("ana", "warm")] for number in range(30)})
    assert compare.worth(asked, Scale.of(asked, 1)).rho.value == pytest.approx(1)
    assert "2 agents are worth 1.00" in words_of(worth_of(counted))


def test_agents_that_are_never_wrong_have_no_correlation():
    said = [{(name, SOUND): ["warm"] for name in ("gpt", "reader_a")}] * 30
    _, counted = panel(said, {number: [("ana", "warm")] for number in range(30)})
    assert "cannot be told: at least one of every two never varies" in words_of(worth_of(counted))


def test_models_of_a_hidden_label_are_shown_when_asked_for_and_beside_the_majority(tmp_path):
    store, run = verse_study(40)
    found = evidence(store, run)
    assert "Dawid" not in str(panels(found))
    shown = panels(found, latent=True)
    assert "far too sure of itself" in words_of(shown)
    assert [column.title for column in table(shown, "is not the majority's").columns][1:3] == [
        "majority",
        "Dawid and Skene",
    ]
    assert len(table(shown, "Competence").rows) == 7
    page = report(store, run.run_id, tmp_path / "report.html", latent=True).read_text("utf-8")
    assert "knows rather than guesses, by MACE" in page


def test_a_few_records_are_refused_to_such_a_model():
    store, run = verse_study(12)
    assert "refused: fewer than 30 records" in words_of(panels(evidence(store, run), latent=True))


def test_no_section_knows_in_which_order_records_and_their_readers_came():
    store, run = verse_study(24)
    one, other = evidence(store, run), evidence(store, run)
    for asked in other.tally.asked.values():
        for record_id in Random(3).sample(sorted(asked.votes), len(asked.votes)):
            votes = asked.votes.pop(record_id)
            asked.votes[record_id] = dict(reversed(votes.items()))
        asked.expected = dict(reversed(asked.expected.items()))
    assert panels(one, latent=True) == panels(other, latent=True)
    assert agreements(one.tally) == agreements(other.tally)
    assert beside_people(one.tally) == beside_people(other.tally)


# ---- beside the people


def test_each_label_has_its_recall_and_precision_with_the_perspectives_pooled():
    said = [
        {("gpt", SOUND): ["warm"], ("gpt", STANCE): ["cold"]},
        {("gpt", SOUND): ["cold"], ("gpt", STANCE): ["cold"]},
    ]
    asked, counted = panel(said, {0: [("ana", "warm")], 1: [("ana", "cold")]})
    found = compare.by_label(asked, Scale.of(asked, 1), "gpt")
    # of warm: right .5 of 1 given .5; of cold: right 1 of 1, given 1.5
    assert (found.by["warm"].recall.value, found.by["cold"].recall.value) == (0.5, 1.0)
    assert found.by["cold"].precision.value == pytest.approx(1 / 1.5)
    rows = table(beside_people(counted), "How well each label is found").rows
    assert [cells[1] for cells in rows] == ["warm", "cold", "mean of the labels"]


def test_people_among_themselves_are_joined_by_the_machine():
    labels = {number: [("ana", "warm" if number % 2 else "cold")] * 2 for number in range(8)}
    labels = {number: [given[0], ("bo", given[1][1] if number else "warm")] for number, given in labels.items()}
    asked, counted = panel([{("gpt", SOUND): ["warm" if number % 2 else "cold"]} for number in range(8)], labels)
    found = compare.beside_people(asked, Scale.of(asked, 1), asked.readers[0])
    assert found.alpha.value == 1
    assert found.added.pairs == 8 * 3
    assert "alpha among the people [95%]" in str(table(beside_people(counted), "beside the human labels").columns)
    one, _ = panel([{("gpt", SOUND): ["warm"]}], {0: [("ana", "warm")]})
    assert compare.beside_people(one, Scale.of(one, 1), one.readers[0]).added is None


SURE = Codebook(
    name="tone",
    questions=(
        question("tone", labels=("warm", "cold"), ask="Warm or cold?"),
        question("confidence", "ratio", (), ask="How sure are you, from 0 to 100?", minimum=0, maximum=100),
    ),
)


def sure(repeats, *, logprobs=None, stated=None, labelled=True):
    step = Step(name="judge", agents=(GPT,), codebook=SURE, repeats=repeats)
    kept = [one.model_copy(update={"labels": ()}) for one in verses(4)]
    rows = [
        row(
            step, record, GPT, repeat=repeat, answers={"tone": "warm" if repeat < 3 else "cold", "confidence": stated},
            logprobs={"tone": logprobs} if logprobs else {},
        )
        for record in kept
        for repeat in range(1, repeats + 1)
    ]  # fmt: skip
    run = run_of(Flow(name="tone", steps=(step,)))
    if labelled:
        label = verses(1)[0].labels[0].model_copy(update={"question": "tone", "value": "warm"})
        kept = [one.model_copy(update={"labels": (label,)}) for one in kept]
    counted = tally(MemoryStore(run, kept, rows), run)
    asked = next(one for one in counted.asked.values() if one.question.name == "tone")
    return compare.calibrated(asked, Scale.of(asked, 1), "gpt"), counted


def test_how_sure_an_agent_is_comes_from_its_repeats_then_its_tokens_then_its_words():
    source, found = sure(3, logprobs=-0.105361, stated=80)[0]
    assert (source, found.bins[0].confidence) == ("share of its repeats", pytest.approx(2 / 3))
    source, found = sure(1, logprobs=-0.105361, stated=80)[0]
    assert (source, found.bins[0].confidence) == ("probability of its tokens", pytest.approx(0.9, abs=1e-6))
    source, found = sure(1, stated=80)[0]
    assert (source, found.bins[0].confidence, found.brier.value) == ("its own words", 0.8, pytest.approx(0.04))
    assert sure(1)[0] is None


def test_there_is_no_calibration_without_human_labels():
    found, counted = sure(3, stated=80, labelled=False)
    assert found is None
    assert "Calibration" not in str(beside_people(counted))


def test_the_calibration_is_drawn_and_told():
    store, run = verse_study(30)
    section = beside_people(evidence(store, run).tally)
    figure = next(
        block for block in section.blocks if isinstance(block, Figure) and "reliability" in block.shows.lower()
    )
    assert "off by" in figure.shows
    assert [column.title for column in figure.data.columns][-1] == "answers"
    assert {cells[1] for cells in table(section, "Calibration on").rows} == {"share of its repeats"}


# ---- charts


def test_thousands_of_records_are_drawn_in_no_more_columns_than_can_be_told_apart():
    records = [(place / 3000, {"a": 1 - place / 3000, "b": place / 3000}) for place in range(3001)]
    found = charts_panels.slices(records)
    assert len(found) <= charts_panels.SLICES
    assert (found[0][0], found[-1][1]) == (0, 3001)
    assert all(one[1] == two[0] for one, two in pairwise(found))
    spec = charts_panels.spectrum(found, ["a", "b"], ordered=False, shows="records")
    tops = {}
    for piece in spec["data"]["values"]:
        tops[piece["start"]] = piece["high"]
    assert set(map(round, tops.values())) == {1}
    assert spec["description"] == "records"


def test_records_stand_in_the_order_of_their_entropy():
    asked, _ = panel(TWO)
    assert [round(spread, 3) for spread, _ in compare.by_division(asked)] == [0, 1]
    assert compare.by_division(asked)[1][1] == {"warm": 0.5, "cold": 0.5}


def test_a_reliability_diagram_has_a_square_for_each_agent_and_the_number_beside_each_point():
    bins = calibration([(0.9, 1.0)] * 9 + [(0.9, 0.0)]).bins
    spec = charts_panels.reliability([("gpt", bins), ("claude", bins)], "shows")
    points = spec["data"]["values"]
    assert [(one["agent"], one["sure"], one["right"], one["said"]) for one in points] == [
        ("gpt", pytest.approx(0.9), 0.9, "10"),
        ("claude", pytest.approx(0.9), 0.9, "10"),
    ]
