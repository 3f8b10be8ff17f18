"""Anthropic messages: Claude at Anthropic itself, on Vertex AI, on Amazon Bedrock and in Microsoft Foundry.

Wire format: https://platform.claude.com/docs/en/api/messages (read 2026-11); on Vertex `rawPredict`, on Bedrock
`InvokeModel`. The version of the API that is asked for still takes a `temperature`, and every model on every door
speaks it. A study asks for another by the header `anthropic-version`, or by the parameter `anthropic_version` on Vertex
and Bedrock, where it stands in the body: https://platform.claude.com/docs/en/api/versioning
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from buttermilk.core.contracts import Blobs, Keys
from buttermilk.core.errors import ConfigError, Permanent
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.jobs import Usage
from buttermilk.core.messages import Finish, Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.batches import AnthropicBatches, BatchWay
from buttermilk.models.dialect import TOOL, Dialect, Goes, blob, each_schema, text
from buttermilk.models.uploads import FILE, AnthropicUploads, Uploads

FINISH: Mapping[str, Finish] = {
    "end_turn": "stop",
    "tool_use": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",  # cut off as well, and so never to be mended into an answer
    "refusal": "refusal",
}
PATHS = {"vertex": "/publishers/anthropic/models/{}:rawPredict", "bedrock": "/model/{}/invoke"}
VERSION = "2023-06-01"
IN_BODY = {"vertex": "vertex-2023-10-16", "bedrock": "bedrock-2023-05-31"}  # the same version by other names
TAKES = ("text", "image", "pdf")
LIMITS = ("minimum", "maximum")  # structured outputs refuse a schema that has them
MOST_NULLS = 16  # of values that may be one of two types, in one schema; a forced call may have any number
KEPT_BACK = "blocked by content filtering policy"  # all that this complaint says; it comes as an invalid request


class AnthropicMessages(Dialect):
    """Answers by `output_config.format` (native), by a forced call (tool), or by the prompt alone (prompted)."""

    takes: ClassVar[tuple[str, ...]] = TAKES
    batches: ClassVar[type[BatchWay] | None] = AnthropicBatches
    uploads: ClassVar[type[Uploads] | None] = AnthropicUploads
    takes_files: ClassVar[Collection[str]] = ("image", "pdf")
    fetches: Mapping[str, Collection[str]] = {"image": ("https",), "pdf": ("https",)}
    says: ClassVar[str] = "message"
    example: ClassVar[str] = "https://api.anthropic.com"
    keys: ClassVar[Mapping[str, tuple[str, str]]] = {
        "": ("x-api-key", ""),
        "foundry": ("x-api-key", ""),
        "vertex": ("Authorization", "Bearer "),
        "bedrock": ("Authorization", "Bearer "),
    }

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        _check(agent)
        super().__init__(agent, keys, blobs)
        if agent.door in IN_BODY:  # https://github.com/anthropics/anthropic-sdk-typescript/issues/1038
            self.fetches = {}

    def check(self, codebook: Codebook) -> None:
        """Raises ConfigError for a form that structured outputs would not take."""
        nulls = sum(question.optional for question in codebook.every)
        if self.agent.capabilities.answers == "native" and nulls > MOST_NULLS:
            raise ConfigError(
                f"codebook '{codebook.name}' has {nulls} questions that may be answered by null; Claude's own schemas "
                f"take {MOST_NULLS} (agent '{self.agent.name}').",
                hint="Under `capabilities:` write `answers: tool`.",
            )

    def _headers(self, keys: Keys) -> tuple[dict[str, str], list[str]]:
        headers, secrets = super()._headers(keys)
        return (headers if self.agent.door in IN_BODY else {"anthropic-version": VERSION, **headers}), secrets

    def path(self) -> str:
        return PATHS.get(self.agent.door, "/v1/messages").format(quote(self.agent.model, safe=":@"))

    def body(self, request: Request) -> dict[str, Any]:
        agent, numbered = self.agent, list(enumerate(request.messages))
        version = IN_BODY.get(agent.door)
        first = {"anthropic_version": version} if version else {"model": agent.model}
        body: dict[str, Any] = {**first, **agent.parameters}
        if system := [text(number) for number, message in numbered if message.role == "system"]:
            body["system"] = self._system(system)
        turns = [(number, message) for number, message in numbered if message.role != "system"]
        body["messages"] = [
            {"role": message.role, "content": self._content(message, number)} for number, message in turns
        ]
        return body | (_answer_shape(request.codebook, agent) if request.codebook else {})

    def _system(self, texts: Sequence[Any]) -> Any:
        """Jobs of one cell follow each other and have it in common, with all that precedes it: the schema of a forced
        call. https://platform.claude.com/docs/en/build-with-claude/prompt-caching
        """
        blocks = [{"type": "text", "text": one} for one in texts]
        if self.agent.capabilities.cache:
            blocks[-1]["cache_control"] = {"type": "ephemeral"}
        return blocks if len(blocks) > 1 or self.agent.capabilities.cache else texts[0]

    def _content(self, message: Message, number: int) -> Any:
        """Media stand before the words: https://platform.claude.com/docs/en/build-with-claude/vision"""
        if not message.media:
            return text(number)
        return [*(_media(part, self.goes(part)) for part in message.media), {"type": "text", "text": text(number)}]

    def read(self, found: Any) -> Reply:
        said, stopped = _said(found["content"]), found.get("stop_reason")
        return Reply(
            text=said,
            refusal=_refusal(found, said) if stopped == "refusal" else None,
            finish=FINISH.get(stopped, "other"),
            usage=_usage(found.get("usage") or {}),
            model_returned=found.get("model") or "",
            response_id=found.get("id") or "",
        )

    def refused(self, error: Permanent) -> Reply | None:
        return Reply(refusal=error.message, finish="filter") if KEPT_BACK in error.message else None


