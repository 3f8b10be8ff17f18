"""OpenAI chat completions, and whoever speaks it: vLLM, Ollama, llama.cpp, Together, Groq, OpenRouter, Azure v1, …

Wire format: https://platform.openai.com/docs/api-reference/chat (read 2026-11). The body holds what the agent declares
and nothing else: `model`, `messages`, its `parameters` as they stand, and the answer's schema as its strategy says.
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
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.hashing import sha256
from buttermilk.core.jobs import Sent, Usage, fill
from buttermilk.core.messages import Finish, Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.wire import Wire, message_in

LOCAL = ("127.0.0.1", "localhost", "::1")
FINISH: Mapping[str, Finish] = {
    "stop": "stop",
    "tool_calls": "stop",
    "function_call": "stop",
    "length": "length",
    "content_filter": "filter",
}
TOOL = "answer"
AUDIO = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav"}
SHAPES = 256  # skeletons remembered; media and seeds make one a request, which is not worth remembering


class OpenAIChat:
    """One agent behind `base_url`. `schema` strategies: native (`response_format`), tool (a forced call), prompted."""

    simulated: ClassVar[bool] = False

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        if not agent.base_url:
            raise ConfigError(f"agent '{agent.name}' needs a `base_url`.", hint="e.g. https://api.openai.com/v1")
        self.agent = agent
        self.endpoint = agent.base_url.rstrip("/")
        self.local = urlsplit(self.endpoint).hostname in LOCAL
        self._url = self.endpoint + "/chat/completions"
        self._address = _address(self._url)
        self._blobs = blobs
        named = [text for text in agent.headers.values() if text.startswith("secret://")] + [agent.key] * bool(
            agent.key
        )
        secrets = {text: keys(text).reveal() for text in named}
        headers = {name: secrets.get(text, text) for name, text in agent.headers.items()}
        if agent.key:
            headers["Authorization"] = "Bearer " + secrets[agent.key]
        self._wire = Wire({"Content-Type": "application/json", **headers}, agent.limits, secrets.values())
        self._encoded = lru_cache(maxsize=32)(self._encode)  # a record is judged many times: encoded once
        self._skeletons: dict[object, str] = {}

    async def complete(self, request: Request) -> Reply:
        skeleton, texts = self.skeleton(request)
        body = fill(skeleton, texts, self._encoded)
        sent = Sent(method="POST", url=self._url, skeleton=skeleton, texts=texts, sha256=sha256(body))
        raw, headers = await self._wire.post(self._address, body)
        return self._reply(raw, headers, sent)

    async def close(self) -> None:
        await self._wire.close()

    # ---- out

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
            made = json.dumps(self._body(request), ensure_ascii=False, separators=(",", ":"))
            if len(self._skeletons) < SHAPES:
                self._skeletons[shape] = made
        return made, texts

    def _body(self, request: Request) -> dict[str, Any]:
        messages = [
            {"role": message.role, "content": _content(message, {"$text": number})}
            for number, message in enumerate(request.messages)
        ]
        body = {"model": self.agent.model, **self.agent.parameters, "messages": messages}
        if request.seed is not None:
            body["seed"] = request.seed
        return body | (_answer_shape(request.codebook, self.agent) if request.codebook else {})

    def _encode(self, key: str, form: str) -> bytes:
        """A medium as the text that goes into the body: a data URL, or bare base64 where `form` is empty."""
        text = base64.b64encode(self._blobs(key))
        return b"data:" + form.encode() + b";base64," + text if form else text

    # ---- back

    def _reply(self, raw: bytes, headers: Mapping[str, str], sent: Sent) -> Reply:
        text = raw.decode("utf-8", "replace")
        try:
            found = from_json(raw)
            choice = found["choices"][0]
            message = choice["message"]
            return Reply(
                text=_said(message),
                refusal=message.get("refusal") or None,  # some send "" where nothing was refused
                finish=FINISH.get(choice.get("finish_reason") or "stop", "other"),
                usage=_usage(found.get("usage") or {}),
                model_returned=found.get("model") or "",
                model_fingerprint=found.get("system_fingerprint") or "",
                response_id=found.get("id") or "",
                raw=text,
                headers=headers,
                sent=sent,
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            said = f"the reply is no chat completion: {message_in(text)}"
            raise Unavailable(said, kind="malformed", raw=text[:100_000]) from error


def _address(url: str) -> URL:
    hint = "It begins with http:// or https:// and has no `?` and no `name@`: base_url: http://127.0.0.1:8000/v1"
    wrong = ConfigError(f"'{url}' is not an address of a model.", hint=hint)
    try:
        address = URL(url)
    except ValueError as error:
        raise wrong from error
    if address.scheme not in ("http", "https") or not address.host or address.query_string or address.user:
        raise wrong
    return address


def _content(message: Message, text: Mapping[str, int]) -> Any:
    if not message.media:
        return text
    return [{"type": "text", "text": text}, *(_media(part) for part in message.media)]


def _media(part: Part) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/chat/create: image_url, input_audio and file parts."""
    if part.kind == "image":
        return {"type": "image_url", "image_url": {"url": {"$blob": part.blob, "as": part.media_type}}}
    if part.kind == "audio":
        kind = part.media_type.rpartition("/")[2].removeprefix("x-")
        sound = {"data": {"$blob": part.blob, "as": ""}, "format": AUDIO.get(part.media_type, kind)}
        return {"type": "input_audio", "input_audio": sound}
    file = {"filename": "record.pdf", "file_data": {"$blob": part.blob, "as": part.media_type}}
    return {"type": "file", "file": file}


def _answer_shape(codebook: Codebook, agent: Agent) -> dict[str, Any]:
    strategy = agent.capabilities.answers
    if strategy == "native":
        schema = {"name": TOOL, "schema": codebook.schema_, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if strategy == "tool":
        function = {"name": TOOL, "parameters": codebook.schema_, "strict": True}
        choice = {"type": "function", "function": {"name": TOOL}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": choice}
    return {}


def _said(message: Mapping[str, Any]) -> str:
    """The answer's text: the arguments of the forced call, or the content."""
    for call in message.get("tool_calls") or ():
        if (call.get("function") or {}).get("name") == TOOL:
            return str(call["function"].get("arguments") or "")
    text = message.get("content") or ""
    if not isinstance(text, str):
        raise TypeError("the content is no text")
    return text


def _usage(found: Mapping[str, Any]) -> Usage:
    """`prompt_tokens` includes the cached ones here, and `completion_tokens` the reasoning."""
    return Usage(
        input_tokens=found.get("prompt_tokens") or 0,
        output_tokens=found.get("completion_tokens") or 0,
        cached_tokens=(found.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
        reasoning_tokens=(found.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
    )
