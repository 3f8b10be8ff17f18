"""Label Studio: a JSON list of tasks, the labelling configuration beside it, and its JSON export back.

    [{"data": {"record_id": "v7", "text": "…"},
      "annotations": [{"completed_by": 3, "result": [
          {"from_name": "sentiment", "to_name": "text", "type": "choices", "value": {"choices": ["negative"]}}]}]}]

Only annotations are read: predictions are a machine's, and an annotation with `was_cancelled` was skipped. Where a task
holds predictions, its annotator may have seen them, and the label is not blind.

https://labelstud.io/guide/task_format, https://labelstud.io/guide/export, https://labelstud.io/tags/choices
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

from buttermilk.core.flows import Codebook
from buttermilk.core.sheets import Sheet, Told
from buttermilk.documents.whole import whole
from buttermilk.sheets.controls import Control, controls, listed, plain_name, write_json
from buttermilk.sheets.rows import moment

SAID = {"choices": "choices", "number": "number", "textarea": "text"}


class LabelStudioSheets:
    suffix: ClassVar[str] = ".json"

    def write(self, sheet: Sheet, target: Path) -> Sequence[Path]:
        of = {"coder": sheet.coder, "sample": sheet.sample}
        shown = [{plain_name(name): said for name, said in card.shown.items()} for card in sheet.cards]
        about = zip(shown, sheet.cards, strict=True)
        write_json([{"data": {**texts, "record_id": card.record_id, **of}} for texts, card in about], target)
        config = target.with_suffix(".xml")
        with whole(config) as path:
            path.write_text(labelling(sheet), encoding="utf-8")
        return [target, config]

    def read(self, file: Path, codebook: Codebook) -> Iterator[Told]:
        known = controls(codebook)
        tasks = listed(file, lambda task: "annotations" in task, "Export the project as JSON.")
        for number, task in enumerate(tasks, 1):
            where, data = f"{file.name} task {task.get('id', number)}", task.get("data") or {}
            for annotation in task["annotations"]:
                if not annotation.get("was_cancelled"):
                    blind = not (task.get("predictions") or annotation.get("prediction"))
                    yield from _told(known, where, data, annotation, blind)


def _told(
    known: Mapping[str, Control], where: str, data: Mapping[str, Any], annotation: Mapping[str, Any], blind: bool
) -> Iterator[Told]:
    by = annotation.get("completed_by") or ""
    coder = str(by.get("email") or by.get("id") if isinstance(by, Mapping) else by)
    at = moment(annotation.get("updated_at") or annotation.get("created_at"))
    for item in annotation.get("result") or ():
        name, kind = str(item.get("from_name")), SAID.get(str(item.get("type")))
        control = known.get(name)
        of, sample = str(data.get("record_id", "")), str(data.get("sample", ""))
        if control is None or kind is None:
            yield Told(where, name, of, name, coder=coder)
            continue
        for path, answer in control.answers(item.get("value", {}).get(kind)):
            yield Told(where, name, of, path, answer, coder, sample, at=at, blind=blind)


def labelling(sheet: Sheet) -> str:
    """The configuration that is pasted under Settings, Labeling Interface, Code."""
    view = ElementTree.Element("View")
    for name in sheet.columns:
        if name != "text":
            ElementTree.SubElement(view, "Header", value=f"{name}: ${plain_name(name)}", size="5")
    ElementTree.SubElement(view, "Text", name="text", value="$text")
    for control in controls(sheet.codebook).values():
        ElementTree.SubElement(view, "Header", value=control.ask)
        _control(view, control)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _control(view: ElementTree.Element, control: Control) -> None:
    given = {"name": control.name, "toName": "text", "required": str(control.required).lower()}
    if control.kind == "text":
        ElementTree.SubElement(view, "TextArea", given | {"maxSubmissions": "1", "rows": "2"})
    elif control.kind == "number":
        edges = (("min", control.question.minimum), ("max", control.question.maximum))
        ElementTree.SubElement(view, "Number", given | {name: f"{edge:g}" for name, edge in edges if edge is not None})
    else:
        choice = "multiple" if control.kind == "several" else "single"
        choices = ElementTree.SubElement(view, "Choices", given | {"choice": choice})
        for name, definition in control.choices:
            ElementTree.SubElement(choices, "Choice", {"value": name} | ({"hint": definition} if definition else {}))
