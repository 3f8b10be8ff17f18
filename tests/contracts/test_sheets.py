"""What every format for coders promises: a blind sheet goes out, and what people wrote into it comes back as it is."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from jsonschema import validate

from buttermilk.core.contracts import Sheets
from buttermilk.core.errors import ConfigError, DataError
from buttermilk.core.flows import Codebook, LabelDefinition, Question
from buttermilk.core.sheets import DOES_NOT_APPLY, Card, Sheet, Told
from buttermilk.plugins import find, names


def labels(*given: str) -> tuple[LabelDefinition, ...]:
    return tuple(LabelDefinition(name=name, definition=f"it is {name}") for name in given)


KEPT = Question(name="verdict", ask="Is it kept?", labels=labels("kept", "broken, badly"))
CODEBOOK = Codebook(
    name="news",
    questions=(
        Question(name="tone", ask="Which tone?", labels=labels("bright", "=dark", "-1"), optional=True),
        Question(name="harm", ask="How much harm?", level="ordinal", labels=labels("none", "some", "much")),
        Question(name="topics", ask="About what?", many=True, labels=labels("work", "law")),
        Question(name="year", ask="Of which year?", level="interval", minimum=1800, maximum=2000),
        Question(name="frames", ask="Which frames?", level="text", many=True),
        Question(name="why", ask="Why?", level="text", optional=True),
        Question(name="criteria", ask="Criterion by criterion:", level="group", parts=(KEPT,)),
    ),
)
TEXTS = {"v1": "=cmd|' /C calc'!A0", "v2": 'Nähe, "dein"\nSchimmer <b>&', "@v3": "the lamp went out"}
CARDS = tuple(Card(one, {"text": text, "first name": "Åsa"}) for one, text in TEXTS.items())
SHEET = Sheet(CODEBOOK, CARDS, "ana", "gold")
SAID = {
    "tone": "=dark", "harm": "some", "topics.work": "yes", "topics.law": "no", "year": 1912, "frames.count": 2,
    "why": "so dark, so \"dear\"", "criteria.verdict": "broken, badly",
}  # fmt: skip
IN_TOOLS = SAID | {"topics": ["work"], "frames": 2}


@pytest.fixture(params=names("sheets"))
def plug(request: pytest.FixtureRequest) -> Sheets:
    made: Sheets = find("sheets", request.param)()
    return made


# ---- what each tool's users do with a sheet


def fill_csv(file: Path, record: str) -> None:
    with file.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    for row in rows:
        if row[0].removeprefix("'") == record:
            row[:] = [str(SAID.get(name, cell)) for name, cell in zip(header, row, strict=True)]
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([header, *rows])


def fill_xlsx(file: Path, record: str) -> None:
    book = openpyxl.load_workbook(file)
    sheet = book["coding"]
    header = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        if row[0].value == record:
            for name, cell in zip(header, row, strict=True):
                if name in SAID:
                    cell.value = SAID[name]
                    cell.data_type = "n" if isinstance(SAID[name], int) else "s"
    book.save(file)


def from_name(path: str) -> str:
    return path.replace(".", "_")


def fill_label_studio(file: Path, record: str) -> None:
    tasks = json.loads(file.read_text("utf-8"))
    kinds = {"year": "number", "frames_count": "number", "why": "textarea"}
    said = {from_name(path): value for path, value in IN_TOOLS.items() if not path.startswith("topics.")}
    del said["frames"]
    for number, task in enumerate(tasks, 1):
        task |= {"id": number, "predictions": [], "annotations": []}
        if task["data"]["record_id"] == record:
            result = [
                {"id": name, "from_name": name, "to_name": "text", "type": kinds.get(name, "choices"),
                 "value": {{"choices": "choices", "number": "number", "textarea": "text"}[kinds.get(name, "choices")]:
                           value if isinstance(value, list | int) else [value]}}
                for name, value in said.items()
            ]  # fmt: skip
            done = {"result": result, "completed_by": {"id": 3, "email": "ana@x.org"}, "was_cancelled": False}
            skipped = {"result": [], "completed_by": 4, "was_cancelled": True}
            task["annotations"] = [done | {"updated_at": "2026-11-26T12:00:00Z"}, skipped]
    file.write_text(json.dumps(tasks), "utf-8")


def fill_argilla(file: Path, record: str) -> None:
    """What `records.to_list(flatten=True)` gives: values, users and statuses side by side; one wrote a draft."""
    records = json.loads(file.read_text("utf-8"))
    said = {from_name(path): value for path, value in IN_TOOLS.items() if not path.startswith("topics.")}
    del said["frames"]
    flat = []
    for one in records:
        flat.append({"id": one["id"], "_server_id": "s", "status": "pending", **one["fields"], **one["metadata"]})
        if one["id"] == record:
            for name, value in said.items():
                value = str(value) if isinstance(value, int) else value
                flat[-1] |= {f"{name}.responses": [value, "much"], f"{name}.responses.users": ["u1", "u2"],
                             f"{name}.responses.status": ["submitted", "draft"]}  # fmt: skip
    file.write_text(json.dumps(flat), "utf-8")


def fill_4cat(file: Path, record: str) -> None:
    """What *Export annotations* gives: a row an annotation, a processor's among them."""
    with file.open(encoding="utf-8", newline="") as lines:
        ids = [row["id"] for row in csv.DictReader(lines)]
    assert record in [one.removeprefix("'") for one in ids]
    columns = ("id", "item_id", "label", "value", "author", "by_processor", "timestamp", "epoch_timestamp")
    rows = [
        (number, record, label, value, "ana", "False", "2026-11-26 12:00:00", 1)
        for number, (label, value) in enumerate(SAID.items())
    ]
    rows.append((99, record, "harm", "much", "gpt", "True", "2026-11-26 13:00:00", 1))
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([columns, *rows])


