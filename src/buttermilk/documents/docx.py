"""The words of a .docx: no entity is expanded, no bomb unpacked, nothing fetched."""

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from buttermilk.core.errors import DataError

MOST_BYTES = 50 * 1024 * 1024  # of one unpacked part of a .docx
MOST_RATIO = 200  # unpacked to packed: prose is near 5, a bomb near 1000
DEEPEST_LIST = 8
LAST_LETTER = 400  # a list that counts in letters or Roman numerals goes on in figures after this
SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
UNSEEN = frozenset({"Fallback", "moveFrom", "del", "pPr"})  # a second copy, what was taken out, and properties


def docx_text(data: bytes, where: str = "") -> str:
    """The words of a .docx, a line per paragraph: tables with a tab between cells, lists with the numbers Word shows.

    Deleted passages, headers, footers, notes and comments are not read. Raises DataError.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            body = _part(archive, "word/document.xml", where)
            if body is None:
                raise DataError("this file holds no Word document.", where=where, hint="Save it again as .docx.")
            words = _Words(_part(archive, "word/numbering.xml", where), _part(archive, "word/styles.xml", where))
            return "\n".join(words.lines(body)).strip("\n")
    except zipfile.BadZipFile as error:
        hint = "If it is an older .doc, open it and save it as .docx."
        raise DataError(f"this is no .docx file, or it is damaged ({error}).", where=where, hint=hint) from error
    except (ElementTree.ParseError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        hint = "Open it in your word processor, without a password, and save it again."
        raise DataError(f"this .docx file cannot be read ({error}).", where=where, hint=hint) from error


def _part(archive: zipfile.ZipFile, name: str, where: str) -> Element | None:
    """One part of the package as a tree; None where the package has no such part."""
    if name not in archive.namelist():
        return None
    entry = archive.getinfo(name)
    swollen = entry.file_size > 1024 * 1024 and entry.file_size > MOST_RATIO * max(entry.compress_size, 1)
    if entry.file_size > MOST_BYTES or swollen:
        size = entry.file_size // (1024 * 1024)
        raise DataError(f"this .docx file unpacks to {size} MB, like a bomb, and was not opened.", where=where)
    parser = ElementTree.XMLParser(target=_Tree(where))  # noqa: S314  (a DOCTYPE is refused: no entity is declared)
    with archive.open(entry) as stream:
        return ElementTree.parse(stream, parser).getroot()  # noqa: S314


class _Tree(ElementTree.TreeBuilder):
    """Builds a tree whose names bear no namespaces."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def start(self, tag: str, attrs: Mapping[str, str], /) -> Element:
        return super().start(_local(tag), {_local(name): value for name, value in attrs.items()})

    def end(self, tag: str, /) -> Element:
        return super().end(_local(tag))

    def doctype(self, *_: object) -> None:
        raise DataError("this .docx file declares XML entities, which no word processor writes.", where=self._where)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _value(element: Element | None, path: str) -> str:
    found = element.find(path) if element is not None else None
    return found.get("val", "") if found is not None else ""


def _nearest(element: Element, names: Collection[str]) -> Iterator[Element]:
    """What bears one of the names, at whatever depth, and nothing of what is inside it."""
    for child in element:
        if child.tag in names:
            yield child
        elif child.tag not in UNSEEN:
            yield from _nearest(child, names)


class _Words:
    """Reads lines, and keeps count of the lists: Word shows `1.`, `b)`, `2.1` and does not write them into the text."""

    def __init__(self, numbering: Element | None, styles: Element | None) -> None:
        self._formats: dict[tuple[str, int], dict[str, str]] = {}
        self._abstract: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = {}
        for abstract in numbering.findall("abstractNum") if numbering is not None else ():
            for level in abstract.findall("lvl"):
                at = abstract.get("abstractNumId", ""), _number(level.get("ilvl", "0"))
                self._formats[at] = {item.tag: item.get("val", "") for item in level}
        for num in numbering.findall("num") if numbering is not None else ():
            self._abstract[num.get("numId", "")] = _value(num, "abstractNumId")
            if num.find("lvlOverride/startOverride") is not None:
                self._counts[num.get("numId", "")] = {}  # this list counts for itself
        numbered = styles.findall("style") if styles is not None else ()
        self._styles = {style.get("styleId", ""): _value(style, "pPr/numPr/numId") for style in numbered}

    def lines(self, block: Element) -> Iterator[str]:
        """Of a body, a cell or a text box."""
        for found in _nearest(block, ("p", "tr")):
            if found.tag == "tr":
                cells = (" ".join(filter(None, self.lines(cell))) for cell in _nearest(found, ("tc",)))
                yield "\t".join(cells)
            else:
                yield from self.lines(found)  # the text boxes that are anchored in it
                signs = (piece for piece in _nearest(found, ("p", "tr", "t", *SIGNS)) if piece.tag not in ("p", "tr"))
                text = [SIGNS.get(piece.tag, piece.text or "") for piece in signs]
                yield self._label(found.find("pPr")) + "".join(text)

    def _label(self, properties: Element | None) -> str:
        """The next label of a paragraph's list: `"1. "`, `"- "`, or nothing."""
        number = _value(properties, "numPr/numId") or self._styles.get(_value(properties, "pStyle"), "")
        level = min(_number(_value(properties, "numPr/ilvl")), DEEPEST_LIST)
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
        text = str(count)
        if form.endswith("Letter") and count <= LAST_LETTER:
            text = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        elif form.endswith("Roman") and count <= LAST_LETTER:
            text = _roman(count)
        return text.upper() if form.startswith("upper") else text


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _roman(count: int) -> str:
    text = ""
    for value, sign in ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):
        text += sign * (count // value)
        count %= value
    return text
