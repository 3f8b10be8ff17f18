"""Pictures, films and PDFs for the tests, each made by a few lines: sound ones and hostile ones."""

import struct
import subprocess
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont


def picture(size: tuple[int, int] = (80, 40), mode: str = "RGB", kind: str = "PNG", **saved: Any) -> bytes:
    """Its left half is light, its right half dark."""
    image = Image.new("L", size, 230)
    image.paste(20, (size[0] // 2, 0, *size))
    made = BytesIO()
    image.convert(mode).save(made, kind, **saved)
    return made.getvalue()


def written(words: str, size: tuple[int, int] = (900, 160)) -> bytes:
    """Black on white, large enough for tesseract."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 40), words, fill="black", font=ImageFont.load_default(56))
    made = BytesIO()
    image.save(made, "PNG")
    return made.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A few hundred bytes that say they are a picture of any size: the header is sound, the pixels would be zeros."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def film(target: Path, *, seconds: float = 4, size: str = "64x48", rate: int = 5, sound: str | None = "sine") -> Path:
    """Its picture changes from second to second; its sound is a tone."""
    words = ["-f", "lavfi", "-i", f"testsrc=duration={seconds}:size={size}:rate={rate}"]
    if sound:
        words += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={sound if sound != 'sine' else seconds}"]
    run = ["ffmpeg", "-v", "error", "-nostdin", "-y", *words, "-c:v", "mpeg4", "-movflags", "+faststart"]
    subprocess.run([*run, f"file:{target.resolve()}"], check=True)
    return target


def pdf(*pages: str, box: str = "0 0 300 200", repeat: int = 1, encrypted: bool = False) -> bytes:
    """One line of text a page, none where it is empty. `repeat` names the pages so many times over."""
    first = 4
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join([kids] * repeat)}] /Count {len(pages) * repeat} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 24 Tf 20 100 Td ({text}) Tj ET" if text else ""
        leaf = f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"{leaf} /Contents {first + 2 * number + 1} 0 R >>")
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += f"{number} 0 obj\n{body}\nendobj\n".encode()
    locked = f" /Encrypt << /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -4 >> /ID [<00> <00>]"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R{locked if encrypted else ''} >>"
    start = len(made)
    return (
        made + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}\nstartxref\n{start}\n%%EOF".encode()
    )
