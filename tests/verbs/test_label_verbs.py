"""`label` at the terminal: drawn, sent out, taken back, compared, settled, opened; and sealed until it is."""

import csv
import json
from typing import Any

import openpyxl
import pytest

from buttermilk.testing import MockProvider
from poems import LABELS, VERSES, draw, poems_of
from scholar import Scholar, is_plain

PLANTED = "a-reason-no-machine-gave"


@pytest.fixture
def poems(scholar: Scholar) -> Scholar:
    return poems_of(scholar)


def fill(scholar: Scholar, name: str, said: dict[str, str], column: str = "sentiment") -> None:
    """What a coder does: opens the sheet, chooses, saves."""
    book = openpyxl.load_workbook(scholar.folder / name)
    sheet = book["coding"] if "coding" in book.sheetnames else book.active
    header = [cell.value for cell in sheet[1]]
    for row in range(2, sheet.max_row + 1):
        record = sheet.cell(row, 1).value
        if record in said:
            sheet.cell(row, header.index(column) + 1, said[record])
    book.save(scholar.folder / name)


def sheet(scholar: Scholar, name: str) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(scholar.folder / name)
    header, *rows = (book["coding"] if "coding" in book.sheetnames else book.active).iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def of_part(drawn: dict[str, Any], split: str) -> list[str]:
    return [one["record_id"] for one in drawn["draws"] if one["split"] == split]


# ---- drawing


def test_a_sample_says_what_was_drawn_of_each_stratum_and_how_likely(poems: Scholar) -> None:
    said = poems.types("label", "sample", "verse", "--size", "4", "--by", "column:genre", "--coders", "ana,ben")
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0][:8] == ["verse-1:", "4", "of", "12", "records", "of", "verse,", "stratified"]
    assert ["elegy", "6", "2", "1", "1", "0.3333"] in lines or ["elegy", "6", "2", "0", "2", "0.3333"] in lines
    assert "ana: 2 records, 0 of them with another coder" in said.out
    again = poems.types("label", "sample", "verse", "--size", "4", "--by", "column:genre", "--json").json
    assert again["name"] == "verse-2"
    assert {one["prob"] for one in again["draws"]} == {2 / 6}


def test_machines_that_are_unsure_are_looked_into_more_often(poems: Scholar) -> None:
    run = json.loads(poems.types("run", "verse", "--json").out.splitlines()[-1])["run"]
    by = ("--by", f"run:{run}", "--question", "sentiment", "--json")
    drawn = poems.types("label", "sample", "verse", "--size", "5", "--how", "uncertainty", *by).json
    assert len(drawn["draws"]) == 5
    assert all(0 < one["prob"] <= 1 for one in drawn["draws"])
    strata = poems.types("label", "sample", "verse", "--size", "8", *by).json
    assert {one["stratum"] for one in strata["draws"]} <= {*LABELS, "(tie)"}


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("--size", "13"), "13 records cannot be drawn of 12", "--size"),
        (("--by", "column:gender"), "data set 'verse' has no column 'gender'", "Did you mean 'genre'?"),
        (("--by", "column:id2"), "no column 'id2'", "genre"),
        (("--size", "1", "--by", "column:genre"), "makes 2 strata, of which 1 records", "Draw more"),
        (("--how", "uncertainty", "--by", "genre"), "'genre' is neither a column nor a run", "--by run:RUN"),
        (("--double", "0.5"), "double coding needs two coders", "--coders ana,ben"),
        (("--coders", "ana,ana"), "a coder is named twice", "another name"),
        (("--dev", "2"), "--dev is a share", ""),
        (("--step", "judges"), "has no step 'judges'", "Did you mean 'judge'?"),
        (("--name", "a b"), "'a b' is no name for a sample", "gold-1"),
    ],
)
def test_what_cannot_be_drawn_is_said_on_one_screen(
    poems: Scholar, words: tuple[str, ...], said: str, hint: str
) -> None:
    size = () if "--size" in words else ("--size", "4")
    screen = poems.types("label", "sample", "verse", *size, *words, code=2)
    assert is_plain(screen.err)
    assert said in screen.err
    assert hint in screen.err


