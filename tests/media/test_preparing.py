"""What `media:` of a dataset makes of its files: parts in order, each saying what it was made from."""

import sqlite3
import sys
from contextlib import closing
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from making_media import film, pdf, picture, written
from PIL import Image

from buttermilk.core.errors import ConfigError, MissingExtra
from buttermilk.core.records import DatasetSpec, Origin, Part, Preparation, Record, Reject
from buttermilk.media.preparing import prepared
from buttermilk.stores.blobs import LocalBlobs
from buttermilk.study.opening import open_study
from scholar import Scholar

KINDS = {".png": "image", ".jpg": "image", ".mp4": "video", ".pdf": "pdf", ".mp3": "audio"}


class Desk:
    """A folder of files, and what becomes of them by rules."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = LocalBlobs(folder / "blobs")

    def part(self, name: str, data: bytes, **more: Any) -> Part:
        file = self.folder / name
        if data:
            file.write_bytes(data)
        kind = KINDS[file.suffix]
        blob = sha256(file.read_bytes()).hexdigest()
        return Part.model_validate({"kind": kind, "blob": blob, "path": str(file), "media_type": f"{kind}/x", **more})

    def prepare(self, rules: dict[str, Any], *parts: Part) -> Record | Reject:
        record = Record(record_id="r1", parts=(Part(text="A letter."), *parts))
        (made,) = prepared([record], Preparation.model_validate(rules), self.blobs.keep)
        return made

    def made(self, rules: dict[str, Any], *parts: Part) -> tuple[Part, ...]:
        """The parts after the first, which is text and stays as it is."""
        made = self.prepare(rules, *parts)
        assert isinstance(made, Record), made
        assert made.parts[0] == Part(text="A letter.")
        return made.parts[1:]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_picture_is_made_small_kept_by_its_bytes_and_says_where_it_is_from(desk: Desk) -> None:
    given = desk.part("scan.png", picture((400, 200)), alt="two halves", role="caption")
    (made,) = desk.made({"image": {"longest_side": 40}}, given)
    assert Image.open(BytesIO(desk.blobs.read(str(made.blob)))).size == (40, 20)
    assert (made.kind, made.media_type, made.alt, made.role) == ("image", "image/png", "two halves", "caption")
    assert made.path == given.path
    assert made.origin is not None
    assert (made.origin.blob, made.origin.how) == (given.blob, "40 × 20 pixels")
    assert made.origin.by.startswith("Pillow ")


def test_what_no_rule_names_stays_as_it_is(desk: Desk) -> None:
    parts = (desk.part("a.png", picture()), desk.part("a.pdf", pdf("x")), desk.part("a.mp3", b"ID3\x03"))
    assert desk.made({"video": {"frames": 2}}, *parts) == parts
    assert desk.made({}, *parts) == parts


def test_what_lies_at_an_address_stays_there_and_a_rule_for_it_is_no_record(desk: Desk) -> None:
    seen = Part(kind="image", url="https://example.org/1.png", media_type="image/png")
    assert desk.made({"video": {"frames": 2}}, seen) == (seen,)
    for rules in ({"image": {}}, {"ocr": ["eng"]}):
        reject = desk.prepare(rules, seen)
        assert isinstance(reject, Reject)
        assert reject.why.startswith("'https://example.org/1.png': an address is not fetched here")


def test_a_film_becomes_its_frames_in_order_and_its_sound(desk: Desk) -> None:
    given = desk.part(film(desk.folder / "clip.mp4").name, b"", alt="a test pattern")
    made = desk.made({"video": {"frames": 3, "audio": True}, "image": {"longest_side": 32}}, given)
    assert [part.kind for part in made] == ["image", "image", "image", "audio"]
    assert [part.role for part in made] == ["frame", "frame", "frame", "sound"]
    origins = [part.origin.how for part in made if part.origin]
    assert origins == ["frame at 0.667 s", "frame at 2 s", "frame at 3.333 s", "sound"]
    assert [part.alt for part in made] == ["a test pattern", *(f"the same: {how}" for how in origins[1:])]
    assert made[3].media_type == "audio/mpeg"
    assert max(Image.open(BytesIO(desk.blobs.read(str(made[0].blob)))).size) == 32


def test_only_the_sound_of_a_film_may_be_wanted(desk: Desk) -> None:
    given = desk.part(film(desk.folder / "clip.mp4", seconds=1).name, b"")
    (made,) = desk.made({"video": {"audio": "wav"}}, given)
    assert (made.kind, made.media_type, made.alt) == ("audio", "audio/wav", None)
    silent = desk.part(film(desk.folder / "silent.mp4", seconds=1, sound=None).name, b"")
    refused = desk.prepare({"video": {"audio": True}}, silent)
    assert isinstance(refused, Reject)
    assert "it has no sound" in refused.why


def test_pages_become_pictures_or_text(desk: Desk) -> None:
    given = desk.part("letter.pdf", pdf("Dear Ana,", "", "Yours, Ben"))
    shown = desk.made({"pdf": {"pages": "images"}, "image": {"longest_side": 90}}, given)
    assert [(part.kind, part.role, part.origin and part.origin.how) for part in shown] == [
        ("image", "page", "page 1"),
        ("image", "page", "page 2"),
        ("image", "page", "page 3"),
    ]
    told = desk.made({"pdf": {"pages": "text"}}, given)
    assert [(part.text, part.origin and part.origin.how) for part in told] == [
        ("Dear Ana,", "text of page 1"),
        ("Yours, Ben", "text of page 3"),
    ]


def test_a_scan_has_no_text_layer_and_is_refused_rather_than_empty(desk: Desk) -> None:
    refused = desk.prepare({"pdf": {"pages": "text"}}, desk.part("scan.pdf", pdf("", "")))
    assert isinstance(refused, Reject)
    assert (refused.where, refused.column) == ("record 'r1'", "media")
    assert refused.why == (
        "'scan.pdf': the PDF holds pictures of pages and no text. Set pdf: {pages: images}, ocr: [eng]."
    )


def test_words_in_a_picture_stand_for_it_or_beside_it(desk: Desk) -> None:
    given = desk.part("sign.png", written("Quiet rivers sing"))
    (stands,) = desk.made({"ocr": ["eng"]}, given)
    assert (stands.alt, stands.blob) == ("Quiet rivers sing", given.blob)
    assert stands.origin is not None
    assert stands.origin.how == "words in the picture (eng)"
    small, beside = desk.made({"ocr": {"languages": ["eng"], "into": "text"}, "image": {"longest_side": 90}}, given)
    assert (small.alt, small.kind, beside.text, beside.role) == (None, "image", "Quiet rivers sing", "ocr")
    assert beside.origin is not None
    assert beside.origin.by.startswith("tesseract ")


def test_words_that_a_person_gave_are_not_replaced_by_a_machines(desk: Desk) -> None:
    given = desk.part("sign.png", written("Quiet rivers sing"), alt="a sign")
    assert desk.made({"ocr": ["eng"]}, given) == (given,)


def test_a_picture_without_words_stays_without(desk: Desk) -> None:
    given = desk.part("plain.png", picture((200, 100)))
    assert desk.made({"ocr": ["eng"]}, given) == (given,)
    assert desk.made({"ocr": {"languages": ["eng"], "into": "text"}}, given) == (given,)


def test_small_print_of_a_page_is_read_before_the_page_is_made_small(desk: Desk) -> None:
    given = desk.part("letter.pdf", pdf("Quiet rivers sing"))
    (made,) = desk.made({"pdf": {}, "ocr": ["eng"], "image": {"longest_side": 40}}, given)
    assert made.alt == "Quiet rivers sing"
    assert Image.open(BytesIO(desk.blobs.read(str(made.blob)))).size == (40, 27)


@pytest.mark.parametrize(
    ("name", "data", "rules"),
    [
        ("bad.png", picture((400, 400))[:500], {"image": {}}),
        ("bad.mp4", b"no film", {"video": {"frames": 2}}),
        ("bad.pdf", pdf("a", encrypted=True), {"pdf": {}}),
        ("bad.pdf", pdf("a", repeat=300), {"pdf": {"pages": "text"}}),
    ],
)
def test_what_cannot_be_prepared_is_a_reject_that_names_the_file(
    desk: Desk, name: str, data: bytes, rules: dict[str, Any]
) -> None:
    refused = desk.prepare(rules, desk.part(name, data))
    assert isinstance(refused, Reject)
    assert refused.why.startswith(f"'{name}': ")
    assert str(desk.folder) not in refused.why


def test_rejects_and_texts_pass_by(desk: Desk) -> None:
    items = [Reject(where="row 2", why="empty"), Record(record_id="v", parts=(Part(text="x"),))]
    assert list(prepared(items, Preparation(), desk.blobs.keep)) == items


def test_a_language_that_is_missing_stops_everything_before_the_first_record(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="has no language 'xxx'"):
        desk.prepare({"ocr": ["xxx"]}, desk.part("a.png", picture()))


def test_where_a_part_came_from_is_no_identity_and_one_that_was_not_made_says_nothing_of_it() -> None:
    plain = Part(text="x")
    assert "origin" not in plain.model_dump_json()
    made = plain.model_copy(update={"origin": Origin(blob="0" * 64, how="text of page 1")})
    assert Part.model_validate_json(made.model_dump_json()) == made
    assert made.identity == plain.identity


@pytest.mark.parametrize(
    "rules",
    [{"video": {}}, {"video": {"frames": 2, "every_seconds": 3}}, {"video": {"frames": 0}}, {"ocr": []}, {"imge": {}}],
)
def test_rules_that_say_nothing_or_two_things_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Preparation.model_validate(rules)


# ---- in a study

DATASET = """
type: csv
path: data/memes.csv
columns: {id: id, text: text, media: file}
media: MEDIA
"""
FLOW = """
dataset: memes
steps:
  judge: {prompt: judge, codebook: sentiment, agents: [reader_a]}
