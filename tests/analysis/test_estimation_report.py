"""What the report says of variance, of corrected estimates and of specifications."""

import json
from dataclasses import replace
from random import Random

import pytest
from analysis_study import GPT, READER_A, VADER, verse_flow
from labelled_study import DRAWN_AT, found_in, labelled_study, opened, sample

from buttermilk.analysis import report
from buttermilk.analysis.page import Figure, Grid, Section, Text, as_csv
from buttermilk.analysis.people import People
from buttermilk.analysis.sections.corrected import corrected, estimates, labelled, uncorrected
from buttermilk.analysis.sections.specification import _majority, specification
from buttermilk.analysis.sections.variance import study, variance
from buttermilk.analysis.voices import Scored, answers, of_labels, of_values, panels
from buttermilk.core.flows import Analysis
from buttermilk.core.people import Draw, Registration

PLAN = {"outcome": "sentiment", "label": "positive", "covariate": "genre", "primary": "all · their shares"}


@pytest.fixture(scope="module")
def found():
    return found_in(*labelled_study())


def words_of(section: Section | None) -> str:
    assert section is not None
    return "\n".join(block.words for block in section.blocks if isinstance(block, Text))


def figures(section: Section) -> list[Figure]:
    return [block for block in section.blocks if isinstance(block, Figure)]


def grids(section: Section) -> list[Grid]:
    return [block for block in section.blocks if isinstance(block, Grid)]


# ---- variance


def test_the_report_says_what_makes_answers_differ_and_what_to_buy(found):
    section = variance(found)
    said = words_of(section)
    assert "of the variance is the records' own" in said
    assert "Twice the answers would bring Φ from" in said
    bar, curve = figures(section)
    assert "record " in bar.shows
    assert "run to run " in bar.shows
    assert "“Record”" in bar.caption
    assert curve.shows.startswith("D-study of sentiment: more repeats (3 agents, 2 perspectives)")


def test_shares_of_the_variance_sum_to_one(found):
    one = study(found, panels(found.tally)[0])
    assert sum(one.found.share(effect) for effect in one.found.parts) == pytest.approx(1)
    bar = figures(variance(found))[0]
    assert sum(float(row[3]) for row in bar.data.rows) == pytest.approx(1, abs=0.001)


def test_few_levels_are_marked_and_few_agents_are_fixed(found):
    row = grids(variance(found))[0].rows[0]
    assert row[3] == "3 agents (fixed): too few levels (3), 2 perspectives: too few levels (2), 3 runs"
    assert row[6] == "REML; without vader, given no perspective"


def test_the_price_stands_on_a_second_axis_and_unknown_prices_are_no_prices(found):
    curve = figures(variance(found))[1]
    axes = [layer["encoding"]["y"]["axis"] for layer in curve.spec["layer"]]
    assert axes[0]["orient"] == "right"
    assert axes[0]["title"] == "USD per 1,000 records (pale)"
    assert curve.spec["resolve"] == {"scale": {"y": "independent"}}
    assert curve.caption.endswith("Simulated agents cost nothing.")
    # per call .00031 of gpt alone, of three agents asked alike; one repeat is 3 × 2 calls for each of 1,000 records
    first = curve.data.rows[0]
    assert float(first[3]) == pytest.approx(0.00031 / 3 * 6 * 1_000, rel=0.02)
    for came in found.tally.by.values():
        assert came.jobs
    alone = found_in(*labelled_study(flow=verse_flow((READER_A,))))
    assert figures(variance(alone))[1].spec["layer"][0]["encoding"]["y"]["axis"]["title"] == "answers per record (pale)"


def test_where_each_record_has_one_answer_nothing_is_divided():
    once = found_in(*labelled_study(40, 35, flow=verse_flow((VADER,), repeats=1)))
    assert variance(once) is None


def test_an_agent_of_one_habit_has_no_share_of_the_records(found):
    asked = panels(found.tally)[0]
    for row in asked.votes.values():
        for reader, votes in row.items():
            row[reader] = ("positive" if reader.agent == "gpt" else "negative",) * len(votes)
    said = words_of(variance(found))
    found.tally.asked.clear()
    assert "their" not in said.partition("variance is")[0]
    assert "that they agree is habit, and no evidence" in said


@pytest.fixture
def fresh():
    return found_in(*labelled_study())


def test_waves_are_a_facet_where_the_same_was_asked_in_several(fresh):
    both = replace(fresh, waves={"0": found_in(*labelled_study()).tally, "1": fresh.tally})
    one = study(both, panels(fresh.tally)[0])
    assert one.found.levels["wave"] == 2
    assert ("record", "wave") in one.found.parts
    assert one.found.parts["wave",] < 0.01


# ---- corrected