FILLED: dict[str, Callable[[Path, str], None]] = {
    "csv": fill_csv, "xlsx": fill_xlsx, "label-studio": fill_label_studio, "argilla": fill_argilla, "4cat": fill_4cat,
}  # fmt: skip


def read(name: str, file: Path) -> list[Told]:
    found: Iterator[Told] = find("sheets", name)().read(file, CODEBOOK)
    return list(found)


# ---- all of them


def test_a_format_walks_through_the_door_and_knows_its_suffix(plug: Sheets) -> None:
    assert isinstance(plug, Sheets)
    assert plug.suffix.startswith(".")


def test_a_sheet_that_nobody_filled_in_holds_no_answer(plug: Sheets, tmp_path: Path) -> None:
    target = tmp_path / f"sheet{plug.suffix}"
    assert plug.write(SHEET, target)[0] == target
    if plug.suffix == ".json":  # as it comes back of a tool that nobody worked in
        tasks = [{"responses": {}, "annotations": []} | one for one in json.loads(target.read_text("utf-8"))]
        target.write_text(json.dumps(tasks), "utf-8")
    if type(plug).__name__ == "FourcatSheets":
        target.write_text("id,item_id,label,value,author,timestamp\n", "utf-8")
    assert [told for told in plug.read(target, CODEBOOK) if told.question in SAID] == []


@pytest.mark.parametrize("name", FILLED)
@pytest.mark.parametrize("record", ["v2", "@v3"])
def test_what_people_write_into_it_comes_back_as_it_is(name: str, record: str, tmp_path: Path) -> None:
    plug = find("sheets", name)()
    file = tmp_path / f"ana{plug.suffix}"
    plug.write(SHEET, file)
    FILLED[name](file, record)
    told = read(name, file)
    assert {one.record_id.removeprefix("'") for one in told} == {record}
    assert {one.question: str(one.value) for one in told} == {path: str(value) for path, value in SAID.items()}
    assert len(told) == len(SAID)
    assert all(one.where.startswith(file.name) and not one.wrong for one in told)
    assert {one.coder for one in told} == {{"label-studio": "ana@x.org", "argilla": "u1"}.get(name, "ana")}


