"""Pages of PDFs as pictures and as text, and PDFs that nobody should open."""

import time
from pathlib import Path
from typing import Any

import pytest
from making_media import pdf

from buttermilk.core.errors import DataError
from buttermilk.media import pdf as pages


@pytest.fixture
def put(tmp_path: Path) -> Any:
    def put(data: bytes, name: str = "letter.pdf") -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return put


def test_each_page_gives_its_text_and_an_empty_one_none(put: Any) -> None:
    assert list(pages.texts(put(pdf("Dear Ana,", "", "Yours, Ben")))) == ["Dear Ana,", "", "Yours, Ben"]


def test_each_page_gives_a_picture_within_the_limit(put: Any) -> None:
    found = list(pages.images(put(pdf("one", "two")), longest_side=150))
    assert [(page.media_type, page.width, page.height) for page in found] == [("image/jpeg", 150, 100)] * 2
    assert found[0].data != found[1].data


@pytest.mark.parametrize(
    ("box", "size"), [("0 0 14400 14400", (100, 100)), ("0 0 99999999 1", (100, 1)), ("0 0 10 5", (40, 20))]
)
def test_the_size_of_the_paper_decides_nothing(put: Any, box: str, size: tuple[int, int]) -> None:
    (page,) = pages.images(put(pdf("x", box=box)), longest_side=100)
    assert (page.width, page.height) == size


def test_a_hundred_thousand_pages_are_refused_at_once(put: Any) -> None:
    file, start = put(pdf("a", repeat=100_000)), time.perf_counter()
    with pytest.raises(DataError, match="has 100,000 pages, and 200 are read"):
        next(pages.images(file))
    assert time.perf_counter() - start < 1
    with pytest.raises(DataError, match="and 1 are read"):
        list(pages.texts(put(pdf("a", "b")), most=1))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pdf("a", encrypted=True), "locked with a password"),
        (pdf("a")[:120], "damaged, cut off or none at all"),
        (b"%PDF-1.7\nnothing", "damaged, cut off or none at all"),
        (b"", "damaged, cut off or none at all"),
        (pdf(), "damaged|no page"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_words(put: Any, data: bytes, said: str) -> None:
    for read in (pages.images, pages.texts):
        with pytest.raises(DataError, match=said):
            list(read(put(data)))


def test_a_pdf_that_is_too_large_or_whose_text_is_endless_is_refused(put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(pdf("a long text"))
    monkeypatch.setattr(pages, "MOST_LETTERS", 5)
    with pytest.raises(DataError, match="longer than 5 letters"):
        list(pages.texts(file))
    monkeypatch.setattr(pages, "MOST_BYTES", 5)
    with pytest.raises(DataError, match="larger than"):
        list(pages.texts(file))


@pytest.mark.parametrize("name", ["-o.pdf", "a\nb.pdf", "--help", "file:x.pdf"])
def test_whatever_a_pdf_is_called(put: Any, name: str) -> None:
    assert list(pages.texts(put(pdf("here"), name))) == ["here"]
