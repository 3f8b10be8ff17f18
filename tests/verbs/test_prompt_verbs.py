"""`prompts test`, `watch` and `compare` at the terminal: what is read, the exit codes, the files that others read."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page

from buttermilk.testing import MockProvider
from scholar import Scholar, is_plain

HOSTILE = "\u202eabc <script>alert(1)</script> ]]> \x1b[31m & {{ 7*7 }}"
TESTS = """codebook: harm
agents: [rehearsal]
repeats: 3
cases:
  kept: {text: The bridge was opened., label: {harmful: "no"}, expect: [{label-in: {harmful: ["no"]}}]}
  broken:
    text: The bridge was closed.
    label: {harmful: "yes"}
    expect:
      - {label-in: {harmful: ["no"]}, metric: restraint}
      - {contains: '%s', question: reason}
  asked_of_a_person: {text: The bridge., expect: [{human: "Is the tone right?", question: reason}]}
"""


def study(scholar: Scholar, tests: str = TESTS % "x") -> None:
    scholar.writes("prompts/plain.md", "# user\n{{ record.text }}\n{{ codebook.instructions }}\n")
    scholar.writes("prompts/plain.tests.yaml", tests)


def test_a_failing_test_is_one_readable_block_and_exit_code_1(scholar: Scholar) -> None:
    study(scholar)
    said = scholar.types("prompts", "test", "plain", code=1)
    assert "✓ kept  1 of 1 met" in said.out
    assert "✗ broken  2 of 2 expectations failed" in said.out
    assert "✗ label-in: wanted: the reply answers 'harmful' “no”; came in 3 of 3 repeats: 'harmful' “yes”" in said.out
    assert "· asked_of_a_person  1 of 1 wait for a human verdict" in said.out
    assert "Simulated readers answered" in said.out
    assert said.out.splitlines()[-1] == "passed 1 · failed 1 · open 1"
    assert not scholar.store.exists()  # offline nothing is asked, and nothing stored


def test_json_has_every_verdict(scholar: Scholar) -> None:
    study(scholar)
    found = scholar.types("prompts", "test", "plain", "--json", code=1).json
    assert (found["passed"], found["failed"], found["open"]) == (1, 1, 1)
    (prompt,) = found["prompts"]
    assert (prompt["simulated"], prompt["metrics"]) == (True, {"restraint": 0.0})
    verdicts = {(case["case"], one["check"]): one["verdict"] for case in prompt["cases"] for one in case["expected"]}
    assert verdicts["kept", "label-in"] == "passed"
    assert verdicts["broken", "contains"] == "failed"
    assert verdicts["asked_of_a_person", "human"] == "open"


def test_junit_is_xml_whatever_the_answers_hold(scholar: Scholar) -> None:
    study(scholar, TESTS % HOSTILE.replace("'", "''").replace("\x1b", ""))
    scholar.types("prompts", "test", "plain", "--junit", "tests.xml", code=1)
    (suite,) = ElementTree.parse(scholar.folder / "tests.xml").getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "3", "failures": "1", "skipped": "1",
    }  # fmt: skip
    kinds = {test.get("name"): [child.tag for child in test] for test in suite}
    assert kinds == {"kept": [], "broken": ["failure"], "asked_of_a_person": ["skipped"]}
    (failure,) = suite.iter("failure")
    assert "<script>" in (failure.text or "")


def test_the_page_of_tests_runs_nothing_that_an_answer_holds(scholar: Scholar, page: Page) -> None:
    study(scholar, TESTS % HOSTILE.replace("'", "''").replace("\x1b", ""))
    assert scholar.starts("prompts", "test", "plain", "--html", "tests.html").wait() == 1
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.goto((scholar.folder / "tests.html").as_uri())
    assert page.locator("h1").inner_text() == "Prompts and their tests"
    assert page.locator(".simulated").is_visible()
    assert page.get_by_text("<script>alert(1)</script>").count() == 1
    assert page.locator("main script").count() == 0
    assert told == []


def test_pytest_in_a_study_tests_its_prompts(scholar: Scholar) -> None:
    study(scholar)
    command = [sys.executable, "-m", "pytest", "prompts", "-q", "-p", "no:cacheprovider"]
    said = subprocess.run(command, cwd=scholar.folder, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "✗ label-in: wanted: the reply answers 'harmful' “no”; came in 3 of 3" in said.stdout
    assert "FAILED prompts/plain.md::broken[rehearsal]" in said.stdout
    assert "Traceback" not in said.stdout
    passed = 1 + sum(len(prompt["cases"]) for prompt in packaged(scholar))
    assert f"1 failed, {passed} passed, 1 skipped" in said.stdout


def packaged(scholar: Scholar) -> list[dict[str, list[object]]]:
    """The study's copies of the library, which have tests too."""
    found: list[dict[str, list[object]]] = scholar.types("prompts", "test", "judge", "synthesise", "--json").json[
        "prompts"
    ]
    return found


