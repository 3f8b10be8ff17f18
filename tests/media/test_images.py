"""Pictures within limits: what comes out is small, upright and bare; what is hostile is refused for its header."""

import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from making_media import picture, png_claiming
from PIL import Image, TiffImagePlugin

from buttermilk.core.errors import DataError
from buttermilk.media.images import MOST_PIXELS, encoded, normalised, thumbnail


def seen(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def deep_grey(*values: int) -> bytes:
    """A scan of 16 bits a pixel, one row."""
    pixels = b"".join(value.to_bytes(2, "little") for value in values)
    made = BytesIO()
    Image.frombytes("I;16", (len(values), 1), pixels).save(made, "PNG")
    return made.getvalue()


@pytest.mark.parametrize(
    ("size", "longest_side", "expected"),
    [
        ((80, 40), 20, (20, 10)),
        ((40, 80), 20, (10, 20)),
        ((80, 40), 80, (80, 40)),
        ((80, 40), 500, (80, 40)),
        ((80, 40), None, (80, 40)),
        ((4000, 2), 16, (16, 1)),
    ],
)
def test_a_picture_keeps_its_shape_and_is_never_made_larger(size: Any, longest_side: int, expected: Any) -> None:
    made = normalised(picture(size), longest_side)
    assert (made.width, made.height) == seen(made.data).size == expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_whatever_the_colours_are_kept_as_light_and_dark_remain_so(mode: str) -> None:
    made = seen(normalised(picture(mode=mode), 20).data).convert("L")
    assert made.getpixel((2, 5)) == pytest.approx(230, abs=4)
    assert made.getpixel((17, 5)) == pytest.approx(20, abs=10)


def test_a_scan_of_sixteen_bits_is_not_burnt_out() -> None:
    made = seen(normalised(deep_grey(0, 5_140, 32_896, 65_535)).data)
    assert list(made.tobytes()) == [0, 20, 128, 255]


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "TIFF"), ("CMYK", "JPEG"), ("F", "TIFF"), ("RGB", "WEBP")])
def test_pictures_for_print_and_for_the_web_become_jpeg(mode: str, kind: str) -> None:
    made = normalised(picture(mode=mode, kind=kind), 20)
    assert made.media_type == "image/jpeg"
    grey = seen(made.data).convert("L")
    assert grey.getpixel((2, 5)) > 200 > 60 > grey.getpixel((17, 5))


def test_what_can_be_seen_through_stays_so_and_a_thumbnail_of_it_is_on_white() -> None:
    clear = BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(clear, "WEBP")
    made = normalised(clear.getvalue())
    assert (made.media_type, seen(made.data).mode) == ("image/png", "RGBA")
    assert seen(thumbnail(clear.getvalue(), 8)).convert("L").getextrema() == (255, 255)


def test_a_photograph_is_turned_upright_and_says_no_longer_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: a quarter to the right makes it upright
    exif[0x010E] = "planted: my garden"
    exif.get_ifd(0x8825)[1] = "N"
    photo = picture((80, 40), kind="JPEG", exif=exif)
    assert b"planted" in photo
    made = normalised(photo)
    assert (made.width, made.height) == (40, 80)
    upright = seen(made.data)
    assert upright.convert("L").getpixel((20, 10)) > 200
    assert not upright.getexif()
    assert b"planted" not in made.data
    assert seen(thumbnail(photo, 20)).size == (10, 20)


def test_a_colour_profile_goes_along_except_one_that_describes_inks() -> None:
    kept = normalised(picture((80, 40), icc_profile=b"a profile"), 20)
    assert seen(kept.data).info["icc_profile"] == b"a profile"
    inks = normalised(picture(mode="CMYK", kind="JPEG", icc_profile=b"of inks"))
    assert "icc_profile" not in seen(inks.data).info


def test_of_several_pictures_in_a_file_the_first_is_taken_and_that_is_said() -> None:
    made = BytesIO()
    pages = [Image.new("L", (9, 9), 10), Image.new("L", (9, 9), 200)]
    pages[0].save(made, "TIFF", save_all=True, append_images=pages[1:])
    first = normalised(made.getvalue())
    assert first.several
    assert seen(first.data).getextrema() == (10, 10)
    assert not normalised(picture()).several


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert normalised(picture((300, 200)), 64) == normalised(picture((300, 200)), 64)
    again = normalised(normalised(picture(kind="JPEG")).data)
    assert again.media_type == "image/jpeg"


@pytest.mark.parametrize("size", [(13_000, 13_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_for_its_header_before_a_pixel_is_decoded(size: tuple[int, int]) -> None:
    start = time.perf_counter()
    with pytest.raises(DataError, match=f"{MOST_PIXELS:,}"):
        normalised(png_claiming(*size))
    assert time.perf_counter() - start < 0.2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (picture((400, 400))[:600], "damaged or cut off"),
        (picture((400, 400), kind="JPEG")[:900], "damaged or cut off"),
        (picture(kind="TIFF")[:40], "damaged or cut off|no picture"),
        (png_claiming(400, 400), "damaged or cut off"),
        (b"", "no picture of a kind that is read: JPEG, PNG"),
        (b"<svg onload='alert(1)'/>", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    ],
)
def test_what_is_damaged_or_no_picture_is_refused_in_words(data: bytes, said: str) -> None:
    for read in (normalised, thumbnail):
        with pytest.raises(DataError, match=said):
            read(data)


def test_a_file_that_is_not_there_is_the_systems_own_complaint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        normalised(tmp_path / "gone.png")


def test_a_tiff_whose_strips_lie_outside_of_it_is_refused() -> None:
    made, table = BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    table[TiffImagePlugin.IMAGEDESCRIPTION] = "x"
    Image.new("L", (64, 64)).save(made, "TIFF", tiffinfo=table)
    with pytest.raises(DataError):
        normalised(made.getvalue()[:300])


def test_a_page_that_was_drawn_is_encoded_as_it_is() -> None:
    made = encoded(Image.new("RGB", (30, 20), "navy"), lossless=True)
    assert (made.media_type, made.width, made.height) == ("image/png", 30, 20)
    assert seen(made.data).getpixel((3, 3)) == (0, 0, 128)