def test_a_name_is_used_once_and_more_is_the_same_draw_grown(poems: Scholar) -> None:
    first = poems.types("label", "sample", "verse", "--size", "4", "--name", "gold", "--json").json
    screen = poems.types("label", "sample", "verse", "--size", "8", "--name", "gold", code=2)
    assert "a larger --size and the same --seed" in screen.err
    second = poems.types("label", "sample", "verse", "--size", "8", "--name", "more", "--json").json
    assert {one["record_id"] for one in first["draws"]} < {one["record_id"] for one in second["draws"]}
    assert {one["prob"] for one in second["draws"]} == {8 / 12}


# ---- sending out


@pytest.mark.parametrize("name", ["ana.csv", "ana.xlsx", "ana.json:label-studio", "ana.json:argilla", "ana.csv:4cat"])
def test_a_sheet_shows_the_text_and_what_may_be_seen_and_nothing_that_was_answered(poems: Scholar, name: str) -> None:
    poems.types("run", "verse")
    drawn = draw(poems)
    (poems.folder / "ben.csv").write_text("record_id,sentiment,sample\nv0,mixed,gold\nv1,mixed,gold\n", "utf-8")
    poems.types("label", "import", "ben.csv", "--coder", "ben")
    file, _, kind = name.partition(":")
    poems.types("label", "export", "gold", file, "--coder", "ana", *(("--format", kind) if kind else ()))
    shown = json.dumps(sheet(poems, file)) if file.endswith(".xlsx") else poems.reads(file)
    assert all(text.rstrip(",") in shown for _, text, _, _ in VERSES)
    assert "elegy" in shown
    for hidden in (*LABELS, "prob", "stratum", "dev", "secret", "ben"):
        assert hidden not in shown, hidden
    order = [one["record_id"] for one in drawn["draws"]]
    assert sorted(order, key=shown.index) != order


def test_each_coder_gets_a_sheet_in_an_order_of_their_own(poems: Scholar) -> None:
    draw(poems)
    poems.types("label", "export", "gold", "sheet.xlsx")
    ana, ben = ([row["record_id"] for row in sheet(poems, f"sheet-{who}.xlsx")] for who in ("ana", "ben"))
    assert set(ana) == set(ben)
    assert ana != ben


# ---- taking back


def test_wrong_rows_are_all_named_and_nothing_is_kept_unless_one_says_skip(poems: Scholar) -> None:
    draw(poems)
    poems.writes(
        "ana.csv", "record_id,sentiment,sample\nv1,mixt,gold\nv99,mixed,gold\nv2,mixed,gold\nv3,mixed,golden\n"
    )
    screen = poems.types("label", "import", "ana.csv", "--coder", "ana", code=2)
    assert "3 labels are wrong (of 4); none was kept" in screen.err
    assert "ana.csv row 2, sentiment: 'mixt' is no label of 'sentiment'" in screen.err
    assert "Did you mean 'mixed'?" in screen.err
    assert "data set 'verse' has no record 'v99'" in screen.err
    assert "there is no sample 'golden'" in screen.err
    assert poems.types("label", "status", "--json").json["samples"][0]["coders"]["ana"]["coded"] == 0
    said = poems.types("label", "import", "ana.csv", "--coder", "ana", "--skip")
    assert said.out.splitlines()[0] == "1 new label, 0 changed, 0 as before"
    assert said.out.count("left out") == 3


def test_a_changed_label_takes_the_place_of_the_first_and_the_same_again_changes_nothing(poems: Scholar) -> None:
    draw(poems, "--dev", "1")
    poems.writes("a.csv", "record_id,sentiment\nv1,mixed\nv2,mixed\n")
    take = ("label", "import", "a.csv", "--sample", "gold", "--coder", "ana")
    assert poems.types(*take).out == "2 new labels, 0 changed, 0 as before\n"
    assert poems.types(*take).out == "0 new labels, 0 changed, 2 as before\n"
    poems.writes("a.csv", "record_id,sentiment\nv1,negative\nv2,\n")
    assert poems.types(*take).out == "0 new labels, 1 changed, 0 as before\n"
    poems.writes("b.csv", "record_id,sentiment\nv1,negative\nv2,mixed\n")
    poems.types("label", "import", "b.csv", "--sample", "gold", "--coder", "ben")
    assert poems.types("label", "agree", "gold", "--json").json["questions"][0]["disagreements"] == {}


