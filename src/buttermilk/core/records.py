"""Records: the immutable items of a dataset, and what is known of the dataset they are in."""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticSerializationError, to_json

from buttermilk.core.hashing import ID_LENGTH, digest, fingerprint
from buttermilk.core.values import Json, Value

Kind = Literal["text", "image", "audio", "video", "pdf"]
Policy = Literal["send", "never"]


class Origin(Value):
    """What a part was made from: `Origin(blob="3f2a…", how="frame at 2.5 s of 20 s", by="ffmpeg 7.1")`."""

    blob: str = Field(description="SHA-256 of the file it was made from")
    how: str
    by: str = ""


class Part(Value):
    """One piece of a record: text in `text`, or media as the SHA-256 of its bytes in `blob`, or where the model finds
    them in `url`: `https://example.org/1.jpg`, `gs://bucket/1.jpg`. What lies there is the vendor's to fetch, not ours.

    `alt` is the text alternative an agent is given that cannot take the media; `role` says what the part is in the
    record: `body`, `title`, `caption`, `transcript`, `frame`, `sound`, `page`, `ocr`. `path` is where the bytes were
    read, `origin` what they were made from: no identity. A part without `url` or `origin` has none in its JSON either.
    """

    kind: Kind = "text"
    text: str | None = None
    blob: str | None = Field(default=None, description="SHA-256 of the bytes, 64 hexadecimal digits")
    url: str | None = Field(default=None, pattern=r"^(https|gs)://", exclude_if=lambda url: url is None)
    media_type: str = "text/plain"
    alt: str | None = None
    role: str = "body"
    path: str | None = None
    origin: Origin | None = Field(default=None, exclude_if=lambda origin: origin is None)

    @model_validator(mode="after")
    def _text_or_media(self) -> "Part":
        if self.kind == "text" and self.text is None:
            raise ValueError("a text part needs its text")
        if self.kind != "text" and (self.blob is None) == (self.url is None):
            raise ValueError(f"a part of kind {self.kind} needs the SHA-256 of its bytes in `blob`, or else a `url`")
        return self

    @property
    def identity(self) -> tuple[str | None, ...]:
        """The content, without where it was found."""
        found = (self.kind, self.text, self.blob, self.media_type, self.alt, self.role)
        return (*found, self.url) if self.url else found


class HumanLabel(Value):
    """What one named person answered to one question about the record. Never shown to an agent."""

    question: str
    value: str | int | float | bool
    coder: str = "human"


