"""Words in pictures, read by tesseract itself."""

import pytest
from making_media import picture, written

from buttermilk.core.errors import ConfigError, DataError
from buttermilk.media.ocr import TESSERACT, check_languages, words_in


def test_what_is_written_is_read() -> None:
    assert words_in(written("Quiet rivers sing"), ["eng"]) == "Quiet rivers sing"


def test_a_picture_without_words_gives_none() -> None:
    assert words_in(picture((200, 100)), ["eng"]) == ""


@pytest.mark.parametrize("name", ["klingon", "--psm", "../../etc/passwd", "eng+--x", ""])
def test_a_language_that_is_not_installed_is_named_and_not_replaced(name: str) -> None:
    with pytest.raises(ConfigError, match="has no language") as caught:
        words_in(written("x"), ["eng", name])
    assert "It has: eng" in str(caught.value)
    assert "tesseract-ocr-LANGUAGE" in caught.value.hint
    check_languages(["eng"])


@pytest.mark.parametrize("data", [b"", b"no picture", b"%PDF-1.4"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="tesseract cannot read it"):
        words_in(data, ["eng"])


def test_where_tesseract_is_missing_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TESSERACT.version.startswith("tesseract ")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="tesseract, which reads the words in pictures, is not installed") as caught:
        words_in(written("x"), ["eng"])
    assert "sudo apt-get install tesseract-ocr" in caught.value.hint