def _check(agent: Agent) -> None:
    """Before anything is spent: what Claude must be told, and what it cannot be given."""
    if "max_tokens" not in agent.parameters:
        raise ConfigError(
            f"agent '{agent.name}' does not say how long an answer may be, which Claude has to be told.",
            hint="Under `parameters:` write `max_tokens: 4000`, or another number; what it thinks counts too.",
        )
    if strange := [kind for kind in agent.capabilities.inputs if kind not in TAKES]:
        raise ConfigError(
            f"Claude takes no {' and no '.join(strange)} (agent '{agent.name}').",
            hint=f"Under `capabilities:` write `inputs: [{', '.join(TAKES)}]`; for the rest their words are sent.",
        )
    if agent.capabilities.seed:
        raise ConfigError(
            f"Claude takes no seed (agent '{agent.name}').", hint="Under `capabilities:` take out `seed: true`."
        )


def _media(part: Part, goes: Goes) -> dict[str, Any]:
    sources: Mapping[Goes, dict[str, Any]] = {
        "inline": {"type": "base64", "media_type": part.media_type, "data": blob(part.blob)},
        "url": {"type": "url", "url": part.url},
        "file": {"type": "file", "file_id": blob(part.blob, FILE)},
    }
    return {"type": "document" if part.kind == "pdf" else "image", "source": sources[goes]}


def _answer_shape(codebook: Codebook, agent: Agent) -> dict[str, Any]:
    strategy = agent.capabilities.answers
    if strategy == "native":
        more: Any = agent.parameters.get("output_config") or {}  # `effort` stands there too
        schema = {"type": "json_schema", "schema": each_schema(codebook.schema_, _taken)}
        return {"output_config": {**more, "format": schema}}
    if strategy == "tool":
        choice = {"type": "tool", "name": TOOL, "disable_parallel_tool_use": True}  # else it may answer twice
        return {"tools": [{"name": TOOL, "input_schema": codebook.schema_}], "tool_choice": choice}
    return {}


def _taken(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as structured outputs take it; what is left out here is checked when the answer is read. An `enum` says
    its types itself: beside the list of two types that a `null` needs, it is refused.

    https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
    """
    kind, left_out = schema["type"], {"type", *LIMITS}
    kept = {key: one for key, one in schema.items() if key not in left_out}
    if "enum" in kept:
        return kept
    return kept | ({"anyOf": [{"type": one} for one in kind]} if isinstance(kind, list) else {"type": kind})


def _said(content: Any) -> str:
    """The arguments of the forced call, or the text; what it thought is in the raw reply."""
    for block in content:
        if block["type"] == "tool_use" and block["name"] == TOOL:
            return json.dumps(block["input"], ensure_ascii=False)
    return "".join(block["text"] for block in content if block["type"] == "text")


def _refusal(found: Mapping[str, Any], said: str) -> str:
    """In its own words, or at least under which policy; older models only stop."""
    details = found.get("stop_details") or {}
    return details.get("explanation") or details.get("category") or said


def _usage(found: Mapping[str, Any]) -> Usage:
    """`input_tokens` leaves out what was read from the cache or written to it: all three together were sent.
    https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
    """
    read = found.get("cache_read_input_tokens") or 0
    written = found.get("cache_creation_input_tokens") or 0
    hour = (found.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
    return Usage(
        input_tokens=(found.get("input_tokens") or 0) + read + written,
        output_tokens=found.get("output_tokens") or 0,
        cached_tokens=read,
        reasoning_tokens=(found.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
        cache_write_tokens=written,
        cache_write_hour_tokens=hour,
    )