def test_pytest_says_where_a_slip_in_the_tests_is(scholar: Scholar) -> None:
    study(scholar, TESTS.replace("label-in", "label-inn", 1))
    command = [sys.executable, "-m", "pytest", "prompts/plain.md", "-q", "-p", "no:cacheprovider"]
    said = subprocess.run(command, cwd=scholar.folder, capture_output=True, text=True, check=False)
    assert "prompts/plain.tests.yaml:5: there is no check 'label-inn'" in said.stdout
    assert "Traceback" not in said.stdout


def test_watch_exits_with_1_on_an_alarm_and_says_what_moved(scholar: Scholar) -> None:
    cases = {f"c{n}": {"text": f"Of bridge {n}.", "expect": [{"is-json": True}]} for n in range(10)}
    study(scholar, json.dumps({"codebook": "harm", "agents": ["mock"], "repeats": 5, "cases": cases}))
    with MockProvider(model_returned="m-1") as mock:
        scholar.writes("conf/agent/mock.yaml", json.dumps({"type": "openai", "model": "m", "base_url": mock.url}))
        scholar.types("prompts", "test", "plain", "--live")
        scholar.types("prompts", "watch", "plain", "--pin")
        quiet = scholar.types("prompts", "watch", "--live")
        assert "✓ plain" in quiet.out
        mock.configure(model_returned="m-2", character=1)
        loud = scholar.types("prompts", "watch", "--live", code=1)
        assert "✗ plain" in loud.out
        assert "mock is answered by another model: m-2 in place of m-1." in loud.out
        assert scholar.types("prompts", "watch", "--json", code=1).json["prompts"][0]["moved"] == ["model"]


def test_compare_writes_the_changed_records_and_shows_the_surest(scholar: Scholar) -> None:
    study(scholar)
    asked = ("prompts", "compare", "judge", "plain", "--agents", "reader_a", "--repeats", "3")
    said = scholar.types(*asked, "-o", "changed.csv")
    assert "Simulated readers answered" in said.out
    assert "reader_a from sound_and_image, sentiment: judgement changed for" in said.out
    assert (scholar.folder / "changed.csv").read_text("utf-8-sig").startswith("agent,question,record_id,before,after")
    found = scholar.types(
        "prompts", "compare", "judge", "plain", "--agents", "reader_a", "--repeats", "3", "--json"
    ).json
    assert (found["simulated"], found["remaining"]) == (True, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("test", "nobody"), "no prompt 'nobody'"),
        (("test", "plain", "--agents", "nobody"), "no agent 'nobody'"),
        (("watch",), "no prompt has a baseline"),
        (("watch", "plain"), "'plain' has no baseline"),
        (("watch", "--pin"), "which prompt's baseline"),
        (("compare", "judge", "nobody"), "no prompt 'nobody'"),
        (("compare", "judge", "plain", "--flow", "vers"), "no flow 'vers'"),
        (("compare", "judge", "plain", "--step", "judg"), "no step 'judg'"),
    ],
)
def test_what_cannot_be_done_is_one_screen(scholar: Scholar, words: tuple[str, ...], said: str) -> None:
    study(scholar)
    shown = scholar.types("prompts", *words, code=2)
    assert said in shown.err
    assert is_plain(shown.err)


def test_a_prompt_without_tests_says_how_to_give_it_some(scholar: Scholar) -> None:
    study(scholar)
    (scholar.folder / "prompts" / "plain.tests.yaml").unlink()
    shown = scholar.types("prompts", "test", "plain", code=2)
    assert "this prompt has no tests" in shown.err
    shutil.rmtree(scholar.folder / "prompts")
    Path(scholar.folder / "prompts").mkdir()
    assert "no prompt of this study has tests" in scholar.types("prompts", "test", code=2).err


def test_a_model_that_is_down_is_said_to_be_down_and_not_to_fail_each_case(scholar: Scholar) -> None:
    study(scholar, (TESTS % "x").replace("rehearsal", "mock"))
    agent = {"type": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", "limits": {"attempts": 1}}
    scholar.writes("conf/agent/mock.yaml", json.dumps(agent))
    said = scholar.types("prompts", "test", "plain", "--live", "--repeats", "1", code=1)
    assert "✗ mock gives no answers." in said.err
    assert "http://127.0.0.1:9/v1/chat/completions cannot be reached" in said.err
    assert "label-in" not in said.out
    assert is_plain(said.err)


def test_a_codebook_asked_criterion_by_criterion_is_shown_as_it_is_written(scholar: Scholar) -> None:
    scholar.changes("conf/flow/verse.yaml", "codebook: sentiment", "codebook: fairness")
    scholar.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [rehearsal]")
    scholar.writes("conf/flow/verse.yaml", scholar.reads("conf/flow/verse.yaml").partition("  synthesis:")[0])
    scholar.types("run", "verse")
    assert scholar.types("prompts", "diff", "fairness").out.startswith("Nothing differs: both are fairness@")
    used = scholar.types("prompts", "show", "fairness", "--json").json
    assert [(one["version"], one["jobs"]) for one in used["used"]] == [(used["version"], 4 * 2 * 2)]
    listed = scholar.types("prompts", "list", "--kind", "codebook", "--json").json["texts"]
    assert [one["changed_since"] for one in listed if one["name"] == "fairness"] == [False]
