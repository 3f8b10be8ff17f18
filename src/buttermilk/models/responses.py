"""OpenAI responses, and whoever speaks it: Azure v1, vLLM, OpenRouter, …

Wire format: https://platform.openai.com/docs/api-reference/responses (read 2026-11). The API knows no seed, and takes
no audio or video. It keeps each answer for 30 days unless the agent's `parameters` say `store: false`. What many bodies
begin with is cached unasked; a study may help by a `prompt_cache_key` among the `parameters`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from buttermilk.core.contracts import Blobs, Keys
from buttermilk.core.errors import ConfigError, Permanent
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.messages import Finish, Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.batches import BatchWay, OpenAIBatches
from buttermilk.models.dialect import TOOL, Dialect, Goes, blob, text, tokens_of
from buttermilk.models.openai import BEARER, failed, kept_back, usage_of
from buttermilk.models.uploads import FILE, OpenAIUploads, Uploads

FINISH: Mapping[str, Finish] = {"max_output_tokens": "length", "content_filter": "filter"}


class OpenAIResponses(Dialect):
    """Answers by `text.format` (native), by a forced call (tool), or by the prompt alone (prompted)."""

    batches: ClassVar[type[BatchWay] | None] = OpenAIBatches
    says: ClassVar[str] = "response"
    example: ClassVar[str] = "https://api.openai.com/v1"
    keys: ClassVar[Mapping[str, tuple[str, str]]] = {"": BEARER, "azure": ("api-key", "")}
    takes: ClassVar[tuple[str, ...]] = ("text", "image", "pdf")
    uploads: ClassVar[type[Uploads] | None] = OpenAIUploads
    takes_files: ClassVar[Collection[str]] = ("image", "pdf")
    fetches: Mapping[str, Collection[str]] = {"image": ("https",), "pdf": ("https",)}

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        unheard: list[str] = [kind for kind in agent.capabilities.inputs if kind not in self.takes]
        unheard += ["seed"] if agent.capabilities.seed else []
        if unheard:
            raise ConfigError(
                f"the responses API takes no {unheard[0]} (agent '{agent.name}').",
                hint=f"Take `{unheard[0]}` out of `capabilities`, or write `type: openai`.",
            )
        super().__init__(agent, keys, blobs)

    def path(self) -> str:
        return "/responses"

    def body(self, request: Request) -> dict[str, Any]:
        # System messages are items like the others: `instructions` has room for one, and only before all the rest.
        items = [
            {"role": message.role, "content": self._content(message, number)}
            for number, message in enumerate(request.messages)
        ]
        body = {"model": self.agent.model, **self.agent.parameters, "input": items}
        return body | (_answer_shape(request.codebook, self.agent) if request.codebook else {})

    def _content(self, message: Message, number: int) -> Any:
        if not message.media:
            return text(number)
        media = (_media(part, self.goes(part)) for part in message.media)
        return [{"type": "input_text", "text": text(number)}, *media]

    def read(self, found: Any) -> Reply:
        status = found.get("status") or "completed"
        if found.get("error"):
            return failed(found)
        if status not in ("completed", "incomplete"):
            raise Permanent(f"the response is '{status}': `background` is not for here.", kind="unfinished")
        words, refusal = _said(found["output"])
        why = (found.get("incomplete_details") or {}).get("reason") or ""
        return Reply(
            text=words,
            refusal=refusal or None,
            finish="stop" if status == "completed" else FINISH.get(why, "other"),
            usage=usage_of(found.get("usage") or {}, "input", "output"),
            model_returned=found.get("model") or "",
            response_id=found.get("id") or "",
            tokens=tokens_of(_told(found["output"])),
        )

    def refused(self, error: Permanent) -> Reply | None:
        return kept_back(error.raw)


def _media(part: Part, goes: Goes) -> dict[str, Any]:
    if part.kind == "image":
        place: dict[str, Any] = {"image_url": part.url or blob(part.blob, part.media_type)}
        place = {"file_id": blob(part.blob, FILE)} if goes == "file" else place
        return {"type": "input_image", **place, "detail": "auto"}  # demanded; this is what is taken where it is missing
    places: Mapping[Goes, dict[str, Any]] = {
        "inline": {"filename": "record.pdf", "file_data": blob(part.blob, part.media_type)},
        "url": {"file_url": part.url},
        "file": {"file_id": blob(part.blob, FILE)},
    }
    return {"type": "input_file", **places[goes]}


def _answer_shape(codebook: Codebook, agent: Agent) -> dict[str, Any]:
    strategy = agent.capabilities.answers
    if strategy == "native":
        style = agent.parameters.get("text")  # `verbosity` stands in the same place
        schema = {"type": "json_schema", "name": TOOL, "schema": codebook.schema_, "strict": True}
        return {"text": {**(style if isinstance(style, Mapping) else {}), "format": schema}}
    if strategy == "tool":
        function = {"type": "function", "name": TOOL, "parameters": codebook.schema_, "strict": True}
        return {"tools": [function], "tool_choice": {"type": "function", "name": TOOL}}
    return {}


def _said(output: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """The arguments of the forced call or the words of the answer, and those of a refusal. Thinking is none of them."""
    words, refusal = "", ""
    for item in output:
        if item["type"] == "function_call" and item["name"] == TOOL:
            return item["arguments"] + "", ""
        if item["type"] == "message" and item.get("phase") != "commentary":
            for part in item["content"]:
                words += part["text"] if part["type"] == "output_text" else ""
                refusal += part["refusal"] if part["type"] == "refusal" else ""
    return words, refusal


def _told(output: Iterable[Mapping[str, Any]]) -> list[Any]:
    messages = (item for item in output if item["type"] == "message")
    return [token for item in messages for part in item["content"] for token in part.get("logprobs") or ()]
