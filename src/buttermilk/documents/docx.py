"""The words of a .docx, read as a stream: no entity is expanded, no bomb unpacked, nothing fetched."""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar
from xml.etree import ElementTree

from buttermilk.core.errors import DataError

MOST_BYTES = 100 * 1024 * 1024  # of one unpacked part of a .docx
MOST_RATIO = 200  # unpacked to packed: prose is near 5, a bomb near 1000
DEEPEST_LIST = 8
LAST_LETTER = 400  # a list that counts in letters or Roman numerals goes on in figures after this


def docx_text(data: bytes, where: str = "") -> str:
    """The words of a .docx, a line per paragraph: tables with a tab between cells, lists with the numbers Word shows.

    Deleted passages, headers, footers, notes and comments are not read. Raises DataError.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            lists, styles = _Lists(where), _Styles(where)
            _parse(archive, "word/numbering.xml", lists)
            _parse(archive, "word/styles.xml", styles)
            words = _Words(where, lists, styles.numbered)
            if not _parse(archive, "word/document.xml", words):
                raise DataError("this file holds no Word document.", where=where, hint="Save it again as .docx.")
    except zipfile.BadZipFile as error:
        hint = "If it is an older .doc, open it and save it as .docx."
        raise DataError(f"this is no .docx file, or it is damaged ({error}).", where=where, hint=hint) from error
    except (ElementTree.ParseError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        hint = "Open it in your word processor, without a password, and save it again."
        raise DataError(f"this .docx file cannot be read ({error}).", where=where, hint=hint) from error
    return "\n".join(words.blocks[0]).strip("\n")


def _parse(archive: zipfile.ZipFile, name: str, target: "_Part") -> bool:
    """Feed one part of the package to its reader in pieces. False where the package has no such part."""
    if name not in archive.namelist():
        return False
    entry = archive.getinfo(name)
    swollen = entry.file_size > 1024 * 1024 and entry.file_size > MOST_RATIO * max(entry.compress_size, 1)
    if entry.file_size > MOST_BYTES or swollen:
        size = entry.file_size // (1024 * 1024)
        raise DataError(f"this .docx file unpacks to {size} MB, like a bomb, and was not opened.", where=target.where)
    parser = ElementTree.XMLParser(target=target)  # noqa: S314  (its target refuses a DOCTYPE, so no entity is declared)
    with archive.open(entry) as stream:
        while piece := stream.read(65536):
            parser.feed(piece)
    parser.close()
    return True


def _local(name: str) -> str:
    return name.rpartition("}")[2]


class _Part:
    """Listens to the elements of one part, by their names without namespaces."""

    def __init__(self, where: str) -> None:
        self.where = where

    def doctype(self, *_: object) -> None:
        raise DataError("this .docx file declares XML entities, which no word processor writes.", where=self.where)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.begin(_local(tag), {_local(name): value for name, value in attributes.items()})

    def end(self, tag: str) -> None:
        self.finish(_local(tag))

    def begin(self, name: str, values: Mapping[str, str]) -> None: ...
    def finish(self, name: str) -> None: ...
    def data(self, text: str) -> None: ...
    def close(self) -> None: ...


class _Styles(_Part):
    """Which paragraph styles are numbered: `{"ListNumber": ("3", 0)}`."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.numbered: dict[str, tuple[str, int]] = {}
        self._style = ""

    def begin(self, name: str, values: Mapping[str, str]) -> None:
        if name == "style":
            self._style = values.get("styleId", "")
        elif name == "numId":
            self.numbered[self._style] = (values.get("val", "0"), 0)


