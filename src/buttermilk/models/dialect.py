"""What every wire dialect shares: the body as a skeleton, keys as headers, one encoding a medium, the reply kept whole.

A dialect is one file: where it posts (`path`), what it says (`body`), how it reads a reply (`read`), and which doors it
is reached by. The body holds what the agent declares and nothing else.
"""

import base64
import hashlib
import json
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Literal, cast
from urllib.parse import urlsplit

from pydantic_core import from_json
from yarl import URL

from buttermilk.core.contracts import Blobs, Keys
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import sha256
from buttermilk.core.jobs import Piece, Sent, cut, fill
from buttermilk.core.messages import Reply, Request, Token
from buttermilk.core.records import Part
from buttermilk.doors.door import Door, door_of
from buttermilk.models.batches import SIZE, BatchWay
from buttermilk.models.uploads import FILE, Uploads
from buttermilk.wire import Streamed, Wire, message_in, rest_after

LOCAL = ("127.0.0.1", "localhost", "::1")
SHAPES = 256  # skeletons remembered; media and seeds make one a request, which is not worth remembering
ROOM = 16_000_000  # bytes of encoded media that are kept at hand
Goes = Literal["inline", "url", "file"]
TOOL = "answer"  # the name of the schema, and of the call that is forced where a model answers by calling a tool


