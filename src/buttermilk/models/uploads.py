"""Media as files with the vendor: each is uploaded once a plug, however many calls wait. One class a vendor's way.

Wire formats (read 2026-11): https://platform.openai.com/docs/api-reference/files/create,
https://platform.claude.com/docs/en/api/files-create, https://ai.google.dev/api/files. What was uploaded is deleted when
the plug closes; what a batch is to read, or a killed process leaves behind, goes at the vendor's own hour.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from pydantic_core import from_json, to_json
from yarl import URL

from buttermilk import telemetry
from buttermilk.core.errors import Permanent, ProviderError, TimedOut, Unavailable
from buttermilk.core.jobs import Piece
from buttermilk.core.records import Part
from buttermilk.wire import Streamed

if TYPE_CHECKING:
    from buttermilk.models.dialect import Dialect

FILE = "file"  # the form of a medium that stands in a body as the name of an uploaded file
AT_ONCE = 8  # uploads or deletions: each holds its medium in memory
EXPIRES_SECONDS = 3 * 86_400  # a batch is answered within a day
FRESH_SECONDS = 40 * 3_600  # at Google a file lasts 48 hours, whatever one asks for
LOOK_SECONDS = 1.0


class File(NamedTuple):
    """An uploaded file: what a body calls it, and where behind `base_url` it is deleted."""

    name: str
    place: str


class Uploads:
    """The files of one plug."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect, self.wire = dialect, dialect.wire
        self._held: dict[str, tuple[float, asyncio.Task[File]]] = {}
        self._kept: set[str] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def upload(self, part: Part, data: bytes) -> File:
        """A vendor's way. ValueError, KeyError and TypeError: its reply says nothing of a file."""
        raise NotImplementedError

    # ---- which file is what

    async def ready(self, parts: Iterable[Part], *, for_batch: bool = False) -> None:
        """Returns when each has its file. Who loses patience stops no upload: the next call waits for the same one."""
        seconds, wanted = self.dialect.agent.limits.timeout_seconds, {str(part.blob): part for part in parts}
        tasks = [self._uploading(key, part) for key, part in wanted.items()]
        self._kept.update(wanted if for_batch else ())
        try:
            async with asyncio.timeout(None if for_batch else seconds):
                for task in tasks:
                    await asyncio.shield(task)
        except TimeoutError as error:
            raise TimedOut(f"{self.dialect.endpoint} has had no file ready within {seconds:g} s.") from error

    def _uploading(self, key: str, part: Part) -> asyncio.Task[File]:
        now = asyncio.get_running_loop().time()
        since, task = self._held.get(key, (now, None))
        if task is None or (task.done() and (_failed(task) or now - since > FRESH_SECONDS)):
            task = asyncio.create_task(self._uploaded(key, part))
            task.add_done_callback(_failed)  # looked at, as it may be that nobody waits for it any more
            self._held[key] = now, task
        return task

    async def _uploaded(self, key: str, part: Part) -> File:
        async with self._room:
            data = await asyncio.to_thread(self.dialect.blobs, key)
            try:
                return await self.upload(part, data)
            except (ValueError, KeyError, TypeError) as error:
                said = f"the reply about an uploaded file cannot be read ({error!r})"
                raise Unavailable(said, kind="malformed") from error

    def name(self, key: str) -> bytes:
        """The name as it stands within a JSON text. Where it is not known, as when a batch is read by another process,
        the blob's own hash: what is kept has that anyway."""
        task = self._held[key][1] if key in self._held else None
        file = task.result() if task and task.done() and not _failed(task) else None
        return to_json(file.name)[1:-1] if file else key.encode()

    def named(self, pieces: Sequence[Piece]) -> list[Piece]:
        """A body's pieces, the files among them by their names."""
        return [piece if isinstance(piece, bytes) or piece[1] != FILE else self._quoted(piece[0]) for piece in pieces]

    def _quoted(self, key: str) -> bytes:
        return b'"' + self.name(key) + b'"'

    # ---- over the wire

    async def form(self, path: str, part: Part, data: bytes, fields: Mapping[str, str]) -> Any:
        """A file posted as a form: https://www.rfc-editor.org/rfc/rfc7578"""
        mark = f"buttermilk-{secrets.token_hex(16)}"
        head = f'--{mark}\r\nContent-Disposition: form-data; name="'
        texts = "".join(f'{head}{name}"\r\n\r\n{text}\r\n' for name, text in fields.items())
        ending = part.media_type.rpartition("/")[2].rpartition("-")[2]
        file = f'{head}file"; filename="record.{ending}"\r\nContent-Type: {part.media_type}\r\n\r\n'
        pieces = ((texts + file).encode(), data, f"\r\n--{mark}--\r\n".encode())
        kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        return from_json((await self.wire.ask("POST", URL(self.dialect.endpoint + path), streamed(*pieces), kind))[0])

    async def close(self) -> None:
        """Deletes what nobody waits for any more. What could not be deleted is said in the log, and stops nothing."""
        held, self._held = self._held, {}
        for _, task in held.values():
            task.cancel()
        found = await asyncio.gather(*(task for _, task in held.values()), return_exceptions=True)
        files = [one for key, one in zip(held, found, strict=True) if isinstance(one, File) and key not in self._kept]
        left = [name for name in await asyncio.gather(*map(self._left, files)) if name]
        if files:
            said = {"endpoint": self.dialect.endpoint, "deleted": len(files) - len(left), "left": ",".join(left)}
            telemetry.event("uploads deleted", said)

    async def _left(self, file: File) -> str:
        """The file's name where it is still there."""
        async with self._room:
            try:
                await self.wire.ask("DELETE", URL(self.dialect.endpoint + file.place))
            except ProviderError:
                return file.name
        return ""