def test_old_labels_of_no_sample_are_kept_and_their_probability_is_unknown(poems: Scholar) -> None:
    poems.types("run", "verse")
    poems.writes("old.csv", "record_id,question,label,coder\nv1,sentiment,mixed,cyd\nv2,sentiment,mixed,cyd\n")
    assert "2 new labels" in poems.types("label", "import", "old.csv").out
    poems.types("export", "all.csv")
    assert {row["expected"] for row in poems.table("all.csv") if row["record_id"] == "v1"} == {"", "mixed"}
    draw(poems, "--dev", "1")
    poems.types("report", "-o", "r.html")
    assert "Of 2 labelled records it is not known that the coder saw no other answer" in poems.reads("r.html")


def test_who_labelled_is_never_guessed(poems: Scholar) -> None:
    draw(poems)
    poems.writes("a.csv", "record_id,sentiment\nv1,mixed\n")
    assert "nobody is named who gave this label" in poems.types("label", "import", "a.csv", code=2).err
    poems.writes("b.csv", "record_id,sentiment,coder\nv1,mixed,17\n")
    screen = poems.types("label", "import", "b.csv", "--coder", "ana", code=2)
    assert "this is a label of '17', not of 'ana'" in screen.err
    poems.types("label", "import", "b.csv", "--sample", "gold", "--coder", "17=ana")
    poems.types("label", "import", "b.csv", "--sample", "gold", "--coder", "ana", code=2)
    assert poems.types("label", "status", "--json").json["samples"][0]["coders"]["ana"]["coded"] == 1


def test_null_is_an_answer_where_the_question_is_optional(poems: Scholar) -> None:
    draw(poems)
    poems.writes("a.csv", "record_id,reason,sentiment\nv1,does not apply,mixed\nv2,the lamp,mixed\n")
    assert "4 new labels" in poems.types("label", "import", "a.csv", "--sample", "gold", "--coder", "ana").out
    poems.writes("b.csv", "record_id,sentiment\nv1,does not apply\n")
    screen = poems.types("label", "import", "b.csv", "--sample", "gold", "--coder", "ana", code=2)
    assert "'does not apply' is no label of 'sentiment'" in screen.err


def test_what_label_studio_and_argilla_give_back_is_known_by_itself(poems: Scholar) -> None:
    draw(poems)
    choice = {"from_name": "sentiment", "type": "choices", "value": {"choices": ["mixed"]}}
    task = {"data": {"record_id": "v1", "sample": "gold"}, "annotations": [{"result": [choice], "completed_by": 3}]}
    poems.writes("ls.json", json.dumps([task]))
    assert "1 new label" in poems.types("label", "import", "ls.json", "--coder", "3=ana").out
    said = {"sentiment": [{"value": "mixed", "user_id": "u1", "status": "submitted"}]}
    poems.writes("ar.json", json.dumps([{"id": "v1", "fields": {}, "responses": said, "metadata": {"sample": "gold"}}]))
    assert "1 new label" in poems.types("label", "import", "ar.json", "--coder", "u1=ben").out


# ---- comparing, settling