def test_what_is_not_of_the_format_is_a_sentence(plug: Sheets, tmp_path: Path) -> None:
    file = tmp_path / f"wrong{plug.suffix}"
    file.write_text('{"a": 1}' if plug.suffix == ".json" else "a,b\n1,2\n", "utf-8")
    with pytest.raises(DataError) as caught:
        list(plug.read(file, CODEBOOK))
    assert caught.value.where
    assert caught.value.hint


# ---- tables


def test_texts_in_a_workbook_stay_texts_and_labels_are_chosen_from_a_list(tmp_path: Path) -> None:
    file = tmp_path / "ana.xlsx"
    find("sheets", "xlsx")().write(SHEET, file)
    book = openpyxl.load_workbook(file)
    coding, codebook = book["coding"], book["codebook"]
    header = [cell.value for cell in coding[1]]
    text = coding.cell(2, header.index("text") + 1)
    assert (text.value, text.data_type) == (TEXTS["v1"], "s")
    rules = {str(rule.sqref): rule for rule in coding.data_validations.dataValidation}
    (tone,) = [rule for where, rule in rules.items() if where.startswith(letter(header, "tone"))]
    assert str(tone.sqref) == f"{letter(header, 'tone')}2:{letter(header, 'tone')}4"
    choices = [cell.value for (cell,) in book["labels"][tone.formula1.removeprefix("labels!")]]
    assert choices == ["bright", "=dark", "-1", DOES_NOT_APPLY]
    assert len(rules) == 5  # tone, harm, both topics, the verdict
    assert book["labels"].sheet_state == "hidden"
    assert "it is much" in [cell.value for row in codebook.iter_rows() for cell in row]


def letter(header: list[Any], name: str) -> str:
    return str(openpyxl.utils.get_column_letter(header.index(name) + 1))


def test_a_workbook_of_anybodys_is_read_too(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("id", "harm", "poet"), ("v1", "some", "Sappho"), ("v2", None, "Rilke")):
        book.active.append(row)
    book.save(tmp_path / "old.xlsx")
    (told,) = read("xlsx", tmp_path / "old.xlsx")
    assert (told.record_id, told.question, told.value, told.where) == ("v1", "harm", "some", "old.xlsx row 2")


