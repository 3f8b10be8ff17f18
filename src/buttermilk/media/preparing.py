"""What `media:` of a dataset asks for: one part of a record becomes the parts that its readers can take.

    media: {image: {longest_side: 1568}, video: {frames: 8, audio: true}, pdf: {pages: text}, ocr: [eng]}

It is done once, when the dataset is read in, and what was made is kept by its bytes: a later version of ffmpeg changes
no record that was asked about. Each part that was made says of which file, how and by which program (`Part.origin`).
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from buttermilk.core.errors import DataError
from buttermilk.core.records import OcrRule, Origin, Part, PdfRule, Preparation, Record, Reject, VideoRule
from buttermilk.media import pdf, video
from buttermilk.media.images import BY, Picture, normalised
from buttermilk.media.ocr import SIDE, TESSERACT, check_languages, words_in

Keep = Callable[[Path, str], None]
"""From a file and the SHA-256 of its bytes to a place where they stay."""


def prepared(found: Iterable[Record | Reject], rules: Preparation, keep: Keep) -> Iterator[Record | Reject]:
    """Records whose media are what the rules say. One that cannot be prepared is a Reject, with its file and why."""
    if rules.ocr:
        check_languages(rules.ocr.languages)
    for item in found:
        if isinstance(item, Reject) or not any(part.path or part.url for part in item.parts):
            yield item
            continue
        with TemporaryDirectory(prefix="buttermilk-media-") as folder:
            yield _Preparing(rules, keep, Path(folder)).record(item)


class _Preparing:
    """One record's media, with a folder to work in."""

    def __init__(self, rules: Preparation, keep: Keep, folder: Path) -> None:
        self.rules = rules
        self.keep = keep
        self.folder = folder

    def record(self, record: Record) -> Record | Reject:
        parts: list[Part] = []
        for part in record.parts:
            try:
                parts += self.parts(part)
            except DataError as error:
                name = part.url or Path(part.path or "").name
                why = " ".join(f"'{name}': {error.message} {error.hint}".split())
                return Reject(where=f"record '{record.record_id}'", column="media", why=why)
        return record.model_copy(update={"parts": tuple(parts)})

    def parts(self, part: Part) -> list[Part]:
        if part.url and (getattr(self.rules, part.kind, None) or (self.rules.ocr and part.kind == "image")):
            raise DataError("an address is not fetched here, so nothing can be made of it.", hint="Download the file.")
        if part.path is None or part.blob is None:
            return [part]
        file = Path(part.path)
        if part.kind == "video" and self.rules.video:
            return _in_words(part, self.film(part, file, self.rules.video))
        if part.kind == "pdf" and self.rules.pdf:
            return _in_words(part, self.pages(part, file, self.rules.pdf))
        return self.picture(part, file) if part.kind == "image" else [part]

    # ---- pictures

    def picture(self, part: Part, file: Path) -> list[Part]:
        read = self.read(part, lambda: normalised(file, SIDE).data, "words in the picture", self.rules.ocr)
        if self.rules.image is None:
            return self.with_words(part, read)
        made = normalised(file, self.rules.image.longest_side)
        how = f"{made.width} × {made.height} pixels{', the first of several pictures' if made.several else ''}"
        shown = self.medium(part, made, how, BY).model_copy(update={"role": part.role, "alt": part.alt})
        return self.with_words(shown, read)

    def read(self, part: Part, picture: Callable[[], bytes], how: str, rule: OcrRule | None) -> Part | None:
        """What is written in a picture as a part, where that is asked for and nobody has said it in words already."""
        if rule is None or (rule.into == "alt" and part.alt is not None):
            return None
        words = words_in(picture(), rule.languages)
        made = Origin(blob=str(part.blob), how=f"{how} ({'+'.join(rule.languages)})", by=TESSERACT.version)
        return Part(text=words, role="ocr", path=part.path, origin=made) if words else None

    def with_words(self, shown: Part, read: Part | None) -> list[Part]:
        if read is None:
            return [shown]
        if self.rules.ocr and self.rules.ocr.into == "text":
            return [shown, read]
        origin = shown.origin or read.origin
        return [shown.model_copy(update={"alt": read.text, "origin": origin})]

    # ---- films and PDFs

    def film(self, part: Part, file: Path, rule: VideoRule) -> Iterator[Part]:
        by = video.FFMPEG.version
        side = self.rules.image.longest_side if self.rules.image else 1568
        if rule.frames or rule.every_seconds:
            for frame in video.frames(file, rule.frames, rule.every_seconds, longest_side=side):
                how = f"frame at {frame.seconds:g} s"
                yield self.medium(part, Picture(frame.data, "image/jpeg", 0, 0), how, by, role="frame")
        if rule.audio:
            target = self.folder / "sound"
            media_type = video.audio(file, target, "wav" if rule.audio == "wav" else "mp3")
            if media_type:
                made = Origin(blob=str(part.blob), how="sound", by=by)
                yield self.kept(part, target, "audio", media_type, made, "sound")

    def pages(self, part: Part, file: Path, rule: PdfRule) -> Iterator[Part]:
        if rule.pages == "text":
            yield from self.layers(part, file, rule)
            return
        side = self.rules.image.longest_side if self.rules.image else 1568
        drawn = max(side, SIDE) if self.rules.ocr else side  # small print is read from a larger picture than is sent
        for number, page in enumerate(pdf.images(file, most=rule.most, longest_side=drawn), start=1):
            sent = normalised(page.data, side) if drawn > side else page
            shown = self.medium(part, sent, f"page {number}", pdf.BY, role="page")
            words = self.read(part, lambda data=page.data: data, f"words of page {number}", self.rules.ocr)  # type: ignore[misc]
            yield from self.with_words(shown, words)

    def layers(self, part: Part, file: Path, rule: PdfRule) -> Iterator[Part]:
        """The text layer of each page that has one. A PDF without any is a scan, and no empty text."""
        empty = True
        for number, text in enumerate(pdf.texts(file, most=rule.most), start=1):
            if text:
                empty = False
                made = Origin(blob=str(part.blob), how=f"text of page {number}", by=pdf.BY)
                yield Part(text=text, role="page", path=part.path, origin=made)
        if empty:
            raise DataError(
                "the PDF holds pictures of pages and no text.", hint="Set pdf: {pages: images}, ocr: [eng]."
            )

    # ---- keeping

    def medium(self, part: Part, made: Picture, how: str, by: str, role: str = "body") -> Part:
        target = self.folder / "picture"
        target.write_bytes(made.data)
        return self.kept(part, target, "image", made.media_type, Origin(blob=str(part.blob), how=how, by=by), role)

    def kept(self, part: Part, file: Path, kind: str, media_type: str, origin: Origin, role: str) -> Part:
        key = sha256(file.read_bytes()).hexdigest()
        self.keep(file, key)
        # `path` stays that of the file it was made from: what was made lies under its key already.
        given = {"kind": kind, "media_type": media_type, "blob": key, "path": part.path, "role": role, "origin": origin}
        return Part.model_validate(given)


def _in_words(part: Part, made: Iterable[Part]) -> list[Part]:
    """What stands for a film in words stands for its first frame; of the others it is said what they are."""
    parts = list(made)
    if not parts:
        raise DataError("nothing could be taken of it: it has no sound.")
    if part.alt is not None:
        for place, one in enumerate(parts):
            if one.kind != "text" and one.origin is not None:
                alt = f"the same: {one.origin.how}" if place else part.alt
                parts[place] = one.model_copy(update={"alt": alt})
    return parts
