"""A .docx gives the words its author sees: paragraphs, lists with their numbers, tables; and no bomb goes off."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.core.errors import DataError
from buttermilk.documents import docx_text

NS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
COMPATIBLE = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def docx(body: str, **parts: str) -> bytes:
    """A .docx as a word processor packs it, with `numbering` and `styles` where they are given."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:document {NS} {COMPATIBLE}><w:body>{body}</w:body></w:document>")
        for name, xml in parts.items():
            archive.writestr(f"word/{name}.xml", f"<w:{name} {NS}>{xml}</w:{name}>")
    return whole.getvalue()


def p(text: str, properties: str = "") -> str:
    words = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space="preserve">{words}</w:t></w:r></w:p>'


def item(text: str, number: str = "1", level: int = 0) -> str:
    return p(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


def level(place: int, form: str, text: str, start: int = 1) -> str:
    inside = f'<w:start w:val="{start}"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/>'
    return f'<w:lvl w:ilvl="{place}">{inside}</w:lvl>'


def numbering(*levels: str, more: str = "") -> str:
    abstract = f'<w:abstractNum w:abstractNumId="7">{"".join(levels)}</w:abstractNum>'
    return f'{abstract}<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>{more}'


def test_paragraphs_are_lines_and_runs_are_joined() -> None:
    body = "<w:p><w:r><w:t>of inward </w:t></w:r><w:r><w:t>strife</w:t></w:r></w:p><w:p/>" + p("for truth & <liberty>")
    assert docx_text(docx(body)) == "of inward strife\n\nfor truth & <liberty>"


def test_tabs_and_line_breaks_stay() -> None:
    run = "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r>"
    assert docx_text(docx(f"<w:p>{run}</w:p>")) == "a\tb\nc\u2011d"


def test_a_tab_stop_is_no_tab() -> None:
    assert docx_text(docx(p("a", '<w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs>'))) == "a"


def test_a_table_has_a_line_per_row() -> None:
    def cell(*paragraphs: str) -> str:
        return f"<w:tc>{''.join(map(p, paragraphs))}</w:tc>"

    rows = f"<w:tr>{cell('rule')}{cell('what', 'it means')}</w:tr><w:tr>{cell('1')}{cell('')}</w:tr>"
    assert docx_text(docx(p("Before") + f"<w:tbl>{rows}</w:tbl>" + p("After"))) == (
        "Before\nrule\twhat it means\n1\t\nAfter"
    )


def test_a_list_has_the_numbers_that_word_shows() -> None:
    form = numbering(level(0, "decimal", "%1."), level(1, "lowerLetter", "%2)"), level(2, "upperRoman", "%1.%2.%3"))
    body = item("one") + item("first", level=1) + item("second", level=1) + item("deep", level=2)
    body += item("two") + item("again", level=1)
    assert docx_text(docx(body, numbering=form)).split("\n") == [
        "1. one",
        "  a) first",
        "  b) second",
        "    1.b.I deep",
        "2. two",
        "  a) again",
    ]


@pytest.mark.parametrize(
    ("form", "start", "label"),
    [("decimal", 3, "3. "), ("lowerLetter", 27, "aa. "), ("upperLetter", 2, "B. "), ("lowerRoman", 14, "xiv. "),
     ("upperRoman", 49, "XXXXIX. "), ("bullet", 1, "- "), ("none", 1, ""), ("lowerLetter", 5000, "5000. ")],
)  # fmt: skip
def test_lists_count_in_figures_letters_and_numerals(form: str, start: int, label: str) -> None:
    assert docx_text(docx(item("x"), numbering=numbering(level(0, form, "%1.", start)))) == f"{label}x"


def test_two_lists_of_one_kind_go_on_unless_the_second_begins_anew() -> None:
    same = '<w:num w:numId="2"><w:abstractNumId w:val="7"/></w:num>'
    anew = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    other = f'<w:num w:numId="3"><w:abstractNumId w:val="7"/>{anew}</w:num>'
    body = item("a") + p("between") + item("b", "2") + item("c", "3")
    text = docx_text(docx(body, numbering=numbering(level(0, "decimal", "%1."), more=same + other)))
    assert text == "1. a\nbetween\n2. b\n1. c"


def test_a_numbered_style_numbers_its_paragraphs() -> None:
    styles = '<w:style w:styleId="Rule"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    body = p("Be fair.", '<w:pStyle w:val="Rule"/>') + p("Free.", '<w:pStyle w:val="Body"/>')
    form = numbering(level(0, "decimal", "%1."))
    assert docx_text(docx(body, numbering=form, styles=styles)) == "1. Be fair.\nFree."


def test_a_paragraph_taken_out_of_its_list_has_no_number() -> None:
    assert docx_text(docx(item("x", "0"), numbering=numbering(level(0, "decimal", "%1.")))) == "x"


def test_a_list_without_its_numbering_part_has_bullets() -> None:
    assert docx_text(docx(item("x") + item("y", level=1))) == "- x\n  - y"


def test_what_was_deleted_or_moved_away_is_not_read() -> None:
    gone = "<w:del><w:r><w:delText>old</w:delText><w:t>older</w:t></w:r></w:del>"
    moved = "<w:moveFrom><w:r><w:t>here</w:t></w:r></w:moveFrom>"
    new = "<w:ins><w:r><w:t>new</w:t></w:r></w:ins>"
    assert docx_text(docx(f"<w:p>{gone}{moved}{new}</w:p>")) == "new"


def test_a_text_box_is_read_once() -> None:
    box = f"<w:txbxContent>{p('boxed')}</w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    assert docx_text(docx(f"<w:p><w:r>{both}<w:t>around</w:t></w:r></w:p>")) == "boxed\naround"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20), min_size=1))
def test_every_word_of_a_document_is_read_verbatim(paragraphs: list[str]) -> None:
    kept = [text for text in paragraphs if not {"\ufffe", "\uffff"} & set(text)]
    assert docx_text(docx("".join(map(p, kept)))) == "\n".join(kept).strip("\n")


# --- what is refused


def test_an_entity_is_never_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("word/document.xml", f"{bomb}<w:document {NS}><w:body><w:p>&b;</w:p></w:body></w:document>")
    with pytest.raises(DataError, match=r"guide.docx: this .docx file declares XML entities"):
        docx_text(whole.getvalue(), "guide.docx")


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(DataError, match=r"guide.docx: this .docx file unpacks to 3 MB, like a bomb"):
        docx_text(docx(p("a" * 3 * 1024 * 1024)), "guide.docx")


def test_a_long_document_is_no_bomb() -> None:
    assert docx_text(docx("".join(p(f"Line {n} of a long and rather dull report.") for n in range(20_000)))).endswith(
        "Line 19999 of a long and rather dull report."
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0 an old .doc", "an older .doc"),
        (b"", "an older .doc"),
        (docx(p("hello"))[:-40], "damaged"),
        (docx("<w:p>"), "save it again"),
    ],
)
def test_a_broken_file_is_named_with_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        docx_text(data, "guide.docx")
    assert caught.value.where == "guide.docx"


def test_a_zip_that_is_no_word_document_says_so() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError, match="holds no Word document"):
        docx_text(whole.getvalue(), "table.xlsx")


def test_a_damaged_part_is_found_by_its_checksum() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("word/document.xml", f"<w:document {NS}><w:body>{p('of inward strife')}</w:body></w:document>")
    with pytest.raises(DataError, match="damaged"):
        docx_text(whole.getvalue().replace(b"inward", b"upward"), "verse.docx")


def test_a_file_with_a_password_says_what_to_do() -> None:
    locked = bytearray(docx(p("secret")))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(sign) + place] |= 1
    with pytest.raises(DataError, match="without a password"):
        docx_text(bytes(locked), "guide.docx")
