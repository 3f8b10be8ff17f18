"""Words in pictures, by tesseract: https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html"""

from collections.abc import Sequence
from functools import cache

from buttermilk.core.errors import ConfigError
from buttermilk.media.programs import Program

TESSERACT = Program(
    "tesseract",
    "reads the words in pictures",
    "Debian, Ubuntu: sudo apt-get install tesseract-ocr   macOS: brew install tesseract   "
    "Windows: winget install UB-Mannheim.TesseractOCR",
)
SIDE = 4_000  # pixels: what is larger reads no better, and slower
PAGE_SECONDS = 120.0


def words_in(picture: bytes, languages: Sequence[str]) -> str:
    """What is written in a PNG or JPEG, as tesseract reads it: lines as they stand, "" where it finds no words."""
    check_languages(languages)
    said = TESSERACT.run(("stdin", "stdout", "-l", "+".join(languages)), seconds=PAGE_SECONDS, given=picture)
    return said.decode("utf-8", "replace").replace("\f", "").strip()


def check_languages(languages: Sequence[str]) -> None:
    """Raises ConfigError for one that is not installed: read in another language, words would be invented."""
    known = _installed(TESSERACT.path)
    for name in languages:
        if name not in known:
            hint = "Debian, Ubuntu: sudo apt-get install tesseract-ocr-LANGUAGE (deu, fra, script-latn, ...)"
            raise ConfigError(f"tesseract has no language '{name}' here. It has: {', '.join(known)}.", hint=hint)


@cache
def _installed(path: str) -> tuple[str, ...]:
    lines = TESSERACT.run(("--list-langs",), seconds=30).decode("utf-8", "replace").splitlines()
    return tuple(sorted(line.strip() for line in lines[1:] if line.strip() not in ("", "osd")))