class Dialect:
    """One agent behind `base_url`. A subclass names its `doors` and how the key is sent through each."""

    simulated: ClassVar[bool] = False
    says: ClassVar[str] = "reply"  # what a sound body is called: "chat completion"
    example: ClassVar[str] = ""  # an address, for the hint where none is written
    keys: ClassVar[Mapping[str, tuple[str, str]]] = {"": ("Authorization", "Bearer ")}  # door -> header, what precedes
    fixed: ClassVar[Mapping[str, str]] = {}  # headers the vendor demands of everyone
    takes: ClassVar[tuple[str, ...]] = ("text", "image", "audio", "video", "pdf")  # what its API has a place for
    batches: ClassVar[type[BatchWay] | None] = None  # how it takes many questions at once
    uploads: ClassVar[type[Uploads] | None] = None  # how it takes files
    takes_files: ClassVar[Collection[str]] = ()  # kinds of media that may go as such
    fetches: Mapping[str, Collection[str]] = {}  # kinds that it fetches itself -> where from: https, gs

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        if not agent.base_url:
            raise ConfigError(f"agent '{agent.name}' needs a `base_url`.", hint=f"e.g. {self.example}")
        if agent.door not in self.keys:
            known = ", ".join(name or "none" for name in self.keys)
            raise ConfigError(f"'{agent.door}' is no door of '{agent.type}' (agent '{agent.name}'): {known}.")
        self.agent = agent
        self.endpoint = agent.base_url.rstrip("/")
        self.local = urlsplit(self.endpoint).hostname in LOCAL
        self.url = self.endpoint + self.path()
        self._address = address_of(self.url)
        self.blobs = blobs
        headers, secrets = self._headers(keys)
        self.wire = Wire(headers, agent.limits, secrets)
        self._door: Door | None = None if agent.key else door_of(agent)
        self._signs = agent.door == "bedrock"  # the body itself, which is then put together
        self._encoded = Encoded(self._encode)
        self._skeletons: dict[object, str] = {}
        self._files = self._opened_files()

    def _opened_files(self) -> Uploads | None:
        agent = self.agent
        if not agent.capabilities.media:
            return None
        if self.uploads is None or agent.door:
            said = f"agent '{agent.name}' would upload media, which '{agent.type}' does by the vendor's own door alone."
            raise ConfigError(said, hint="Under `capabilities` take out `media: upload`.")
        return self.uploads(self)

    def _headers(self, keys: Keys) -> tuple[dict[str, str], list[str]]:
        agent = self.agent
        named = [text for text in agent.headers.values() if text.startswith("secret://")]
        secrets = {text: keys(text).reveal() for text in [*named, *([agent.key] if agent.key else [])]}
        headers = {"Content-Type": "application/json", **self.fixed}
        headers |= {name: secrets.get(text, text) for name, text in agent.headers.items()}
        if agent.key:
            name, before = self.keys[agent.door]
            headers[name] = before + secrets[agent.key]
        return headers, list(secrets.values())

    # ---- what a dialect says

    def path(self) -> str:
        """Behind `base_url`."""
        raise NotImplementedError

    def body(self, request: Request) -> dict[str, Any]:
        """As JSON, each message's text as `text(number)` and each medium as `blob(part, form)`."""
        raise NotImplementedError

    def read(self, found: Any) -> Reply:
        """The reply's own part of a Reply. KeyError, TypeError and their like: it is none."""
        raise NotImplementedError

    def refused(self, error: Permanent) -> Reply | None:
        """A Reply where the vendor complains of what was asked rather than of how: a refusal is data."""
        return None

    # ---- a call

    async def complete(self, request: Request) -> Reply:
        if self._files:
            await self._files.ready(self._for_upload([request]))
        sent, body = self._made(request)
        signed = (
            await self._door.headers(self.url, self._whole(request) if self._signs else b"") if self._door else None
        )
        try:
            raw, headers = await self.wire.post(self._address, body, signed)
        except Permanent as error:
            refused = self.refused(error)
            if refused is None:
                raise
            return refused._replace(raw=error.raw, http_status=error.http_status, sent=sent)
        return self.understood(raw, headers, sent)

    def _made(self, request: Request) -> tuple[Sent, bytes | Streamed]:
        """The body and what is kept of it. One with media is not put together: it is hashed, and sent, in pieces."""
        skeleton, texts = self.skeleton(request)
        pieces = cut(skeleton, texts)
        body: bytes | Streamed
        if {*map(type, pieces)} == {bytes}:
            body = b"".join(cast(list[bytes], pieces))
            key = sha256(body)
        else:
            body, key = self._streamed(pieces)
        return Sent(method="POST", url=self.url, skeleton=skeleton, texts=texts, sha256=key), body

    def _streamed(self, pieces: Sequence[Piece]) -> tuple[Streamed, str]:
        """The hash has a file by its blob's name: the vendor's is another one tomorrow."""
        named = self._files.named(pieces) if self._files else pieces
        parts = [
            partial(_itself, piece) if isinstance(piece, bytes) else partial(self._quoted, *piece) for piece in named
        ]
        size, whole = 0, hashlib.sha256()
        for piece, part in zip(pieces, parts, strict=True):
            made = part()
            size += len(made)
            whole.update(self._quoted(*piece) if isinstance(piece, tuple) and piece[1] == FILE else made)
        return Streamed(parts, size), whole.hexdigest()

    def _quoted(self, key: str, form: str) -> bytes:
        return b'"' + self._encoded(key, form) + b'"'

    def _whole(self, request: Request) -> bytes:
        return fill(*self.skeleton(request), self._named)

    def _named(self, key: str, form: str) -> bytes:
        return self._files.name(key) if self._files and form == FILE else self._encoded(key, form)

    async def close(self) -> None:
        if self._files:
            await self._files.close()
        await self.wire.close()

    # ---- media

    def goes(self, part: Part) -> Goes:
        """How a medium goes: within the body, by its address, or as an uploaded file."""
        if not part.url:
            return "file" if self._files and part.kind in self.takes_files else "inline"
        scheme = part.url.partition(":")[0]
        if scheme not in self.fetches.get(part.kind, ()):
            said = f"'{self.agent.type}' takes no {part.kind} from {scheme}:// addresses ({part.url})"
            raise Permanent(f"{said}: download the file, and name it by its path.", kind="media")
        return "url"

    def _for_upload(self, requests: Sequence[Request]) -> list[Part]:
        media = (part for request in requests for message in request.messages for part in message.media)
        return [part for part in media if self.goes(part) == "file"]

    # ---- many calls at once

    @property
    def batch_size(self) -> int:
        """Only the vendor's own door has a counter for batches that we know."""
        return SIZE if self.batches and not self.agent.door else 0

    def _way(self) -> BatchWay:
        if self.batches is None:
            raise ConfigError(f"'{self.agent.type}' takes no batches (agent '{self.agent.name}').")
        return self.batches(self)

    async def submit(self, asked: Sequence[tuple[str, Request]], mark: str) -> str:
        way = self._way()
        if self._files:
            await self._files.ready(self._for_upload([request for _, request in asked]), for_batch=True)
        return await way.submit([(key, self._whole(request)) for key, request in asked], mark)

    async def marked(self, mark: str, count: int, since: datetime) -> Sequence[str]:
        return [ticket async for ticket in self._way().marked(mark, count, since)]

    async def ended(self, ticket: str) -> bool:
        return await self._way().ended(ticket)

    def replies(self, ticket: str) -> AsyncIterator[tuple[str, Reply | ProviderError]]:
        return self._way().replies(ticket)

    def sent(self, request: Request) -> Sent:
        return self._made(request)[0]

    async def cancel(self, ticket: str) -> None:
        await self._way().cancel(ticket)

    # ---- bodies

    def skeleton(self, request: Request) -> tuple[str, tuple[str, ...]]:
        """The body with its texts taken out, and the texts. Made once for all requests of one shape."""
        texts = tuple(message.text for message in request.messages)
        shape = (
            request.codebook.hash if request.codebook else "",
            request.seed,
            tuple((message.role, message.media) if message.media else message.role for message in request.messages),
        )
        made = self._skeletons.get(shape)
        if made is None:
            made = json.dumps(self.body(request), ensure_ascii=False, separators=(",", ":"))
            if len(self._skeletons) < SHAPES:
                self._skeletons[shape] = made
        return made, texts

    def understood(self, raw: bytes, headers: Mapping[str, str], sent: Sent | None = None) -> Reply:
        """A body as a Reply. Raises Unavailable for one that is none: the same question may fare better again."""
        text = raw.decode("utf-8", "replace")
        try:
            reply = _checked(self.read(from_json(raw)))
            return reply._replace(raw=text, headers=headers, sent=sent, rest_seconds=rest_after(headers))
        except ProviderError as error:  # the reply is itself a complaint
            error.raw = text
            raise
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            said = f"the reply is no {self.says}: {message_in(text)}"
            raise Unavailable(said, kind="malformed", raw=text[:100_000]) from error

    def _encode(self, key: str, form: str) -> bytes:
        """A medium as the text that goes into the body: a data URL, or bare base64 where `form` is empty. A file that
        was uploaded is here by its blob's hash, as it is kept."""
        if form == FILE:
            return key.encode()
        text = base64.b64encode(self.blobs(key))
        return b"data:" + form.encode() + b";base64," + text if form else text