@pytest.mark.slow
def test_a_third_coders_spreadsheet_updates_agreement_and_disagreements_and_no_model_is_asked(poems: Scholar) -> None:
    poems.types("run", "verse")
    draw(poems, "--dev", "1")
    poems.types("label", "export", "gold", "sheet.xlsx")
    first = {f"v{n}": LABELS[n % 2] for n in range(12)}
    for coder, said in (("ana", first), ("ben", first | {"v3": "mixed"})):
        fill(poems, f"sheet-{coder}.xlsx", said)
        poems.types("label", "import", f"sheet-{coder}.xlsx")
    before, asked = poems.types("label", "agree", "gold", "--json").json["questions"][0], poems.asked()
    assert before["disagreements"] == {"v3": {"ana": "no_impact", "ben": "mixed"}}
    assert (before["alpha"]["n"], before["alpha"]["pairs"]) == (12, 12)

    poems.types("label", "export", "gold", "cyd.xlsx", "--coder", "cyd")
    fill(poems, "cyd.xlsx", first | {"v5": "positive"})
    assert "12 new labels" in poems.types("label", "import", "cyd.xlsx").out
    after = poems.types("label", "agree", "gold", "--json").json["questions"][0]
    assert after["disagreements"].keys() == {"v3", "v5"}
    assert after["alpha"]["pairs"] == 36
    assert after["alpha"]["value"] != before["alpha"]["value"]
    assert (after["alpha"]["low"], after["alpha"]["high"]) != (before["alpha"]["low"], before["alpha"]["high"])
    assert len(after["pairs"]) == 3
    poems.types("report", "-o", "r.html")
    tables = [file.read_text(encoding="utf-8-sig") for file in (poems.folder / "r").glob("table-*agreement*.csv")]
    people = [row for table in tables for row in csv.DictReader(table.splitlines()) if row["who"] == "human coders"]
    assert {(row["records"], row["pairs"]) for row in people} == {("12", "36")}
    assert poems.asked() == asked


def test_disagreements_go_out_without_names_and_come_back_settled(poems: Scholar) -> None:
    poems.types("run", "verse")
    draw(poems, "--dev", "1")
    said = {"ana": "v1,mixed\nv2,negative\nv3,mixed\n", "ben": "v1,positive\nv2,negative\nv3,negative\n"}
    for coder, rows in said.items():
        poems.writes(f"{coder}.csv", f"record_id,sentiment\n{rows}")
        poems.types("label", "import", f"{coder}.csv", "--sample", "gold", "--coder", coder)
    assert poems.types("label", "adjudicate", "gold", "split.xlsx").out.startswith("2 disagreements in split.xlsx")
    rows = sheet(poems, "split.xlsx")
    assert [(row["record_id"], {row["coder 1"], row["coder 2"]}) for row in rows] == [
        ("v1", {"mixed", "positive"}), ("v3", {"mixed", "negative"})
    ]  # fmt: skip
    assert "ana" not in json.dumps(rows)
    fill(poems, "split.xlsx", {"v1": "mixed", "v3": "unclear"}, "adjudicated")
    screen = poems.types("label", "adjudicate", "gold", "split.xlsx", "--take", code=2)
    assert "'unclear' is no label of 'sentiment'" in screen.err
    assert "--skip" not in screen.err
    fill(poems, "split.xlsx", {"v3": "no_impact"}, "adjudicated")
    assert "2 new labels" in poems.types("label", "adjudicate", "gold", "split.xlsx", "--take", "--coder", "dora").out
    assert poems.types("label", "agree", "gold", "--json").json["questions"][0]["disagreements"] == {}
    poems.types("export", "all.csv")
    found = {row["record_id"]: row["expected"] for row in poems.table("all.csv") if row["question"] == "sentiment"}
    assert (found["v1"], found["v2"], found["v3"], found["v4"]) == ("mixed", "negative", "no_impact", "")


# ---- sealed


def everywhere(scholar: Scholar) -> str:
    """All that the commands say and write of a study, but its store and the coders' own files."""
    scholar.types("export", "out.csv")
    scholar.types("export", "out.jsonl")
    scholar.types("report", "-o", "out.html")
    scholar.types("label", "adjudicate", "gold", "out-split.csv")
    said = [scholar.reads(name) for name in ("out.csv", "out.jsonl", "out.html", "out-split.csv")]
    said += [scholar.types("label", "agree", "gold").out, scholar.types("label", "status").out]
    words = [("label", "agree", "gold"), ("label", "agree"), ("label", "status"), ("status",), ("plan", "verse")]
    said += [scholar.types(*one, "--json").out for one in words]
    job = next(scholar.table("out.csv"))["job_id"]
    return "\n".join([*said, scholar.types("show", job, "--json").out])