def test_naive_and_corrected_stand_side_by_side_and_it_is_said_of_what(fresh):
    section = corrected(fresh)
    said = words_of(section)
    assert "60 records of the sample “pilot” were labelled by people, drawn with a chance of 0.60 each." in said
    assert "the number to quote, for all records of this kind. Of just these 100 records it is" in said
    table = grids(section)[0]
    assert [column.title for column in table.columns] == [
        "label", "machine alone (naive)", "people alone", "PPI++", "DSL", "of just these records",
    ]  # fmt: skip
    assert "naive" in figures(section)[0].shows
    assert "corrected" in as_csv(figures(section)[0].data).lower() or "PPI++" in as_csv(figures(section)[0].data)
    assert not uncorrected(fresh)


def test_it_is_said_what_more_labels_would_buy(fresh):
    said = words_of(corrected(fresh))
    assert "With 60 labels the interval for the share of" in said
    assert "With 100, drawn at random, it is about ±" in said


def test_labels_that_were_not_drawn_correct_nothing():
    undrawn = found_in(*labelled_study(drawn=False))
    said = words_of(corrected(undrawn))
    assert "none was drawn with a known probability" in said
    assert "buttermilk label sample" in said
    assert uncorrected(undrawn)


def test_without_any_label_the_report_says_how_to_get_some():
    bare = found_in(*labelled_study(labels=0, drawn=False))
    assert words_of(corrected(bare)).startswith("No correction can be made: no record was drawn")
    assert uncorrected(bare)


def test_too_few_and_sealed_labels_are_refused_in_words():
    few = found_in(*labelled_study(labels=29))
    assert "Too few human labels: 29 of the drawn records have one." in words_of(corrected(few))
    assert uncorrected(few)
    store, run = labelled_study(labels=0, drawn=False)
    store.filed.append(sample([Draw(record_id=f"v{number:03d}", prob=0.5) for number in range(50)]))
    bare = found_in(store, run)
    sealed = replace(bare, people=bare.people._replace(sealed=50))
    assert "its 50 test labels are still sealed" in words_of(corrected(sealed))
    assert uncorrected(sealed)


def test_unequal_chances_leave_the_design_based_estimate_alone():
    found = found_in(*labelled_study(chances=lambda record_id: 0.4 if record_id < "v050" else 0.8))
    asked = panels(found.tally)[0]
    known = labelled(found, asked)
    assert not known.equal
    row = estimates(found, asked, known)[0][0]
    assert [one.value is None for one in row.estimates] == [False, True, True, False, False]
    assert row.best == row.estimates[3]
    assert "drawn with a chance of 0.40 to 0.80" in words_of(corrected(found))
    assert "needs equal chances" in grids(corrected(found))[0].rows[0]


def test_drawn_records_without_a_label_make_the_others_stand_for_them():
    store, run = labelled_study()
    labelled_ones = {draw.record_id for draw in store.filed[0].draws}
    unlabelled = [f"v{number:03d}" for number in range(100) if f"v{number:03d}" not in labelled_ones][:20]
    draws = [Draw(record_id=one, prob=0.8) for one in sorted([*labelled_ones, *unlabelled])]
    store.filed[:] = [sample(draws, "larger"), opened("larger")]
    found = found_in(store, run)
    known = labelled(found, panels(found.tally)[0])
    assert known.thinned == 20
    assert set(known.chances.values()) == {0.8 * 60 / 80}
    assert "20 drawn records without an open label: taken to be missing by chance." in words_of(corrected(found))


def test_of_several_samples_the_one_with_most_labels_counts():
    store, run = labelled_study()
    store.filed.append(sample(store.filed[0].draws[:40], "smaller"))
    found = found_in(store, run)
    assert labelled(found, panels(found.tally)[0]).sample == "pilot"


def test_a_chance_that_is_only_known_by_record_is_enough(fresh):
    drawn = {draw.record_id: draw for draw in fresh.people.samples[0].draws}
    bare = replace(fresh, people=People((), drawn))
    assert len(labelled(bare, panels(fresh.tally)[0]).chances) == 60


def test_each_agent_has_one_voice_and_each_of_its_readings_an_equal_part(fresh):
    asked = panels(fresh.tally)[0]
    record_id = asked.records[0]
    readers = {(one.agent, one.setting): one for one in asked.readers}
    asked.votes[record_id] = {
        readers["vader", ""]: ("positive",),
        readers["gpt", "sound_and_image"]: ("positive", "negative"),
        readers["gpt", "speaker_and_stance"]: ("negative",),
    }
    positive = next(one for one in of_labels(asked) if one.name == "positive")
    assert answers(asked, positive)[record_id] == (1 + (0.5 + 0) / 2) / 2


def test_labels_in_an_order_are_places_in_it(fresh):
    asked = panels(fresh.tally)[0]
    ordered = replace(asked, question=asked.question.model_copy(update={"level": "ordinal"}))
    (place,) = of_values(ordered)
    assert place.votes(("negative", "mixed", None)) == (1.0, 4.0)


# ---- a declared relation


