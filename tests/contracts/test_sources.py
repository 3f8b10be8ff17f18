"""What every source promises. A new source adds a line to `WRITERS`, which writes its file, and is held to it."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from buttermilk.core.contracts import Source
from buttermilk.core.errors import ConfigError, DataError
from buttermilk.core.records import Columns, DatasetSpec, Part, Record, Reject
from buttermilk.plugins import find, names

Rows = list[dict[str, Any]]
VERSES: Rows = [
    {"id": "v1", "text": "of inward strife for truth and liberty.", "tone": "mixed"},
    {"id": "v2", "text": "Nähe des Geliebten — “Ich denke dein”,\nwenn mir der Sonne Schimmer", "tone": "positive"},
    {"id": "v3", "text": "System: {{ 7*7 }} </s> \u202eright to left", "tone": "negative"},
]


def delimited(mark: str) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=mark, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    return write


def jsonl(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def xlsx(path: Path, rows: Rows) -> None:
    book = Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(path)


def parquet(path: Path, rows: Rows) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def folder(path: Path, rows: Rows) -> None:
    """A text file each; what else a row holds is in the table beside the folder."""
    path.mkdir(exist_ok=True)
    for row in rows:
        (path / f"{row['id']}.txt").write_text(row["text"], encoding="utf-8")
    about = [{"file": f"{row['id']}.txt", **{k: v for k, v in row.items() if k not in ("id", "text")}} for row in rows]
    delimited(",")(path.parent / "about.csv", about)


WRITERS: dict[str, Callable[[Path, Rows], None]] = {
    "csv": delimited(","),
    "tsv": delimited("\t"),
    "jsonl": jsonl,
    "ndjson": jsonl,
    "xlsx": xlsx,
    "parquet": parquet,
    "folder": folder,
}
ALL = names("sources")


class Corner:
    """A study's folder with one dataset of a type in it."""

    def __init__(self, kind: str, root: Path) -> None:
        self.kind, self.root = kind, root
        self.path = root / f"verses.{kind}"

    def write(self, rows: Rows) -> "Corner":
        assert self.kind in WRITERS, f"add a line for '{self.kind}' to WRITERS, so that its promises can be seen"
        WRITERS[self.kind](self.path, rows)
        return self

    def source(self, **changes: Any) -> Source:
        spec = DatasetSpec(
            name="verses", type=self.kind, path=self.path.name, columns=Columns(labels={"tone": {"ana": "tone"}})
        )
        options = {"metadata": "about.csv"} if self.kind == "folder" else {}
        options |= changes.pop("options", {})
        source: Source = find("sources", self.kind)(spec.model_copy(update={"options": options, **changes}), self.root)
        return source


@pytest.fixture(params=ALL)
def corner(request: pytest.FixtureRequest, tmp_path: Path) -> Corner:
    return Corner(request.param, tmp_path)


def kept(items: Iterator[Record | Reject]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def refused(items: Iterator[Record | Reject]) -> list[Reject]:
    return [item for item in items if isinstance(item, Reject)]


def test_a_source_walks_through_the_door(corner: Corner) -> None:
    assert isinstance(corner.write(VERSES).source(), Source)


def test_rows_become_records_in_their_order_with_text_and_labels_as_they_were(corner: Corner) -> None:
    records = kept(corner.write(VERSES).source().records())
    assert [record.record_id for record in records] == ["v1", "v2", "v3"]
    assert [record.text for record in records] == [row["text"] for row in VERSES]
    assert [record.label("tone") for record in records] == ["mixed", "positive", "negative"]
    assert {label.coder for record in records for label in record.labels} == {"ana"}


def test_reading_twice_gives_the_same_records(corner: Corner) -> None:
    source = corner.write(VERSES).source()
    once, twice = list(source.records()), list(source.records())
    assert once == twice
    assert [r.content_hash for r in once if isinstance(r, Record)] == [r.content_hash for r in kept(iter(twice))]


def test_records_are_given_one_at_a_time(corner: Corner) -> None:
    records = corner.write(VERSES).source().records()
    assert isinstance(records, Iterator)
    first = next(records)
    assert isinstance(first, Record)
    assert first.parts[0] == Part(text=VERSES[0]["text"])


def test_the_fingerprint_stays_while_nothing_changes(corner: Corner) -> None:
    corner.write(VERSES)
    assert corner.source().fingerprint() == corner.source().fingerprint()


def test_one_changed_character_changes_the_fingerprint(corner: Corner) -> None:
    before = corner.write(VERSES).source().fingerprint()
    changed = [VERSES[0] | {"text": "of inward strife for truth and liberty!"}, *VERSES[1:]]
    assert corner.write(changed).source().fingerprint() != before


def test_reading_it_otherwise_changes_the_fingerprint_and_owning_it_does_not(corner: Corner) -> None:
    source = corner.write(VERSES).source()
    assert corner.source(columns=Columns()).fingerprint() != source.fingerprint()
    assert corner.source(limit=2).fingerprint() != source.fingerprint()
    assert corner.source(licence="CC BY 4.0", sensitivity="low").fingerprint() == source.fingerprint()


def test_a_row_without_text_is_named_and_the_others_are_read(corner: Corner) -> None:
    rows = [VERSES[0], VERSES[1] | {"text": " "}, VERSES[2]]
    items = list(corner.write(rows).source().records())
    (reject,) = refused(iter(items))
    assert reject.where.startswith(corner.path.name)
    assert "no text" in reject.why
    assert [record.record_id for record in kept(iter(items))] == ["v1", "v3"]


def test_an_empty_cell_is_no_label(corner: Corner) -> None:
    rows = [VERSES[0] | {"tone": ""}, VERSES[1]]
    assert [record.labels == () for record in kept(corner.write(rows).source().records())] == [True, False]


def test_a_limit_counts_records(corner: Corner) -> None:
    rows = [VERSES[0] | {"text": ""}, *VERSES[1:]]
    items = list(corner.write(rows).source(limit=1).records())
    assert [record.record_id for record in kept(iter(items))] == ["v2"]


def test_a_mistyped_option_is_refused_when_the_source_is_made(corner: Corner) -> None:
    corner.write(VERSES)
    with pytest.raises(ConfigError, match=r"conf/dataset/verses.yaml: 'encodign' is not an option"):
        corner.source(options={"encodign": "utf-8"})


def test_a_mistyped_column_names_those_there_are(corner: Corner) -> None:
    corner.write(VERSES)
    with pytest.raises(DataError, match=r"(?s)no column 'tome' \(columns.labels.tone\).*Did you mean 'tone'\?"):
        list(corner.source(columns=Columns(labels={"tone": "tome"})).records())


def test_a_missing_file_is_answered_with_the_nearest_name(corner: Corner) -> None:
    corner.write(VERSES)
    with pytest.raises(DataError, match=r"(?s)no such (file|folder).*Did you mean 'verses\."):
        list(corner.source(path=f"verse.{corner.kind}").records())
    with pytest.raises(DataError, match="no such"):
        corner.source(path=f"verse.{corner.kind}").fingerprint()
