"""What a report says in sentences: the method, what stands against it, the checklist, and whose work it rests on."""

import re
from datetime import timedelta

import pytest
from analysis_study import (
    GPT,
    READER_A,
    START,
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
from labelled_study import found_in, labelled_study

from buttermilk.analysis import references
from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.page import Section, Text, grid
from buttermilk.analysis.report import parts, render
from buttermilk.analysis.sections.guide import ANSWERS
from buttermilk.analysis.sections.references import bibliography
from buttermilk.core.flows import Codebook, Flow, Perspective, Step
from buttermilk.core.people import Draw, Registration, Sample
from buttermilk.core.priors import Priors
from buttermilk.core.records import HumanLabel


def section(store, run, title) -> Section:
    return next(one for one in parts(evidence(store, run)) if one.title == title)


def words(store, run, title) -> str:
    return "\n".join(block.words for block in section(store, run, title).blocks if isinstance(block, Text))


def of_one_agent(agent=GPT, labels=("warm", "cold"), given=("warm",), more=None):
    """Six records that one agent answered, each with the next of the given labels."""
    book = Codebook(name="tone", questions=(question("tone", labels=labels),))
    step = Step(name="judge", agents=(agent,), codebook=book)
    records = verses(6, labelled=0)
    rows = [
        row(step, record, agent, answers={"tone": given[number % len(given)]}, **(more or {}))
        for number, record in enumerate(records)
    ]
    return MemoryStore(run_of(Flow(name="tone", steps=(step,))), records, rows), run_of(
        Flow(name="tone", steps=(step,))
    )


# ---- the method


def test_the_method_names_models_with_what_answered_and_when():
    store, run = of_one_agent(more={"model_returned": "gpt-5-mini-2026-08-07"})
    said = words(store, run, "The method in words")
    assert "The model was gpt (gpt-5-mini, answered by gpt-5-mini-2026-08-07, 22 November 2026)." in said


def test_the_method_says_which_answers_were_made_up():
    store, run = verse_study(3)
    said = words(store, run, "The method in words")
    assert "reader_a (simulated) and reader_b (simulated) made up their answers by a simulation." in said


def test_the_method_says_how_the_human_sample_was_drawn_and_how_far_people_agree():
    store, run = verse_study(20)
    for key, record in store._records.items():
        both = (*record.labels, HumanLabel(question="sentiment", value=record.labels[0].value, coder="ben"))
        store._records[key] = record.model_copy(update={"labels": both})
    draws = tuple(Draw(record_id=f"v{number:03d}", prob=0.25) for number in range(5))
    sample = Sample(
        about="verse", name="first", dataset_fingerprint="d" * 32, codebook="sentiment@1", codebook_hash="c",
        how="stratified", by="column:poet", seed=3, population=20, draws=draws, drawn_at=START,
    )  # fmt: skip
    store.filed.append(sample)
    said = words(store, run, "The method in words")
    assert "20 records were labelled by 2 people." in said
    assert "The sample “first” of 5 records was drawn by strata (column:poet) from 20" in said
    assert "On “sentiment” people agreed with an alpha of 1.00 [" in said
    assert "(n = 20)." in said


def test_the_method_says_whether_it_was_registered_and_when():
    store, run = verse_study(2)
    assert "The method was not registered before the answers were collected." in words(
        store, run, "The method in words"
    )
    early = START - timedelta(days=4)
    store.filed.append(Registration(about="demo", parts={}, plan={}, by="ana", registered_at=early))
    assert "was registered on 18 November 2026, 09:00 UTC." in words(store, run, "The method in words")


def test_prior_answers_and_their_control_arm_are_part_of_the_method():
    flow = verse_flow((GPT,))
    judge = flow.steps[0].model_copy(update={"priors": Priors(strata=("model",), n=3)})
    flow = flow.model_copy(update={"steps": (judge, flow.steps[1])})
    store, run = verse_study(2, flow)
    said = words(store, run, "The method in words")
    assert "3 earlier answers of each model shown, drawn by the seed from earlier waves, without names" in said
    assert "20.0% of the records were kept for the control arm alone" in said


# ---- limitations: each only where it is true

SIMULATED = "can support no claim about the records"
CLAIMS = {
    "the run is partial": (lambda: verse_study(2, planned=999), "The run is partial: 959 of 999 planned jobs"),
    "simulated": (lambda: verse_study(2), SIMULATED),
    "one family": (of_one_agent, "All models are of one family (gpt)"),
    "no perspective": (of_one_agent, "No perspective was used"),
    "asked once": (of_one_agent, "Each was asked once: an agent's chance cannot be told from its judgement."),
    "a habit": (of_one_agent, "gpt answered “warm” to “tone” for all of 6 records: its lift"),
    "a loose name": (of_one_agent, "The name gpt-5-mini fixes no version"),
    "seeds": (lambda: of_one_agent(more={"seed_honoured": False}), "not honoured (gpt, 6 jobs)"),
    "no person": (of_one_agent, "No person labelled any record: whether the answers are right is not known."),
    "one wave": (of_one_agent, "There is one wave"),
    "few labels": (lambda: verse_study(4), "4 records carry a human label, where validation is advised to rest on 250"),
    "one coder": (lambda: verse_study(4), "One person labelled them"),
    "uncorrected": (lambda: verse_study(4), "All shares are of uncorrected machine labels"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_limitation_stands_where_it_is_true(claim):
    made, said = CLAIMS[claim]
    assert said in words(*made(), "Limitations")


def test_no_limitation_stands_where_it_is_not_true():
    dated = GPT.model_copy(update={"model": "gpt-5-mini-2026-08-07"})
    other = GPT.model_copy(update={"name": "claude", "model": "claude-sonnet-20260514"})
    lenses = tuple(Perspective(name=f"p{number}", text=f"1. Read {number}.") for number in range(5))
    book = Codebook(name="tone", questions=(question("tone", labels=("warm", "cold")),))
    step = Step(name="judge", agents=(dated, other), codebook=book, perspectives=lenses, repeats=2)
    records = verses(4, labelled=0)
    rows = [
        row(step, record, agent, perspective=lens, repeat=repeat, answers={"tone": ("warm", "cold")[number % 2]})
        for number, record in enumerate(records)
        for agent in step.agents
        for lens in lenses
        for repeat in (1, 2)
    ]
    run = run_of(Flow(name="tone", steps=(step,)), planned=len(rows))
    said = words(MemoryStore(run, records, rows), run, "Limitations")
    for name, (_, claim) in CLAIMS.items():
        if name not in ("no person", "one wave", "uncorrected"):
            assert claim[:20] not in said, name
    assert "brought no answer" not in said
    assert "With 2 models, variance between them is nearly a guess" in said  # five perspectives are enough to say more


def test_what_was_refused_is_given_as_a_share_of_all_jobs():
    store, run = of_one_agent()
    store._rows[0] |= {"status": "refused", "answers": None}
    store._rows[1] |= {"status": "failed", "answers": None}
    assert "33.3% of the jobs brought no answer (1 refused and 1 failed)" in words(store, run, "Limitations")


def test_quotes_that_are_not_in_their_record_are_counted_as_a_limitation():
    store, run = verse_study(2)
    for found in store._rows:
        if found["answers"] and found["answers"]["reason"]:
            found["quotes"] = {"reason": "missing"}
    absent = sum(bool(found["quotes"]) for found in store._rows)
    assert f"{absent} of {absent} quoted passage" in words(store, run, "Limitations")


# ---- GUIDE-LLM


def test_the_checklist_has_the_fourteen_core_items_and_eight_optional_ones():
    store, run = verse_study(2)
    core, optional = (
        block for block in section(store, run, "GUIDE-LLM checklist").blocks if not isinstance(block, Text)
    )
    wanted = ["A.1", "A.2", "B.1", "B.2", "B.3", "B.4", "B.5", "C.1", "C.2", "D.1", "E.1", "E.2", "F.1", "G.1"]
    assert [found[0] for found in core.rows] == wanted
    assert len(optional.rows) == 8
    assert all(answer or left.startswith("to be written: ") for _, _, answer, left in (*core.rows, *optional.rows))


def test_what_only_the_authors_know_is_left_to_them():
    store, run = verse_study(2)
    core = section(store, run, "GUIDE-LLM checklist").blocks[1]
    funding = next(found for found in core.rows if found[0] == "G.1")
    assert funding[2:] == ("", "to be written: a declaration, also where there is nothing to declare")


def test_each_item_says_what_is_asked_and_by_whom_it_is_answered():
    items = [item for part in references.text("guide").values() for item in part.values()]
    assert all(set(item) <= {"asks", "answered", "said", "open"} and item["asks"] for item in items)
    assert {item["answered"] for item in items if "answered" in item} == set(ANSWERS)


# ---- works


def test_every_work_that_is_cited_is_there_and_every_work_there_is_cited():
    given = references.text("statistics")
    cited = {key for one in given["statistics"].values() for key in one["cites"]}
    assert cited <= set(given["works"])
    assert set(given["works"]) - cited == {"feuerriegel2026", "pangakis2023"}  # by the checklist, and the limitations


def test_a_statistic_is_explained_only_where_its_name_stands():
    named = Section("x", (grid("Agreement.", ("who", "Gwet's AC1#"), []), Text("Adjusted by Holm.")))
    assert {one.title for one in references.used([named])} == {"Gwet's AC1", "Holm's correction"}
    in_a_cell = Section("x", (grid("Words.", ("text",), [("the alpha and the bootstrap",)]),))
    assert references.used([in_a_cell]) == []


def test_the_references_are_those_that_the_report_names():
    store, run = verse_study(20)
    said = words(store, run, "References")
    for work in ("Krippendorff, K. (2019)", "Wilson, E. B. (1927)", "Feuerriegel, S., et al. (2026)", "Shannon, C. E."):
        assert work in said
    assert "McNemar" not in said
    assert "“verse”. A. Scholar (2020), https://example.org/verse. CC-BY-4.0. 20 records" in said


def test_a_work_is_written_as_a_paper_has_it():
    work = references.works()["egami2023"]
    assert references.line(work).startswith("Egami, N., Hinck, M., Stewart, B. M., and Wei, H. (2023). Using imperfect")
    assert references.cited(["hayes2007", "dawid1979", "hovy2013"]) == (
        "Hayes and Krippendorff 2007; Dawid and Skene 1979; Hovy et al. 2013"
    )
    assert references.cited(["angelopoulos2023", "angelopoulos2023b"]).endswith("2023; Angelopoulos et al. 2023b")


def test_bibtex_closes_what_it_opens_and_has_each_key_once():
    store, run = verse_study(4)
    text = bibliography(evidence(store, run), references.works())
    keys = re.findall(r"(?m)^@\w+\{(.+),$", text)
    assert len(keys) == len(set(keys)) > len(references.works()) + 4
    assert all(entry.count("{") == entry.count("}") for entry in text.split("\n\n"))
    assert "pages = {77--89}" in text
    assert "Fingerprint" not in text
    assert "model-gpt-gpt-5-mini" in keys


def test_hostile_names_do_not_break_bibtex():
    store, run = verse_study(1, dataset="a} @book{x, 100% & $y_1#")
    entry = bibliography(evidence(store, run), {}).split("\n\n")[0]
    assert r"a\} @book\{x, 100\% \& \$y\_1\#" in entry


# ---- the title


def test_machine_labels_that_nothing_corrects_say_so_in_the_title():
    store, run = verse_study(3)
    page = render(evidence(store, run))
    assert "<title>[simulated] Uncorrected machine labels: What feeling" in page
    assert '<span class="uncorrected">Uncorrected machine labels</span></h1>' in page


def test_a_human_sample_with_known_probabilities_takes_the_caution_from_the_title():
    assert "Uncorrected machine labels" not in render(found_in(*labelled_study()))
    assert "Uncorrected machine labels" in render(found_in(*labelled_study(labels=5)))


def test_who_answered_is_said_once_for_each_model_that_did():
    flow, records = verse_flow((VADER, READER_A, GPT)), verses(4)
    rows = list(verse_rows(flow, records))
    for found in [one for one in rows if one["agent"] == "gpt"][:3]:
        found |= {"model_returned": "gpt-5-mini-b", "started_at": (START + timedelta(days=3)).isoformat()}
        found |= {"ended_at": (START + timedelta(days=3, minutes=1)).isoformat(), "status": "answered"}
        found |= {"answers": {"reason": None, "sentiment": "mixed"}}
    run = run_of(flow)
    store = MemoryStore(run, records, rows)
    table = next(block for block in section(store, run, "References").blocks if getattr(block, "rows", None))
    assert [found[2] for found in table.rows if found[0] == "gpt"] == ["gpt-5-mini", "gpt-5-mini-b"]
    assert table.rows[-1][4:] == ("25 November 2026", "25 November 2026", "3")