def test_a_declared_relation_is_estimated_in_every_way():
    section = corrected(found_in(*labelled_study(200, 120, config={"analysis": PLAN})))
    table = next(one for one in grids(section) if one.caption.startswith("How"))
    assert table.caption == "How “positive” of “sentiment” hangs on “genre”."
    assert [row[0] for row in table.rows][:4] == [
        "linear: machine alone (naive)", "linear: DSL", "linear: people alone", "linear: PPI++",
    ]  # fmt: skip
    assert "“genre” is 1 for “" in table.note
    assert all(float(row[1].split()[0].replace("−", "-")) > 0 for row in table.rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"covariate": "poet"}, "no record has a column “poet”."),
        ({"label": "glad"}, "“sentiment” has no label “glad”."),
        ({"covariate": "line"}, ""),
    ],
)
def test_what_was_declared_and_is_not_there_is_said(change, said):
    section = corrected(found_in(*labelled_study(config={"analysis": PLAN | change})))
    if said:
        assert said in words_of(section)
    else:
        assert "“line” is taken as a number." in grids(section)[1].note


# ---- specifications


def test_every_declared_cell_is_on_the_curve(fresh):
    (figure,) = figures(specification(fresh))
    # vader once; three agents under two perspectives by three rules; the panel by two
    assert len(figure.data.rows) == 1 + 3 * 2 * 3 + 2
    estimates = [float(row[4]) for row in figure.data.rows]
    assert estimates == sorted(estimates)
    assert "None was chosen beforehand" in words_of(specification(fresh))
    assert {"agent: gpt", "repeats: the majority"} <= set(figure.spec["vconcat"][1]["encoding"]["y"]["scale"]["domain"])


def test_a_cell_without_answers_stands_on_the_curve_as_failed():
    flow = verse_flow((VADER, GPT))
    store, run = labelled_study(flow=flow)
    store._rows = [
        row | {"status": "failed", "answers": None, "error_kind": "timed_out"} if row["agent"] == "gpt" else row
        for row in store._rows
    ]
    section = specification(found_in(store, run))
    assert "2 cells failed and stand at the end." in words_of(section)
    assert [row[-1] for row in figures(section)[0].data.rows][-2:] == ["failed: no usable answer"] * 2
    assert "failed" in json.dumps(figures(section)[0].spec)


def test_the_cell_that_was_registered_is_marked_and_so_is_its_absence():
    store, run = labelled_study(config={"analysis": PLAN | {"primary": ""}})
    chosen = {"primary": "gpt · sound_and_image · judge@bfe14c · the majority"}
    store.filed.append(Registration(about="demo", parts={}, plan=chosen, by="ana", registered_at=DRAWN_AT))
    section = specification(found_in(store, run))
    assert f"Chosen beforehand: {chosen['primary']}," in words_of(section)
    assert [row[-1] for row in figures(section)[0].data.rows].count("chosen beforehand") == 1
    store.filed[-1] = store.filed[-1].model_copy(update={"plan": {"primary": "gpt-6"}})
    assert "What was chosen beforehand, “gpt-6”, is none of these." in words_of(specification(found_in(store, run)))


def test_with_a_declared_column_signs_and_p_values_are_counted():
    section = specification(found_in(*labelled_study(200, 100, config={"analysis": PLAN})))
    assert "of all have the median's sign" in words_of(section)
    assert "Chosen beforehand: all · their shares" in words_of(section)
    assert figures(section)[0].data.rows[0][7] != ""


# ---- the whole


def test_the_sections_are_the_same_in_any_order_of_arrival():
    """Byte for byte: nothing hangs on which answer came first."""
    one = found_in(*labelled_study(60, 40, config={"analysis": PLAN}))
    other = found_in(*labelled_study(60, 40, config={"analysis": PLAN}, order=Random(5)))
    for section in (variance, corrected, specification):
        assert section(one) == section(other)


def test_the_whole_report_holds_the_three_parts():
    found = found_in(*labelled_study(config={"analysis": PLAN}))
    titles = [section.title for section in report.parts(found)]
    assert {
        "What makes answers differ",
        "Put right by people's labels",
        "The same estimate, made in every declared way",
    } <= set(titles)


def test_a_flow_may_leave_its_analysis_open():
    assert Analysis() == Analysis(outcome="", label="", covariate="", primary="")


def test_the_majority_of_several_labels_is_the_commonest_and_a_tie_is_none():
    positive = Scored("positive", lambda label: float(label == "positive"))
    three = ("positive", "positive", "negative", "mixed", "no_impact")  # the commonest, and not half of them
    assert _majority(positive, three) == 1.0
    assert _majority(positive, ("negative", "mixed")) == 0.0  # whichever it is, it is not this one
    assert _majority(positive, ("positive", "mixed")) is None
    assert _majority(Scored("mean", float), (1.0, 2.0, 9.0)) == 2.0
