"""Media on the local disk, each under the SHA-256 of its bytes: `blobs/ab/abcdef…`."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from buttermilk.core.errors import DataError, StoreError
from buttermilk.stores.complaints import complaint


class LocalBlobs:
    """Content-addressed: keeping a file twice keeps it once; what is read is what was kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def keep(self, file: Path, key: str) -> None:
        """Copy a file in, whole or not at all. Raises DataError if it no longer is what was hashed."""
        place = self.place(key)
        if place.exists():
            return
        try:
            source = file.open("rb")
        except OSError as error:
            raise DataError(f"the file cannot be read ({error.strerror}).", where=str(file)) from error
        half = place.with_name(f"{key}.{os.getpid()}.part")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with source, half.open("w+b") as copied:
                shutil.copyfileobj(source, copied, 1 << 20)
                copied.seek(0)
                found = hashlib.file_digest(copied, "sha256").hexdigest()
            if found != key:
                raise DataError("the file changed while it was read.", where=str(file), hint="Run the command again.")
            half.replace(place)
        except OSError as error:
            raise complaint(str(error), str(self.folder)) from error
        finally:
            source.close()
            with suppress(OSError):
                half.unlink(missing_ok=True)

    def read(self, key: str) -> bytes:
        """The bytes. Raises StoreError where they are missing or damaged."""
        try:
            data = self.place(key).read_bytes()
        except OSError as error:
            raise StoreError(f"the bytes {key[:12]}… are missing.", where=str(self.folder)) from error
        if hashlib.sha256(data).hexdigest() != key:
            raise StoreError(f"the bytes {key[:12]}… are damaged.", where=str(self.place(key)))
        return data
