"""Pages of PDFs, as pictures or as the words of their text layer, by PDFium: https://pypdfium2.readthedocs.io"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pypdfium2 import PdfDocument, PdfiumError
from pypdfium2.version import PYPDFIUM_INFO

from buttermilk.core.errors import DataError
from buttermilk.media.images import Picture, encoded

MOST_BYTES = 512 * 1024 * 1024
MOST_LETTERS = 20_000_000  # of one document
LARGEST_SCALE = 4.0  # 288 dpi: a page smaller than a stamp is not blown up to a poster
BY = f"pypdfium2 {PYPDFIUM_INFO.version}"


def images(file: Path, *, most: int = 200, longest_side: int = 1568) -> Iterator[Picture]:
    """Each page as a JPEG. The size of its paper decides nothing: a wall map is as many pixels as a page."""
    with _opened(file, most) as document:
        for number in range(len(document)):
            with (
                closing(document[number]) as page,
                closing(page.render(scale=_scale(page.get_size(), longest_side))) as drawn,
            ):
                yield encoded(drawn.to_pil().convert("RGB"), lossless=False)


def texts(file: Path, *, most: int = 200) -> Iterator[str]:
    """The text layer of each page, "" where it has none. Nothing is guessed from pictures: that is OCR."""
    letters = 0
    with _opened(file, most) as document:
        for number in range(len(document)):
            with closing(document[number]) as page, closing(page.get_textpage()) as layer:
                letters += layer.count_chars()
                if letters > MOST_LETTERS:
                    raise DataError(f"its text is longer than {MOST_LETTERS:,} letters. Divide it.")
                yield _clean(layer.get_text_range())


@contextmanager
def _opened(file: Path, most: int) -> Iterator[PdfDocument]:
    if file.stat().st_size > MOST_BYTES:
        raise DataError(f"the PDF is larger than the {MOST_BYTES // 1024**2} MB that are read. Divide it.")
    try:
        with closing(PdfDocument(file.resolve())) as document:
            if len(document) > most:
                raise DataError(
                    f"the PDF has {len(document):,} pages, and {most:,} are read. Divide it, or set `media.pdf.most`."
                )
            yield document
    except PdfiumError as error:
        raise DataError(_in_words(str(error))) from error


def _in_words(complaint: str) -> str:
    low = complaint.lower()
    if "password" in low or "security" in low:
        return "the PDF is locked with a password. Save it without one."
    return f"the PDF is damaged, cut off or none at all ({complaint.rstrip('.')})."


def _scale(size: tuple[float, float], longest_side: int) -> float:
    return min(LARGEST_SCALE, longest_side / max(*size, 1.0))


def _clean(text: str) -> str:
    """Lines end as everywhere else; a hyphen at a line's end is U+FFFE or U+0002 to PDFium, and a hyphen here."""
    return text.replace("\r\n", "\n").replace("\ufffe", "-").replace("\x02", "-").replace("\x00", "").strip()