@pytest.mark.slow
def test_a_sealed_test_label_is_nowhere_and_once_opened_it_is(poems: Scholar) -> None:
    """Two coders agree on the test records and a third does not; their reasons and notes hold a text to look for."""
    poems.types("run", "verse")
    drawn = draw(poems)
    test, dev = of_part(drawn, "test"), of_part(drawn, "dev")
    assert len(test) == len(dev) == 6
    for coder, label in (("ana", "mixed"), ("ben", "mixed"), ("cyd", "positive")):
        rows = [(one, label, PLANTED, PLANTED) for one in test]
        rows += [(one, "negative", "", "") for one in dev]
        with (poems.folder / f"{coder}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("record_id", "sentiment", "reason", "note"), *rows])
        poems.types("label", "import", f"{coder}.csv", "--sample", "gold", "--coder", coder)
    before = everywhere(poems)
    assert PLANTED not in before
    assert {row["expected"] for row in poems.table("out.csv") if row["record_id"] in test} == {""}
    assert {row["record_id"] for row in poems.table("out.csv") if row["expected"]} == set(dev)
    assert '"sealed": 36' in before  # three coders, six records, two answers

    said = poems.types("label", "open", "gold", "verse", "--why", "the prompts are final")
    assert "prompt judge@" in said.out
    again = poems.types("label", "open", "gold", "verse", "--why", "once more")
    assert "gold is open already, since" in again.out
    assert "the prompts are final" in again.out
    after = everywhere(poems)
    assert '"sealed": 36' not in after
    found = poems.types("label", "agree", "gold", "--json").json
    assert (found["sealed"], found["questions"][0]["disagreements"].keys()) == (0, set(test))
    assert "the prompts are final" in poems.reads("out.html")
    assert "Openings of test labels" in poems.reads("out.html")


def test_the_report_says_what_has_changed_since_the_test_labels_were_opened(poems: Scholar) -> None:
    draw(poems)
    poems.types("label", "open", "gold", "verse", "--why", "final")
    poems.changes("prompts/judge.md", "# user", "# user\nRead slowly.")
    poems.types("run", "verse")
    poems.types("report", "-o", "r.html")
    assert "<bdi>prompt judge</bdi>" in poems.reads("r.html")


def test_opening_wants_a_reason_and_the_right_flow(poems: Scholar) -> None:
    draw(poems)
    assert "Missing option '--why'" in poems.types("label", "open", "gold", code=2).err
    assert "say why" in poems.types("label", "open", "gold", "--why", " ", code=2).err
    assert "there is no sample 'glod'" in poems.types("label", "open", "glod", "--why", "x", code=2).err


def test_labels_of_people_are_in_no_prompt(poems: Scholar) -> None:
    """Through the engine, to a server that keeps what it is sent: neither a label, nor a note, nor a coder's name."""
    draw(poems, "--dev", "1")
    rows = "\n".join(f"v{n},{PLANTED},mixed,{PLANTED}" for n in range(12))
    poems.writes("z.csv", f"record_id,reason,sentiment,note\n{rows}\n")
    poems.types("label", "import", "z.csv", "--sample", "gold", "--coder", "zoe-the-coder")
    with MockProvider() as mock:
        poems.writes("conf/agent/mock.yaml", f"type: openai\nmodel: m\nbase_url: {mock.url}\n")
        poems.types("run", "verse", "agents=[mock]", "steps.judge.repeats=1", code=None)
        sent = "\n".join(json.dumps(one["body"]) for one in mock.requests())
    assert "line 3 of the poem" in sent
    assert PLANTED not in sent
    assert "zoe-the-coder" not in sent


def test_help_and_a_mistyped_verb(poems: Scholar) -> None:
    assert "adjudicate" in poems.types("label", "--help").out
    assert "Did you mean 'sample'?" in poems.types("label", "sampel", code=2).err


def test_a_folder_of_sheets_is_left_as_it_was_where_the_format_is_not_said(poems: Scholar) -> None:
    draw(poems)
    before = poems.files()
    screen = poems.types("label", "export", "gold", "sheet.docx", code=2)
    assert "--format, one of: 4cat, argilla, csv, label-studio, xlsx" in screen.err
    assert poems.files() == before