def test_a_table_may_have_a_row_for_each_answer(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("record_id;question;label;coder\nv1;harm;some;ana\nv1;harm;;ben\nv2;tone;bright;ben\n", "utf-8")
    told = read("csv", file)
    assert [(one.record_id, one.question, one.value, one.coder) for one in told] == [
        ("v1", "harm", "some", "ana"), ("v2", "tone", "bright", "ben")
    ]  # fmt: skip


def test_a_column_that_is_nearly_a_question_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("record_id,harm,criteria.verdct\nv1,some,kept\n", "utf-8")
    with pytest.raises(DataError, match=r"a\.csv: column 'criteria\.verdct' is no question"):
        read("csv", tmp_path / "a.csv")


def test_a_table_without_ids_or_questions_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,harm\nx,some\n", "utf-8")
    with pytest.raises(DataError, match="no column says which record is meant"):
        read("csv", tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("id,mood\nv1,some\n", "utf-8")
    with pytest.raises(DataError, match="no column is a question of the codebook 'news'"):
        read("csv", tmp_path / "b.csv")


def test_a_row_that_cannot_be_read_is_named_among_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("record_id,harm,timestamp\nv1,some\nv2,much,2026-11-26\nv3,none,soon\n", "utf-8")
    short, well, undated = read("csv", tmp_path / "a.csv")
    assert "row 2" in short.where
    assert short.wrong
    assert well.at == datetime(2026, 11, 26, tzinfo=UTC)
    assert undated.wrong == "'soon' is no date."


# ---- Label Studio: labelstud.io/guide/tasks, /guide/task_format, /tags/choices, /tags/number, /tags/textarea

TASKS = {
    "type": "array",
    "items": {
        "type": "object", "required": ["data"], "additionalProperties": False,
        "properties": {"data": {"type": "object", "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}}},
    },
}  # fmt: skip
TAGS = {
    "View": set(), "Header": {"value", "size"}, "Text": {"name", "value"}, "Choice": {"value", "hint"},
    "Choices": {"name", "toName", "choice", "required"}, "Number": {"name", "toName", "min", "max", "required"},
    "TextArea": {"name", "toName", "maxSubmissions", "rows", "required"},
}  # fmt: skip


def test_label_studios_tasks_and_configuration_are_as_its_pages_say(tmp_path: Path) -> None:
    tasks, config = find("sheets", "label-studio")().write(SHEET, tmp_path / "ls.json")
    written = json.loads(tasks.read_text("utf-8"))
    validate(written, TASKS)
    assert written[0]["data"] == {"text": TEXTS["v1"], "first_name": "Åsa", "record_id": "v1", "coder": "ana",
                                  "sample": "gold"}  # fmt: skip
    view = ElementTree.parse(config).getroot()
    assert all(set(tag.attrib) <= TAGS[tag.tag] for tag in view.iter())
    controls = {tag.attrib["name"]: tag for tag in view if "toName" in tag.attrib}
    assert {name: tag.tag for name, tag in controls.items()} == {
        "tone": "Choices", "harm": "Choices", "topics": "Choices", "year": "Number", "frames_count": "Number",
        "why": "TextArea", "criteria_verdict": "Choices",
    }  # fmt: skip
    assert controls["topics"].attrib["choice"] == "multiple"
    assert [one.attrib["value"] for one in controls["topics"]] == ["work", "law", "none of these"]
    assert [one.attrib["value"] for one in controls["tone"]] == ["bright", "=dark", "-1", DOES_NOT_APPLY]
    assert (controls["year"].attrib["min"], controls["year"].attrib["max"]) == ("1800", "2000")


def test_predictions_are_no_labels_and_who_may_have_seen_some_is_not_blind(tmp_path: Path) -> None:
    file = tmp_path / "ls.json"
    choice = {"from_name": "harm", "to_name": "text", "type": "choices", "value": {"choices": ["much"]}}
    seen = {"result": [choice], "completed_by": 7, "created_at": "2026-11-26T12:00:00.000000Z"}
    task = {"id": 5, "data": {"record_id": "v1"}, "annotations": [seen], "predictions": [{"result": [choice]}]}
    file.write_text(json.dumps([task, task | {"annotations": []}, task | {"predictions": []}]), "utf-8")
    told = read("label-studio", file)
    assert [(one.value, one.coder, one.blind) for one in told] == [("much", "7", False), ("much", "7", True)]
    assert (told[0].where, told[0].at) == ("ls.json task 5", datetime(2026, 11, 26, 12, tzinfo=UTC))


def test_none_of_these_says_no_to_each_and_an_unknown_control_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ls.json"
    none = {"from_name": "topics", "type": "choices", "value": {"choices": ["none of these"]}}
    other = {"from_name": "mood", "type": "choices", "value": {"choices": ["glad"]}}
    task = {"data": {"record_id": "v1"}, "annotations": [{"result": [none, other], "completed_by": 1}]}
    file.write_text(json.dumps([task]), "utf-8")
    told = read("label-studio", file)
    assert [(one.question, one.value) for one in told] == [("topics.work", "no"), ("topics.law", "no"), ("mood", None)]


# ---- Argilla: docs.argilla.io/latest/how_to_guides/import_export, /dataset; the field names of its own models

RECORDS = {
    "type": "array",
    "items": {
        "type": "object", "additionalProperties": False, "required": ["id", "fields"],
        "properties": {
            "id": {"type": "string"}, "fields": {"type": "object", "propertyNames": {"pattern": "^[a-z0-9_-]+$"}},
            "metadata": {"type": "object"}, "suggestions": {"type": "object", "maxProperties": 0},
            "responses": {"type": "object", "maxProperties": 0}, "vectors": {"type": "object"},
        },
    },
}  # fmt: skip
OPTIONS = {"type": "array", "items": {"type": "object", "required": ["value", "text"]}, "uniqueItems": True}
SETTINGS = {
    "type": "object",
    "required": ["guidelines", "questions", "fields", "vectors", "metadata", "allow_extra_metadata"],
    "additionalProperties": False,
    "properties": {name: {} for name in ("guidelines", "fields", "vectors", "metadata", "allow_extra_metadata")} | {
        "questions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "settings", "required"],
                "properties": {
                    "name": {"pattern": "^(?=.*[a-z0-9])[a-z0-9_-]+$"},
                    "settings": {"oneOf": [
                        {"properties": {"type": {"const": "text"}, "use_markdown": {"type": "boolean"}},
                         "additionalProperties": False},
                        {"properties": {"type": {"enum": ["label_selection", "multi_label_selection"]},
                                        "options": OPTIONS, "visible_options": {"minimum": 3}},
                         "required": ["options"], "additionalProperties": False},
                    ]},
                },
            },
        },
    },
}  # fmt: skip


def test_argillas_records_and_settings_are_as_its_pages_say(tmp_path: Path) -> None:
    records, settings = find("sheets", "argilla")().write(SHEET, tmp_path / "records.json")
    assert settings.name == "records.settings.json"
    validate(json.loads(records.read_text("utf-8")), RECORDS)
    written = json.loads(settings.read_text("utf-8"))
    validate(written, SETTINGS)
    kinds = {one["name"]: one["settings"]["type"] for one in written["questions"]}
    assert (kinds["topics"], kinds["harm"], kinds["year"]) == ("multi_label_selection", "label_selection", "text")
    assert [one["name"] for one in written["fields"]] == ["text", "first_name"]
    assert "**some**: it is some" in written["guidelines"]


def test_suggestions_are_no_labels_and_what_may_be_a_draft_is_named(tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    said = {"responses": {"harm": [{"value": "some", "user_id": "u1"}]}, "suggestions": {"harm": {"value": "much"}}}
    whole, part = ({"id": one, "status": state, **said} for one, state in (("v1", "completed"), ("v2", "pending")))
    file.write_text(json.dumps([whole, part]), "utf-8")
    label, draft = read("argilla", file)
    assert (label.record_id, label.value, label.coder, label.blind) == ("v1", "some", "u1", False)
    assert draft.wrong.startswith("it does not say whether this was submitted. Write it as json.dump(")


# ---- 4CAT: datasources/upload and processors/conversion/upload_annotations in its repository


def test_4cat_gets_the_columns_of_an_upload_and_no_more_fields_than_it_has(tmp_path: Path) -> None:
    find("sheets", "4cat")().write(SHEET, tmp_path / "up.csv")
    with (tmp_path / "up.csv").open(encoding="utf-8", newline="") as lines:
        first = next(csv.DictReader(lines))
    assert list(first) == ["id", "thread_id", "timestamp", "author", "subject", "body", "first name"]
    assert (first["id"], first["author"], first["timestamp"]) == ("v1", "", "1970-01-01 00:00:00")
    many = tuple(Question(name=f"q{number}", ask="?", level="text") for number in range(21))
    with pytest.raises(ConfigError, match="4CAT takes 20 annotation fields, and the codebook has 21"):
        find("sheets", "4cat")().write(SHEET._replace(codebook=Codebook(name="x", questions=many)), tmp_path / "x.csv")