class Encoded:
    """Media as the texts that go into bodies. A record is judged many times, and encoded once while there is room."""

    def __init__(self, encode: Callable[[str, str], bytes]) -> None:
        self._encode = encode
        self._kept: dict[tuple[str, str], bytes] = {}
        self._size = 0

    def __call__(self, key: str, form: str) -> bytes:
        known = self._kept.pop((key, form), None)
        if known is None:
            known = self._encode(key, form)
            self._size += len(known)
        self._kept[key, form] = known  # the last one used goes last
        while self._size > ROOM and len(self._kept) > 1:
            self._size -= len(self._kept.pop(next(iter(self._kept))))
        return known


def each_schema(schema: Mapping[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A JSON Schema with every schema in it changed, those of the leaves first."""
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: each_schema(one, change) for name, one in made["properties"].items()}
    if "items" in made:
        made["items"] = each_schema(made["items"], change)
    return change(made)


def _itself(piece: bytes) -> bytes:
    return piece


def text(number: int) -> dict[str, int]:
    """The place of a message's text in a skeleton."""
    return {"$text": number}


def blob(key: str | None, form: str = "") -> dict[str, str | None]:
    """The place of a medium: as a data URL of the media type `form`, as bare base64, or as an uploaded FILE."""
    return {"$blob": key, "as": form}


def tokens_of(found: Any, name: str = "logprob", untold: float = -math.inf) -> tuple[Token, ...]:
    """A reply's tokens, where a vendor lists them with their logarithms."""
    return tuple(
        Token(bytes(one["bytes"]) if one.get("bytes") else one["token"].encode(), float(one.get(name, untold)))
        for one in found or ()
    )


def _checked(reply: Reply) -> Reply:
    """A server may put anything anywhere. What is to be a text is one, or the reply is none."""
    texts = (reply.text, reply.refusal or "", reply.model_returned, reply.model_fingerprint, reply.response_id)
    if {*map(type, texts)} != {str}:
        raise TypeError("this is no text")
    return reply


def address_of(url: str) -> URL:
    hint = "It begins with http:// or https:// and has no `?` and no `name@`: base_url: http://127.0.0.1:8000/v1"
    wrong = ConfigError(f"'{url}' is not an address of a model.", hint=hint)
    try:
        address = URL(url)
    except ValueError as error:
        raise wrong from error
    if address.scheme not in ("http", "https") or not address.host or address.query_string or address.user:
        raise wrong
    return address