class _Lists(_Part):
    """The numbering that Word shows and does not write into the text: `1.`, `b)`, `2.1`, a bullet."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self._formats: dict[tuple[str, int], dict[str, str]] = {}
        self._abstract: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._here: tuple[str, int] = ("", 0)
        self._num = ""

    def begin(self, name: str, values: Mapping[str, str]) -> None:
        value = values.get("val", "")
        if name == "abstractNum":
            self._here, self._num = (values.get("abstractNumId", ""), 0), ""
        elif name == "num":
            self._num = values.get("numId", "")
        elif name == "abstractNumId" and self._num:
            self._abstract[self._num] = value
        elif name == "lvl" and not self._num:
            self._here = (self._here[0], _number(values.get("ilvl", "0")))
            self._formats[self._here] = {}
        elif name in ("start", "numFmt", "lvlText") and not self._num:
            self._formats.setdefault(self._here, {})[name] = value
        elif name == "startOverride":
            self._counts[self._num] = {}  # this list counts for itself

    def label(self, number: str, level: int) -> str:
        """The next label of a list: `"1. "`, `"- "`, or nothing."""
        if number in ("", "0"):
            return ""
        abstract = self._abstract.get(number, "")
        counts = self._counts.setdefault(number if number in self._counts else f"abstract {abstract}", {})
        form = self._formats.get((abstract, level), {"numFmt": "bullet"})
        counts[level] = counts.get(level, _number(form.get("start", "1")) - 1) + 1
        for deeper in [item for item in counts if item > level]:
            del counts[deeper]
        if form.get("numFmt") == "none":
            return ""
        if form.get("numFmt") == "bullet":
            return "  " * level + "- "
        pattern = form.get("lvlText", f"%{level + 1}.")
        shown = re.sub(r"%(\d)", lambda found: self._shown(abstract, int(found[1]) - 1, counts), pattern)
        return "  " * level + shown + " "

    def _shown(self, abstract: str, level: int, counts: Mapping[int, int]) -> str:
        count, form = counts.get(level, 1), self._formats.get((abstract, level), {}).get("numFmt", "decimal")
        if count > LAST_LETTER:
            text = str(count)
        elif form.endswith("Letter"):
            text = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        elif form.endswith("Roman"):
            text = _roman(count)
        else:
            text = str(count)
        return text.upper() if form.startswith("upper") else text


class _Words(_Part):
    """The text of the document's body. `blocks` is a stack of lists of lines: the body, and each cell within it."""

    UNSEEN = frozenset({"Fallback", "pPrChange", "moveFrom", "del"})  # a second copy, or what was taken out
    SIGNS: ClassVar[Mapping[str, str]] = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}

    def __init__(self, where: str, lists: _Lists, styles: Mapping[str, tuple[str, int]]) -> None:
        super().__init__(where)
        self.blocks: list[list[str]] = [[]]
        self._lists, self._styles = lists, styles
        self._rows: list[list[str]] = []
        self._paragraphs: list[dict[str, Any]] = []
        self._unseen, self._in_text, self._in_run = 0, False, 0

    def begin(self, name: str, values: Mapping[str, str]) -> None:
        if name in self.UNSEEN or self._unseen:
            self._unseen += name in self.UNSEEN
        elif name == "p":
            self._paragraphs.append({"text": [], "number": None, "level": 0})
        elif name == "tr":
            self._rows.append([])
        elif name == "tc":
            self.blocks.append([])
        elif self._paragraphs:
            self._inside(name, values)

    def _inside(self, name: str, values: Mapping[str, str]) -> None:
        paragraph = self._paragraphs[-1]
        self._in_text = name == "t"
        self._in_run += name == "r"
        if name in self.SIGNS and self._in_run:  # a tab stop in the paragraph's properties is no tab
            paragraph["text"].append(self.SIGNS[name])
        elif name == "pStyle" and values.get("val") in self._styles:
            paragraph["number"], paragraph["level"] = self._styles[values["val"]]
        elif name == "numId":
            paragraph["number"] = values.get("val", "0")
        elif name == "ilvl":
            paragraph["level"] = min(_number(values.get("val", "0")), DEEPEST_LIST)

    def data(self, text: str) -> None:
        if self._in_text and not self._unseen:
            self._paragraphs[-1]["text"].append(text)

    def finish(self, name: str) -> None:
        self._in_text = False
        if self._unseen:
            self._unseen -= name in self.UNSEEN
        elif name == "r" and self._in_run:
            self._in_run -= 1
        elif name == "p" and self._paragraphs:
            done = self._paragraphs.pop()
            self.blocks[-1].append(self._lists.label(done["number"] or "", done["level"]) + "".join(done["text"]))
        elif name == "tc" and self._rows:
            self._rows[-1].append(" ".join(line for line in self.blocks.pop() if line))
        elif name == "tr":
            self.blocks[-1].append("\t".join(self._rows.pop()))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _roman(count: int) -> str:
    text = ""
    for value, sign in ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):
        text += sign * (count // value)
        count %= value
    return text
