"""What every wire dialect shares: the body as a skeleton, keys as headers, one encoding a medium, the reply kept whole.

A dialect is one file: where it posts (`path`), what it says (`body`), how it reads a reply (`read`), and which doors it
is reached by. The body holds what the agent declares and nothing else.
"""

import base64
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic_core import from_json
from yarl import URL

from buttermilk.core.contracts import Blobs, Keys
from buttermilk.core.errors import ConfigError, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import sha256
from buttermilk.core.jobs import Sent, fill
from buttermilk.core.messages import Reply, Request
from buttermilk.models.doors import Door, door_of
from buttermilk.models.wire import Wire, message_in

LOCAL = ("127.0.0.1", "localhost", "::1")
SHAPES = 256  # skeletons remembered; media and seeds make one a request, which is not worth remembering
TOOL = "answer"  # the name of the schema, and of the call that is forced where a model answers by calling a tool


class Dialect:
    """One agent behind `base_url`. A subclass names its `doors` and how the key is sent through each."""

    simulated: ClassVar[bool] = False
    says: ClassVar[str] = "reply"  # what a sound body is called: "chat completion"
    example: ClassVar[str] = ""  # an address, for the hint where none is written
    keys: ClassVar[Mapping[str, tuple[str, str]]] = {"": ("Authorization", "Bearer ")}  # door -> header, what precedes
    fixed: ClassVar[Mapping[str, str]] = {}  # headers the vendor demands of everyone

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        if not agent.base_url:
            raise ConfigError(f"agent '{agent.name}' needs a `base_url`.", hint=f"e.g. {self.example}")
        if agent.door not in self.keys:
            known = ", ".join(name or "none" for name in self.keys)
            raise ConfigError(f"'{agent.door}' is no door of '{agent.type}' (agent '{agent.name}'): {known}.")
        self.agent = agent
        self.endpoint = agent.base_url.rstrip("/")
        self.local = urlsplit(self.endpoint).hostname in LOCAL
        self._url = self.endpoint + self.path()
        self._address = address_of(self._url)
        self._blobs = blobs
        headers, secrets = self._headers(keys)
        self._wire = Wire(headers, agent.limits, secrets)
        self._door: Door | None = None if agent.key else door_of(agent)
        self._encoded = lru_cache(maxsize=32)(self._encode)  # a record is judged many times: encoded once
        self._skeletons: dict[object, str] = {}

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

    # ---- a call

    async def complete(self, request: Request) -> Reply:
        skeleton, texts = self.skeleton(request)
        body = fill(skeleton, texts, self._encoded)
        sent = Sent(method="POST", url=self._url, skeleton=skeleton, texts=texts, sha256=sha256(body))
        signed = await self._door.headers(self._url, body) if self._door else None
        raw, headers = await self._wire.post(self._address, body, signed)
        return self.understood(raw, headers)._replace(sent=sent)

    async def close(self) -> None:
        await self._wire.close()

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

    def understood(self, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """A body as a Reply. Raises Unavailable for one that is none: the same question may fare better again."""
        text = raw.decode("utf-8", "replace")
        try:
            return _checked(self.read(from_json(raw)))._replace(raw=text, headers=headers)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            said = f"the reply is no {self.says}: {message_in(text)}"
            raise Unavailable(said, kind="malformed", raw=text[:100_000]) from error

    def _encode(self, key: str, form: str) -> bytes:
        """A medium as the text that goes into the body: a data URL, or bare base64 where `form` is empty."""
        text = base64.b64encode(self._blobs(key))
        return b"data:" + form.encode() + b";base64," + text if form else text


def text(number: int) -> dict[str, int]:
    """The place of a message's text in a skeleton."""
    return {"$text": number}


def blob(key: str | None, form: str = "") -> dict[str, str | None]:
    """The place of a medium: as a data URL of the media type `form`, or as bare base64."""
    return {"$blob": key, "as": form}


def _checked(reply: Reply) -> Reply:
    """A server may put anything anywhere. What is to be a text is one, or the reply is none."""
    texts = (reply.text, reply.refusal or "", reply.model_returned, reply.model_fingerprint, reply.response_id)
    if not all(isinstance(one, str) for one in texts):
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