"""


@pytest.fixture
def memes(scholar: Scholar) -> Scholar:
    """One picture with a text, and a flow that asks about it."""
    scholar.writes("conf/dataset/memes.yaml", DATASET.replace("MEDIA", "{image: {longest_side: 20}, ocr: [eng]}"))
    scholar.writes("conf/flow/memes.yaml", FLOW)
    scholar.writes("data/memes.csv", "id,text,file\nm1,ha,1.png\n")
    (scholar.folder / "data" / "1.png").write_bytes(written("Quiet rivers sing"))
    return scholar


def records(scholar: Scholar) -> list[Record]:
    study = open_study(scholar.folder, "memes")
    try:
        refs = [ref for page in study.store.refs(study.dataset.fingerprint) for ref in page]
        return list(study.store.records([ref.record_hash for ref in refs]).values())
    finally:
        study.close()


def test_a_study_keeps_what_was_made_and_asks_about_that(memes: Scholar) -> None:
    (record,) = records(memes)
    text, image = record.parts
    assert (text.text, image.alt, image.path) == ("ha", "Quiet rivers sing", "data/1.png")
    blobs = LocalBlobs(memes.folder / ".buttermilk" / "blobs")
    assert Image.open(BytesIO(blobs.read(str(image.blob)))).size == (20, 4)
    assert memes.types("run", "memes").counts["remaining"] == 0


def test_other_rules_make_another_dataset_and_the_same_rules_make_nothing_again(memes: Scholar) -> None:
    (before,) = records(memes)
    (memes.folder / ".buttermilk" / "blobs").rename(memes.folder / "elsewhere")
    assert records(memes) == [before]
    assert not (memes.folder / ".buttermilk" / "blobs").exists()
    memes.changes("conf/dataset/memes.yaml", "longest_side: 20", "longest_side: 30")
    (after,) = records(memes)
    assert after.content_hash != before.content_hash


def test_a_picture_that_is_damaged_stops_the_run_and_names_itself(memes: Scholar) -> None:
    (memes.folder / "data" / "1.png").write_bytes(written("Quiet rivers sing")[:900])
    said = memes.types("plan", "memes", code=2)
    assert "'1.png': the picture is damaged or cut off" in said.err
    memes.changes("data/memes.csv", "m1,ha,1.png", "m1,ha,1.png\nm2,hm,")
    assert memes.types("plan", "memes", "data.rejects=skip", code=0)
    assert "record 'm1',media,'1.png'" in memes.reads(".buttermilk/rejects/memes.csv").replace('"', "").replace(
        "''", "'"
    )


def test_a_mistyped_rule_is_told_with_what_there_is(memes: Scholar) -> None:
    memes.changes("conf/dataset/memes.yaml", "longest_side", "longest_sid")
    said = memes.types("plan", "memes", code=2)
    assert "longest_sid" in said.err
    assert "longest_side" in said.err


def test_a_dataset_that_prepares_nothing_has_the_fingerprint_it_always_had(scholar: Scholar) -> None:
    scholar.types("plan", "verse")
    with closing(sqlite3.connect(scholar.store)) as connection:
        bodies = [row[0] for row in connection.execute("SELECT body FROM records")]
    assert bodies
    assert not any("origin" in str(body) for body in bodies)
    assert DatasetSpec(name="a", type="csv", path="x").media is None


def test_where_the_library_is_missing_the_command_that_brings_it_is_told(
    memes: Scholar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)  # an import of it fails from here on
    for name in ("preparing", "images"):
        monkeypatch.delitem(sys.modules, f"buttermilk.media.{name}", raising=False)
        monkeypatch.delattr(f"buttermilk.media.{name}", raising=False)
    with pytest.raises(MissingExtra, match=r"`media` in conf/dataset/memes\.yaml needs") as caught:
        records(memes)
    assert "buttermilk[media]" in str(caught.value)
