"""Pictures within limits: turned upright, no larger than asked, encoded anew without what a camera adds (place, name).

A picture's size is read before its pixels are: one that would fill the memory is refused for its header alone.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL import __version__ as pillow

from buttermilk.core.errors import DataError

MOST_PIXELS = 150_000_000  # a newspaper's page at 600 dpi has 100 million
Image.init()
READ = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")  # no format that runs another program
FORMATS = tuple(name for name in READ if name in Image.OPEN)  # not every Pillow is built with all of them
QUALITY = 90
BY = f"Pillow {pillow}"
FLAT = {"L", "RGB", "RGBA"}  # as JPEG or PNG take them


class Picture(NamedTuple):
    """An encoded picture. `several` is true where the file holds more pictures than this first one."""

    data: bytes
    media_type: str
    width: int
    height: int
    several: bool = False


def normalised(source: Path | bytes, longest_side: int | None = None) -> Picture:
    """Upright, shrunk where a side is longer than asked; PNG if lossless or transparent before, else JPEG."""
    with _opened(source) as image:
        lossless = image.format in ("PNG", "GIF", "BMP")
        several = _several(image)
        if image.format in ("JPEG", "MPO") and longest_side:
            image.draft(None, (longest_side, longest_side))  # a JPEG decodes to a half, a quarter, an eighth at once
        upright = ImageOps.exif_transpose(image)
        return encoded(_shrunk(_flat(upright), longest_side), lossless=lossless)._replace(several=several)


def thumbnail(source: Path | bytes, side: int = 256) -> bytes:
    """A small JPEG for a list of pictures; what was transparent is white."""
    with _opened(source) as image:
        image.draft("RGB", (side, side))
        small = _shrunk(_flat(ImageOps.exif_transpose(image)), side)
    if small.mode == "RGBA":
        white = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(white, small).convert("RGB")
    return encoded(small, lossless=False).data


def encoded(image: Image.Image, *, lossless: bool) -> Picture:
    """The picture's bytes. Nothing of its metadata but a colour profile goes along."""
    made, png = BytesIO(), lossless or image.mode == "RGBA"
    profile = image.info.get("icc_profile")
    if png:
        image.save(made, "PNG", icc_profile=profile, compress_level=6)
    else:
        image.save(made, "JPEG", quality=QUALITY, optimize=True, icc_profile=profile)
    return Picture(made.getvalue(), "image/png" if png else "image/jpeg", *image.size)


@contextmanager
def _opened(source: Path | bytes) -> Iterator[Image.Image]:
    """Raises DataError where it is no picture, one that is cut off or damaged, or one of too many pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit is kept here
            warnings.simplefilter("ignore", UserWarning)  # what a camera noted is damaged, and the picture need not be
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                check_size(*image.size)
                yield image
    except Image.DecompressionBombError:
        raise DataError(f"the picture has more pixels than {MOST_PIXELS:,}. Make it smaller first.") from None
    except UnidentifiedImageError:
        raise DataError(f"it is no picture of a kind that is read: {', '.join(FORMATS)}.") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:  # as Pillow's decoders complain
        if isinstance(error, OSError) and error.filename:
            raise
        raise DataError(f"the picture is damaged or cut off: {error}.") from error


def check_size(width: int, height: int, most: int = MOST_PIXELS) -> None:
    """Raises DataError before a pixel is decoded."""
    if width * height > most:
        raise DataError(
            f"{width:,} × {height:,} pixels are more than the {most:,} that are read. Make it smaller first."
        )


def _several(image: Image.Image) -> bool:
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True


def _flat(image: Image.Image) -> Image.Image:
    """In a mode that JPEG or PNG takes: transparency is kept, 16 bits a pixel become 8."""
    if image.mode in FLAT:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image)
    see_through = image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info
    plain = image.convert("RGBA" if see_through else "L" if image.mode == "1" else "RGB")
    if image.mode == "CMYK":
        plain.info.pop("icc_profile", None)  # it describes inks
    return plain


def _eight_bits(image: Image.Image) -> Image.Image:
    """Greys of 16 bits, or of any range: the darkest stays what it is, the brightest that can be is white."""
    wide = image.convert("F")
    _, brightest = wide.getextrema()
    top = 65_535.0 if image.mode != "F" else max(float(str(brightest)), 1.0)
    return wide.point(lambda value: value * (255 / top) + 0).convert("L")


def _shrunk(image: Image.Image, longest_side: int | None) -> Image.Image:
    if longest_side and max(image.size) > longest_side:
        share = longest_side / max(image.size)
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        profile = image.info.get("icc_profile")
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if profile:
            image.info["icc_profile"] = profile
    return image
