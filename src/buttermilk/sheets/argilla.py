"""Argilla 2: `records.json` as `Dataset.records.from_json` takes it, and the `Settings` of the data set beside it.

    [{"id": "v7", "fields": {"text": "…"}, "metadata": {}, "suggestions": {}, "vectors": {}, "responses": {}}]

`rg.Settings.from_json(FILE.settings.json)`, then `dataset.records.from_json(FILE.json)`. Back comes the list of
`dataset.records.to_list(flatten=True)`, which says of each response whether it was submitted:

    [{"id": "v7", "text": "…", "sentiment.responses": ["negative"], "sentiment.responses.users": ["5c1…"],
      "sentiment.responses.status": ["submitted"]}]

`to_json` leaves that out (as of Argilla 2.8): its responses are taken of completed records alone, and the others named.
Suggestions are a machine's, and where a record has any, a label is not blind. Numbers are typed: a rating has whole
steps only.

https://docs.argilla.io/latest/how_to_guides/import_export, https://docs.argilla.io/latest/how_to_guides/dataset
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

from buttermilk.core.flows import Codebook
from buttermilk.core.sheets import Sheet, Told
from buttermilk.sheets.controls import Control, controls, listed, plain_name, write_json

FEW = 3  # labels: of fewer none may be hidden
WORDS = {"type": "text", "use_markdown": False}


class ArgillaSheets:
    suffix: ClassVar[str] = ".json"

    def write(self, sheet: Sheet, target: Path) -> Sequence[Path]:
        empty: dict[str, Any] = {"suggestions": {}, "responses": {}, "vectors": {}}
        of = {"metadata": {"coder": sheet.coder, "sample": sheet.sample}, **empty}
        records = [
            {"id": card.record_id, "fields": {plain_name(name): said for name, said in card.shown.items()}, **of}
            for card in sheet.cards
        ]
        write_json(records, target)
        settings = target.with_suffix(".settings.json")
        write_json(settings_of(sheet), settings)
        return [target, settings]

    def read(self, file: Path, codebook: Codebook) -> Iterator[Told]:
        known, hint = controls(codebook), "Write it as json.dump(dataset.records.to_list(flatten=True), file)."
        for number, record in enumerate(listed(file, is_record, hint), 1):
            suggested = record.get("suggestions") or any(key.endswith(".suggestion") for key in record)
            where, blind = f"{file.name} record {number}", not suggested
            of, sample = str(record.get("id", "")), (record.get("metadata") or record).get("sample", "")
            for name, value, user, status in _responses(record):
                if status is None:
                    yield Told(where, name, of, wrong=f"it does not say whether this was submitted. {hint}")
                elif status == "submitted":
                    told = known[name].answers(value) if name in known else [(name, value)]
                    yield from (Told(where, name, of, *one, user, str(sample), blind=blind) for one in told)


def is_record(one: Mapping[str, Any]) -> bool:
    """Nested, or flat."""
    return "responses" in one or any(key.endswith(".responses") for key in one) or ("_server_id" in one and "id" in one)


def _responses(record: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, str | None]]:
    """Question, value, user, and whether it was submitted: None where nobody can tell."""
    usual = "submitted" if record.get("status") == "completed" else None
    for name, responses in (record.get("responses") or {}).items():
        for one in responses:
            yield name, one.get("value"), str(one.get("user_id") or ""), one.get("status", usual)
    for key, values in record.items():
        if key.endswith(".responses"):
            users, states = record.get(f"{key}.users") or [], record.get(f"{key}.status") or []
            for value, user, state in zip_longest(values, users, states):
                yield key.removesuffix(".responses"), value, str(user or ""), state


def settings_of(sheet: Sheet) -> dict[str, Any]:
    fields = [
        {"name": plain_name(name), "title": name, "required": name == "text", "settings": WORDS}
        for name in sheet.columns
    ]
    asked = [_question(control) for control in controls(sheet.codebook).values()]
    more = {"vectors": [], "metadata": [], "allow_extra_metadata": True}
    return {"guidelines": guidelines(sheet.codebook), "questions": asked, "fields": fields, **more}


def guidelines(codebook: Codebook) -> str:
    """The codebook in Markdown."""
    parts = [f"# {codebook.title or codebook.name}"]
    for control in controls(codebook).values():
        labels = [f"- **{name}**{f': {means}' if means else ''}" for name, means in control.choices]
        parts.append("\n".join([f"## {control.ask}", *labels]))
    return "\n\n".join(parts)


def _question(control: Control) -> dict[str, Any]:
    settings: Mapping[str, Any] = WORDS
    if control.kind in ("one", "several"):
        options = [{"value": name, "text": name} for name, _ in control.choices]
        kind = "multi_label_selection" if control.kind == "several" else "label_selection"
        more = {"visible_options": len(options)} if len(options) >= FEW else {}
        settings = {"type": kind, "options": options, **more}
    return {"name": control.name, "title": control.ask, "required": control.required, "settings": settings}
