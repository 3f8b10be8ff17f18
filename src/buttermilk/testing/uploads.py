"""The mock's shelf of uploaded files: OpenAI's and Anthropic's forms, and Google's uploads in two requests.

A file of Google's is being processed until it has been looked at `batch_looks` times.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from buttermilk.testing.settings import Settings

Json = dict[str, Any]
CREATED_AT = "2026-11-22T00:00:00Z"
CONTENT = re.compile(rb'name="file".*?\r\n\r\n(.*?)\r\n--', re.DOTALL)
PURPOSE = re.compile(rb'name="purpose"\r\n\r\n([\w-]+)')
ABOUT = re.compile(rb'name="file"; filename="([^"]*)"\r\nContent-Type: ([^\r]*)')
ROUTES = re.compile(
    r"POST (?P<begun>/upload/\w+)/files"
    r"|POST /upload/\w+/files/(?P<sent>[\w-]+)"
    r"|POST .*/(?P<form>files)"
    r"|GET .*/files/(?P<content>[\w-]+)/content"
    r"|(?P<at>GET|DELETE) .*/files/(?P<ident>[\w-]+)"
)


@dataclass
class Kept:
    """A file, and what is said of it."""

    content: bytes
    about: Json
    looks: int = 0


class Shelf:
    """`serve` answers a request about files: a status, JSON or bytes, and headers; None for any other route."""

    def __init__(self) -> None:
        self.files: dict[str, Kept] = {}
        self._count = 0

    def serve(self, method: str, path: str, body: bytes, settings: Settings) -> tuple[Any, ...] | None:
        route = ROUTES.fullmatch(f"{method} {path}")
        if route is None:
            return None
        if route["form"]:
            return 200, self.files[self._form(body)].about
        if route["begun"]:
            ident = self.put(b"", **json.loads(body)["file"])
            return 200, {}, ("X-Goog-Upload-URL", f"https://elsewhere.invalid{path}/{ident}")
        ident = route["sent"] or route["content"] or route["ident"]
        kept = self.files.get(ident)
        if kept is None:
            return 404, {"error": {"message": f"there is no file '{ident}'", "type": "not_found_error"}}
        if route["sent"]:
            kept.content = body
            return 200, {"file": _googles(ident, kept, settings)}, ("X-Goog-Upload-Status", "final")
        if route["content"]:
            return 200, kept.content
        if route["at"] == "DELETE":
            del self.files[ident]
            return 200, {"id": ident, "object": "file", "deleted": True}
        kept.looks += 1
        return 200, _googles(ident, kept, settings)

    def put(self, content: bytes, **about: Any) -> str:
        ident = f"file-{self._count}"
        self._count += 1
        self.files[ident] = Kept(content, {"id": ident, **about})
        return ident

    def _form(self, body: bytes) -> str:
        content, purpose, about = (found.search(body) for found in (CONTENT, PURPOSE, ABOUT))
        name, kind = (about[1].decode(), about[2].decode()) if about else ("unnamed", "application/octet-stream")
        data = content[1] if content else b""
        if purpose:
            said = {"object": "file", "bytes": len(data), "created_at": 0, "purpose": purpose[1].decode()}
            return self.put(data, filename=name, status="processed", **said)
        said = {"type": "file", "size_bytes": len(data), "created_at": CREATED_AT, "mime_type": kind}
        return self.put(data, filename=name, **said)


def _googles(ident: str, kept: Kept, settings: Settings) -> Json:
    state = "ACTIVE" if kept.looks >= settings.batch_looks else "PROCESSING"
    place = f"https://elsewhere.invalid/v1beta/files/{ident}"
    return {"name": f"files/{ident}", "uri": place, "mimeType": kept.about.get("mimeType"), "state": state}