class OpenAIUploads(Uploads):
    """A form with what it is for."""

    async def upload(self, part: Part, data: bytes) -> File:
        expires = {"expires_after[anchor]": "created_at", "expires_after[seconds]": str(EXPIRES_SECONDS)}
        found = await self.form("/files", part, data, {"purpose": "user_data", **expires})
        return File(found["id"], f"/files/{quote(found['id'], safe='')}")


class AnthropicUploads(Uploads):
    """A form; since it left its beta no header goes with it, nor with the messages that name the file."""

    async def upload(self, part: Part, data: bytes) -> File:
        found = await self.form("/v1/files", part, data, {"expires_in_seconds": str(EXPIRES_SECONDS)})
        return File(found["id"], f"/v1/files/{quote(found['id'], safe='')}")


class GeminiUploads(Uploads):
    """Announced, sent to the address that is told, and looked at until it can be used."""

    async def upload(self, part: Part, data: bytes) -> File:
        before, _, version = self.dialect.endpoint.rpartition("/")
        start = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(len(data)),
            "X-Goog-Upload-Header-Content-Type": part.media_type,
        }
        about = to_json({"file": {"mimeType": part.media_type, "sizeBytes": len(data)}})
        _, headers = await self.wire.ask("POST", URL(f"{before}/upload/{version}/files"), about, start)
        told = URL({name.lower(): text for name, text in headers.items()}["x-goog-upload-url"])
        here = URL(before).origin().join(told.relative())  # the key goes to nobody else
        whole = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
        found = from_json((await self.wire.ask("POST", here, streamed(data), whole))[0])["file"]
        while found.get("state") == "PROCESSING":
            await asyncio.sleep(LOOK_SECONDS)
            found = from_json((await self.wire.ask("GET", URL(f"{self.dialect.endpoint}/{found['name']}")))[0])
        if found.get("state") == "FAILED":
            said = (found.get("error") or {}).get("message") or "no reason was given"
            raise Permanent(f"the file could not be processed: {said}", kind="media")
        return File(found["uri"], f"/{quote(found['name'])}")


def streamed(*pieces: bytes) -> Streamed:
    return Streamed([partial(bytes, piece) for piece in pieces], sum(map(len, pieces)))


def _failed(task: asyncio.Task[File]) -> bool:
    return task.cancelled() or task.exception() is not None
