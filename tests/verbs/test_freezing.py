"""`freeze`: what is declared before the answers come, what is told of it later, and what is not silently otherwise."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from buttermilk.core.people import Opening, Registration
from buttermilk.core.registering import parts_of
from buttermilk.stores.sqlite import SqliteStore
from buttermilk.study.opening import open_study
from buttermilk.study.registering import freeze
from scholar import Scholar, is_plain

HEADINGS = ["Study Information", "Design Plan", "Sampling Plan", "Variables", "Analysis Plan", "Other"]
DECLARED = """
registration:
  hypotheses: Poets are sad.
  primary: [Share of negative by reader_a from sound_and_image., Interval by bootstrap over records.]
"""


def page(scholar: Scholar) -> str:
    scholar.types("report", "-o", "page.html")
    return scholar.reads("page.html")


def test_a_flow_that_was_never_frozen_is_not_registered(asked: Scholar) -> None:
    assert "registered" not in asked.types("plan", "verse").out
    assert "Not registered: nothing was declared before this run began" in page(asked)


def test_what_is_frozen_is_written_for_machines_and_for_the_osf(scholar: Scholar) -> None:
    scholar.writes("conf/flow/verse.yaml", scholar.reads("conf/flow/verse.yaml") + DECLARED)
    said = scholar.types("freeze", "verse", "-m", "the pilot is over")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert f"verse is registered on {today}" in said.out
    assert "items are yours to write" in said.out
    kept = json.loads(scholar.reads(f"registrations/verse-{today}.json"))
    assert kept["parts"]["repeats of judge"] == "2"
    assert {"analysis", "data set verse", "declared hypotheses", "declared primary"} <= kept["parts"].keys()
    text = scholar.reads(f"registrations/verse-{today}.md")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    assert "### Hypotheses\n\nPoets are sad.\n\n" in text
    assert "Interval by bootstrap over records." in text
    assert "judge: each record is put to 4 agents (vader, wordlist, reader_a, reader_b)" in text
    assert "4 records; of these 4 are the anchor set" in text
    assert "No answer of this flow had been collected when this was registered." in text
    assert "Registered because: the pilot is over" in text
    assert "### Authors\n\n*To be written by the scholar.*" in text


def test_later_runs_say_that_they_are_as_registered_and_so_does_the_report(scholar: Scholar) -> None:
    scholar.writes("conf/flow/verse.yaml", scholar.reads("conf/flow/verse.yaml") + "\nanchor: 2\n")
    key = json.loads(scholar.types("freeze", "verse", "--json").out)["key"][:6]
    line = f"as registered on {datetime.now(UTC):%Y-%m-%d} ({key})"
    assert line in scholar.types("plan", "verse").out
    assert scholar.types("plan", "verse", "--json").json["standing"] == line
    assert line in scholar.types("run", "verse").out
    assert line in scholar.types("run", "verse", "--wave", "2").out
    few = scholar.types("run", "verse", "--wave", "3", "--anchor")  # of the same data set
    assert line in few.out
    assert few.counts["answered"] < 23
    assert f"({key}) by " in page(scholar)
    assert "deviations from what was registered" not in page(scholar)


def test_the_same_frozen_twice_says_so_and_another_is_a_second_registration(scholar: Scholar) -> None:
    scholar.types("freeze", "verse")
    before = scholar.files()
    assert "just as it is: nothing was added." in scholar.types("freeze", "verse").out
    assert scholar.files() == before
    scholar.types("freeze", "verse", "seed=2")
    assert len(scholar.files() - before) == 2  # beside the first one, under the same day
    assert "as registered" in scholar.types("plan", "verse", "seed=2").out
    assert "seed: registered 2, now 1" in scholar.types("plan", "verse").out


def test_a_deviation_is_told_by_name_given_a_reason_and_reported(scholar: Scholar) -> None:
    scholar.types("freeze", "verse")
    scholar.changes("prompts/judge.md", "# user", "Be brief.\n\n# user")
    words = ("verse", "limit=3", "steps.judge.agents=[reader_a]")
    for verb in ("plan", "run"):
        said = scholar.types(verb, *words).out
        assert "not as registered on" in said
        assert "prompt judge: registered " in said
        assert "agents of judge: registered reader_a, reader_b, vader, wordlist, now reader_a" in said
        assert "agent vader: registered " in said
        assert "data set verse: registered 4 records, " in said
        assert "buttermilk freeze verse --deviation 'WHY'" in said
    assert "none was written" in page(scholar)
    kept = scholar.types("freeze", *words, "--deviation", "Vader cannot read verse.")
    assert "printed by the report as the reason for:" in kept.out
    told = scholar.types("plan", *words).out
    assert "(because: Vader cannot read verse.)" in told
    assert "--deviation" not in told
    assert "Vader cannot read verse." in page(scholar)
    assert "none was written" not in page(scholar)
    none = scholar.types("freeze", *words, "--deviation", "again", code=2)
    assert "each has its reason already" in none.err


def test_a_frozen_flow_is_not_asked_otherwise_in_another_wave_without_a_reason(scholar: Scholar) -> None:
    scholar.types("freeze", "verse")
    scholar.types("run", "verse")
    before = scholar.asked()
    words = ("verse", "steps.judge.repeats=1", "--wave", "2")
    refused = scholar.types("run", *words, code=2)
    assert "wave 2 would be asked otherwise than wave 1" in refused.err
    assert "repeats of judge: registered 2, now 1" in refused.err
    assert scholar.asked() == before
    assert is_plain(refused.err)
    scholar.types("freeze", "verse", "steps.judge.repeats=1", "--deviation", "The budget was cut.")
    assert "(because: The budget was cut.)" in scholar.types("run", *words).out


def test_what_is_registered_after_the_answers_came_binds_nobody(asked: Scholar) -> None:
    asked.types("freeze", "verse")
    found = page(asked)
    assert "Not registered" in found
    assert "after this run had begun: what is declared when answers can be seen binds nobody." in found


def test_after_test_labels_were_opened_a_changed_prompt_is_told(asked: Scholar) -> None:
    with closing(open_study(asked.folder, "verse")) as study:
        locked = parts_of(study.flow)
        opened = Opening(
            about="verse", sample="main", flow="verse", locked=locked, by="ana", opened_at=datetime.now(UTC)
        )
        study.store.file([opened])
    assert "opened" not in asked.types("plan", "verse").out
    asked.changes("prompts/judge.md", "# user", "Be brief.\n\n# user")
    said = asked.types("run", "verse").out
    assert "test labels of the sample main were opened on" in said
    assert "prompt judge: locked " in said
    assert "it may have been fitted to them" in page(asked)
    asked.types("freeze", "verse", "--deviation", "A misprint in the prompt.")
    assert "A misprint in the prompt." in page(asked)


def test_cells_that_were_asked_and_left_out_are_listed_with_the_reason(asked: Scholar) -> None:
    asked.types("run", "verse", "steps.judge.agents=[vader,reader_a]", "steps.judge.perspectives=[sound_and_image]")
    found = page(asked)
    # reader_b from two perspectives, reader_a from the other one, and wordlist from none
    assert "4 cells that other runs of wave 1 asked are not in this one" in found
    assert "judge: wordlist@" in found
    assert "none was written" in found
    words = ("steps.judge.agents=[vader,reader_a]", "steps.judge.perspectives=[sound_and_image]")
    asked.types("freeze", "verse", *words, "--deviation", "Only one reader could be paid.")
    assert page(asked).count("Only one reader could be paid.") == 4
    asked.types(
        "report", "verse-" + asked.types("status", "--json").json["run"].removeprefix("verse-")[:10], "-o", "first.html"
    )
    assert "that other runs of wave 1 asked" not in asked.reads("first.html")  # the first run has them all


def test_a_notebook_freezes_as_the_command_does(scholar: Scholar) -> None:
    found = freeze("verse", why="from a notebook", root=scholar.folder)
    assert [Path(one).suffix for one in found.files] == [".json", ".md"]
    with closing(SqliteStore(scholar.store)) as store:
        assert store.papers(Registration, "verse") == [found.registration]
    assert freeze("verse", root=scholar.folder).again
