"""Whatever is wrong is said on one screen that names the place and what to do; exit 2; nothing lost or half-written."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from openpyxl import Workbook

from scholar import Scholar, is_plain

VERSE = "conf/flow/verse.yaml"
DATASET = "conf/dataset/verse.yaml"
DATA = "data/verse.csv"


def appended(name: str, text: str) -> Callable[[Scholar], object]:
    return lambda scholar: scholar.writes(name, scholar.reads(name) + text)


def changed(name: str, old: str, new: str) -> Callable[[Scholar], object]:
    return lambda scholar: scholar.changes(name, old, new)


def bytes_appended(name: str, data: bytes) -> Callable[[Scholar], object]:
    return lambda scholar: (scholar.folder / name).write_bytes((scholar.folder / name).read_bytes() + data)


def merged_headers(scholar: Scholar) -> None:
    book = Workbook()
    sheet = book.active
    for row in (["id", "poem", None], [None, "verse", "sentiment"], ["v1", "of inward strife", "mixed"]):
        sheet.append(row)
    sheet.merge_cells("B1:C1")
    book.save(scholar.folder / "data" / "verse.xlsx")
    scholar.changes(DATASET, "type: csv\npath: data/verse.csv", "type: xlsx\npath: data/verse.xlsx")


BAD = {
    "a mistyped key": (
        changed(VERSE, "repeats: 2", "repeat: 2"),
        ["a step has no key 'repeat'", f"{VERSE}:10", "Did you mean 'repeats'?"],
    ),
    "a mistyped agent": (
        changed(VERSE, "reader_b]", "reader_bb]"),
        ["there is no agent 'reader_bb'", f"{VERSE}:9", "Did you mean 'reader_b'?"],
    ),
    "a mistyped prompt": (
        changed(VERSE, "prompt: judge", "prompt: juge"),
        ["'juge'", f"{VERSE}:6", "Did you mean 'judge'?"],
    ),
    "a missing prompt variable": (
        changed("prompts/judge.md", "# user", "# user\n\n{{ mood }}"),
        ["'mood'", "prompts/judge.md:", "step 'judge'"],
    ),
    "a record's column that is not there": (
        changed("prompts/judge.md", "# user", "# user\n\n{{ record.metadata.poet }}"),
        ["poet", "prompts/judge.md:"],
    ),
    "a broken template": (changed("prompts/judge.md", "# user", "# user\n\n{% if %}"), ["prompts/judge.md:"]),
    "broken YAML": (appended(VERSE, "  broken: [\n"), [f"{VERSE}:"]),
    "a tab in YAML": (appended(VERSE, "\tjudge: 1\n"), [f"{VERSE}:", "tab"]),
    "a label given twice": (
        changed("codebooks/sentiment.yaml", "      mixed:", "      positive:"),
        ["codebooks/sentiment.yaml:", "'positive'"],
    ),
    "a duplicate id": (appended(DATA, "v4,once more,mixed\n"), ["'v4' is there twice", DATA, "record 5"]),
    "an empty dataset": (lambda s: s.writes(DATA, "id,verse,sentiment\n"), ["no rows", DATA]),
    "an empty file": (lambda s: s.writes(DATA, ""), ["empty", DATA]),
    "a missing file": (lambda s: (s.folder / DATA).unlink(), ["no such file", DATA, DATASET]),
    "ragged rows": (
        appended(DATA, "v5,short\nv6,too,many,cells\n"),
        ["2 rows are no records (of 6)", f"{DATA} row 6", f"{DATA} row 7", "data.rejects=skip"],
    ),
    "a column that is not there": (changed(DATASET, "text: verse", "text: poem"), ["'poem'", DATA]),
    "the wrong encoding": (
        lambda s: (bytes_appended(DATA, "v5,caf\xe9,mixed\n".encode("latin-1"))(s), appended(DATASET, "")(s)),
        [f"{DATA} line 6", "not UTF-8", "encoding:"],
    ),
    "merged headers": (merged_headers, ["data/verse.xlsx", "B1:C1"]),
    "an unknown type of source": (changed(DATASET, "type: csv", "type: cvs"), ["'cvs'", f"{DATASET}:2", "'csv'"]),
    "an agent's parameter out of bounds": (
        changed("conf/agent/reader_a.yaml", "accuracy: 0.82", "accuracy: 8.2"),
        ["accuracy", "reader_a"],
    ),
    "a secret written down": (
        appended("conf/agent/gpt.yaml", "headers: {Authorization: Bearer sk-abcdefghijklmnopqrstuvwxyz}\n"),
        ["conf/agent/gpt.yaml", "secret://env/"],
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("verb", ["plan", "run"])
def test_bad_input_is_one_screen_and_nothing_is_lost(asked: Scholar, case: str, verb: str) -> None:
    spoil, expected = BAD[case]
    spoil(asked)
    before, files = asked.answers(), asked.files()
    more = ["agents=[gpt]"] if case == "a secret written down" else []
    said = asked.types(verb, "verse", *more, code=2)
    assert said.out == ""
    assert is_plain(said.err), said.err
    assert [words for words in expected if words not in said.err] == [], said.err
    assert asked.answers() == before
    assert asked.files() - files <= {".buttermilk/rejects/verse.csv"}
    assert "sk-abc" not in said.err


WRONG_WORDS = {
    "a mistyped flow": (["run", "vesre"], ["there is no flow 'vesre'", "Did you mean 'verse'?"]),
    "a mistyped step": (["run", "verse", "steps.jugde.repeats=3"], ["no step 'jugde'", "Did you mean 'judge'?"]),
    "a mistyped key": (["run", "verse", "steps.judge.repaets=3"], ["repaets", "Did you mean 'repeats'?"]),
    "no number": (["run", "verse", "repeats=many"], ["whole number", "repeats=many"]),
    "no override": (["run", "verse", "judge"], ["'judge' is not an override", "KEY=VALUE"]),
    "a list cut by the shell": (["run", "verse", "agents=[vader,", "wordlist]"], ["not closed", "'agents=[ONE, TWO]'"]),
    "a list without -m": (["run", "verse", "seed=1,2"], ["several values", "-m"]),
    "Hydra's own": (["run", "verse", "hydra.run.dir=x"], ["hydra.run.dir=x"]),
    "a group": (["run", "verse", "agent=gpt"], ["agents=[NAME, NAME]"]),
    "an unknown secret": (["run", "verse", "agents=[gpt]"], ["OPENAI_API_KEY", "secret://env/", ".env"]),
    "a secret in the open": (
        ["run", "verse", "agent.gpt.key=sk-abcdefghijklmnopqrstuvwxyz", "agents=[gpt]"],
        ["looks like a secret", "secret://env/NAME"],
    ),
    "a budget without a price": (
        ["run", "verse", "agents=[local]", "run.budget.money=1"],
        ["price of 'qwen3:8b' is not known", "conf/agent/local.yaml", "run.budget.tokens"],
    ),
    "an unknown format": (["export", "answers.doc"], ["'answers.doc'", ".xlsx"]),
    "no format": (["export", "answers"], ["'answers'", ".csv"]),
    "a folder that is not there": (["export", "no/answers.csv"], ["no/answers.csv", "no such file or directory"]),
    "an unknown job": (["show", "xyz"], ["begins with 'xyz'", "job_id"]),
    "no job at all": (["show", ""], ["begins with ''"]),
    "an unknown run": (["report", "nope"], ["there is no run 'nope'", "verse-"]),
    "a job file that is not there": (["replay", "job.json"], ["job.json", "show JOB --json"]),
    "a file that is no job": (["replay", "other.json"], ["no stored job", "other.json"]),
    "a file that is no rescue": (["import", "data/verse.csv"], ["no stored answer", "data/verse.csv line 1"]),
    "a run that is over": (["pause"], ["is not going on (finished)", "buttermilk run verse"]),
    "a store elsewhere that is none": (
        ["run", "verse", "store.path=data/verse.csv"],
        ["data/verse.csv", "not a store"],
    ),
    "a flow without a name": (["run"], ["FLOW"]),
    "a mistyped verb": (["rnu", "verse"], ["no command 'rnu'", "Did you mean 'run'?"]),
    "a study that is not there": (["status", "--study", "nowhere"], ["nowhere"]),
}


@pytest.mark.parametrize("case", WRONG_WORDS)
def test_wrong_words_are_answered_on_one_screen(asked: Scholar, case: str) -> None:
    words, expected = WRONG_WORDS[case]
    asked.writes("other.json", "[1]")
    before, files = asked.answers(), asked.files()
    said = asked.types(*words, code=2)
    assert said.out == ""
    assert is_plain(said.err.replace("Error: ", "")), said.err  # click's own word for a wrong command line
    assert [text for text in expected if text not in said.err] == [], said.err
    assert "sk-abc" not in said.err
    assert (asked.answers(), asked.files()) == (before, files)


def test_several_mistakes_are_said_at_once(scholar: Scholar) -> None:
    scholar.changes(VERSE, "repeats: 2", "repeat: 2")
    scholar.changes(VERSE, "reader_b]", "reader_bb]")
    said = scholar.types("plan", "verse", code=2)
    assert "2 things are to be mended" in said.err
    assert "'repeat'" in said.err
    assert "'reader_bb'" in said.err


def test_an_ambiguous_id_is_answered_with_longer_ones(asked: Scholar) -> None:
    asked.types("export", "a.csv")
    ids = sorted({row["job_id"] for row in asked.table("a.csv")})
    digit = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    said = asked.types("show", digit, code=2)
    assert f"several jobs begin with '{digit}'" in said.err
    longer = said.err.partition("Type more of it: ")[2].split(",")[0]
    assert asked.types("show", longer).out.startswith(f"job {longer}")


@pytest.mark.parametrize("verb", ["status", "watch", "report", "export", "show", "replay", "pause", "resume", "cancel"])
def test_before_any_run_each_verb_says_so(scholar: Scholar, verb: str) -> None:
    words = {"export": ["a.csv"], "show": ["abc"], "replay": ["abc"]}.get(verb, [])
    files = scholar.files()
    said = scholar.types(verb, *words, code=2)
    assert "nothing has been asked in this study yet" in said.err
    assert "buttermilk run FLOW" in said.err
    assert scholar.files() == files
    scholar.types("plan", "verse")
    said = scholar.types(verb, *words, code=2)
    assert "buttermilk run" in said.err or "begins with 'abc'" in said.err


@pytest.mark.parametrize("words", [["plan", "verse"], ["run", "verse"], ["status"], ["report"], ["export", "a.csv"]])
def test_outside_a_study_the_scholar_is_told_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    said = Scholar(tmp_path, monkeypatch.chdir).types(*words, code=2)
    assert "there is no study in" in said.err
    assert "buttermilk init mystudy" in said.err
    assert list(tmp_path.iterdir()) == []


def test_init_writes_over_nothing(scholar: Scholar) -> None:
    before = {name: scholar.reads(name) for name in scholar.files()}
    said = scholar.types("init", ".", code=2)
    assert "nothing was written" in said.err
    assert {name: scholar.reads(name) for name in scholar.files()} == before


def test_the_demo_is_not_written_into_somebody_elses_folder(scholar: Scholar) -> None:
    scholar.writes("thesis/chapter.txt", "One.")
    said = scholar.types("demo", "--into", "thesis", code=2)
    assert "is no study" in said.err
    assert "--into" in said.err
    assert scholar.reads("thesis/chapter.txt") == "One."


def test_a_store_of_a_newer_version_is_left_as_it_is(asked: Scholar) -> None:
    with closing(sqlite3.connect(asked.store)) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    before = asked.answers()
    for words in (["run", "verse"], ["status"], ["export", "a.csv"]):
        said = asked.types(*words, code=2)
        assert "newer buttermilk" in said.err
        assert "pip install --upgrade buttermilk" in said.err
        assert is_plain(said.err)
    assert asked.answers() == before


def test_a_store_that_is_no_store_is_left_as_it_is(scholar: Scholar) -> None:
    scholar.writes(".buttermilk/jobs.db", "my notes, for the most part")
    said = scholar.types("run", "verse", code=2)
    assert "not a store" in said.err
    assert scholar.reads(".buttermilk/jobs.db") == "my notes, for the most part"


@pytest.mark.parametrize("place", ["/proc/answers/jobs.db", "data/verse.csv/jobs.db"])
def test_a_store_that_cannot_be_written_is_named(scholar: Scholar, place: str) -> None:
    files = scholar.files()
    said = scholar.types("run", "verse", f"store.path={place}", code=2)
    assert place in said.err
    assert "store.path=" in said.err
    assert is_plain(said.err), said.err
    assert scholar.files() == files


def test_a_report_that_cannot_be_written_is_named(asked: Scholar) -> None:
    said = asked.types("report", "-o", "data/verse.csv/report.html", code=2)
    assert "data/verse.csv" in said.err
    assert is_plain(said.err), said.err


def test_an_error_is_json_too_where_json_was_asked_for(scholar: Scholar) -> None:
    said = scholar.types("plan", "vesre", "--json", code=2)
    assert said.json["error"] == "there is no flow 'vesre'."
    assert "verse" in said.json["hint"]
    assert "there is no flow" in said.err