class Record(Value):
    """One item: ordered parts, metadata (columns nobody mapped are kept), labels by named coders.

    `Record(record_id="v1", parts=(Part(text="of inward strife for truth and liberty."),), metadata={"row": 5})`
    """

    record_id: str = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)
    metadata: Mapping[str, Json] = Field(default_factory=dict)
    labels: tuple[HumanLabel, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        """Of parts and metadata: labels may come later and change nothing that was asked."""
        return self.seen_hash(self.metadata.keys())

    @cached_property
    def record_hash(self) -> str:
        """Of all of it, labels and coders too: the key it is stored under."""
        return digest(self.model_dump_json())

    def seen_hash(self, columns: Collection[str]) -> str:
        """Of what an agent may see: the parts, and the metadata columns that may be sent."""
        kept = {name: item for name, item in self.metadata.items() if name in columns}
        parts = [part.identity for part in self.parts]
        if kept:
            return fingerprint([parts, kept])
        try:
            return digest(to_json(parts))  # lists are canonical as they are; this is done for every record that is read
        except PydanticSerializationError:
            return fingerprint(parts)

    @property
    def text(self) -> str:
        """Its text parts, a blank line between them."""
        return "\n\n".join(part.text for part in self.parts if part.text is not None)

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of part have no words to stand in for them: `{"text", "image"}`."""
        return frozenset(part.kind for part in self.parts if part.kind == "text" or part.alt is None)

    def label(self, question: str) -> "str | int | float | bool | None":
        """The first human label for a question, where there is one."""
        return next((label.value for label in self.labels if label.question == question), None)


def id_from_content(parts: tuple[Part, ...], metadata: Mapping[str, Json]) -> str:
    """The id of a record that came without one: the same text has the same id, for ever."""
    return fingerprint([[part.identity for part in parts], dict(metadata)])[: ID_LENGTH // 2]


class Reject(Value):
    """A row that is no record, and why: it is written to the rejects file and counted, never mended by guesswork."""

    where: str = Field(description="file and row: `verse.csv row 17`")
    column: str = ""
    why: str
    content: str = Field(default="", description="the row as it was read, cut at 500 characters")


class RecordRef(NamedTuple):
    """A record in a plan: enough to name its jobs without its text. `record_hash` is its key in the store."""

    record_id: str
    record_hash: str
    seen_hash: str


class Columns(Value):
    """Which column is what. Columns that are not named are kept as metadata.

    `labels` maps a codebook question to a column, or to several, one per coder: `{"tone": {"ana": "tone_ana"}}`.
    """

    id: str | None = None
    text: str | None = None
    title: str | None = None
    media: str | None = Field(
        default=None, description="a column of file paths, relative to the table, or of https:// and gs:// addresses"
    )
    alt: str | None = Field(default=None, description="a column of text alternatives for the media")
    labels: Mapping[str, str | Mapping[str, str]] = Field(default_factory=dict)
    drop: tuple[str, ...] = Field(default=(), description="columns that are not kept at all")


class ImageRule(Value):
    """Pictures: upright, no longer than this on a side, encoded anew as JPEG or PNG without what a camera adds."""

    longest_side: int = Field(default=1568, ge=16, le=16_384)


class VideoRule(Value):
    """Films: `frames` evenly spaced, or one every so many seconds; and their sound."""

    frames: int | None = Field(default=None, ge=1, le=1_000)
    every_seconds: float | None = Field(default=None, gt=0)
    audio: Literal[False, True, "mp3", "wav"] = Field(default=False, description="true is mp3")

    @model_validator(mode="after")
    def _one_of_both(self) -> "VideoRule":
        if self.frames is not None and self.every_seconds is not None:
            raise ValueError("say `frames` or `every_seconds`, not both")
        if not (self.frames or self.every_seconds or self.audio):
            raise ValueError("say what to take of a film: `frames: 8`, `every_seconds: 10`, `audio: true`")
        return self


class PdfRule(Value):
    """PDFs: each page as a picture, or the words of its text layer."""

    pages: Literal["images", "text"] = "images"
    most: int = Field(default=200, ge=1, le=10_000, description="a PDF of more pages is no record")


class OcrRule(Value):
    """Words in pictures, read by tesseract: as the text alternative of a picture that has none, or as a text part."""

    languages: tuple[str, ...] = Field(min_length=1, description="as tesseract names them: eng, deu, grc")
    into: Literal["alt", "text"] = "alt"


def _languages(value: Any) -> Any:
    """`ocr: [eng, deu]` is short for `ocr: {languages: [eng, deu]}`."""
    return {"languages": value} if isinstance(value, list | tuple) else value


class Preparation(Value):
    """What is made of media when they are read in. What is not named stays as it is."""

    image: ImageRule | None = None
    video: VideoRule | None = None
    pdf: PdfRule | None = None
    ocr: Annotated[OcrRule | None, BeforeValidator(_languages)] = None


class DatasetSpec(Value):
    """What `conf/dataset/NAME.yaml` says: where the records are, how they are read, what may be sent.

    `path` is relative to the study. `policy` is per column; text and media are sent, a column that is not named never.
    """

    name: str
    type: str
    path: str
    columns: Columns = Columns()
    options: Mapping[str, Json] = Field(
        default_factory=dict, description="of the source: delimiter, encoding, sheet, pattern"
    )
    policy: Mapping[str, Policy] = Field(default_factory=dict)
    media: Preparation | None = Field(default=None, description="what is made of images, films and PDFs at ingest")
    limit: int | None = Field(default=None, ge=1, description="only the first so many records")
    rejects: Literal["stop", "skip"] = Field(default="stop", description="what to do where a row is no record")
    source: str = ""
    licence: str = ""
    consent: str = ""
    sensitivity: str = ""
    version: str = ""

    @property
    def sent(self) -> frozenset[str]:
        """The metadata columns that may leave with a question."""
        return frozenset(name for name, rule in self.policy.items() if rule == "send")


class Dataset(Value):
    """A named collection as it was read: `fingerprint` is that of its records with their labels, in order."""

    name: str
    fingerprint: str
    records: int
    columns: Mapping[str, int] = Field(default_factory=dict, description="metadata column -> how many records have it")
    kinds: Mapping[str, int] = Field(
        default_factory=dict, description="kind of part -> how many records have one without words"
    )
    addresses: Mapping[str, str] = Field(
        default_factory=dict, description="media by address, 'image https' -> the first record that has such"
    )
    labelled: Mapping[str, int] = Field(
        default_factory=dict, description="question -> how many records carry a human label"
    )
    rejects: tuple[Reject, ...] = Field(default=(), description="the first hundred")
    rejected: int = 0
    spec: DatasetSpec
