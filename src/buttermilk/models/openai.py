"""OpenAI chat completions, and whoever speaks it: vLLM, Ollama, llama.cpp, Together, Groq, OpenRouter, Azure v1, …

Wire format: https://platform.openai.com/docs/api-reference/chat (read 2026-11). The body holds what the agent declares
and nothing else: `model`, `messages`, its `parameters` as they stand, and the answer's schema as its strategy says.
What many bodies begin with is cached unasked; a study may help by a `prompt_cache_key` among the `parameters`.
"""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from pydantic_core import from_json

from buttermilk.core.errors import Permanent, RateLimited, Unavailable
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.jobs import Usage
from buttermilk.core.messages import Finish, Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.batches import BatchWay, OpenAIBatches
from buttermilk.models.dialect import TOOL, Dialect, Goes, blob, text, tokens_of
from buttermilk.models.uploads import FILE, OpenAIUploads, Uploads

FINISH: Mapping[str, Finish] = {
    "stop": "stop",
    "tool_calls": "stop",
    "function_call": "stop",
    "length": "length",
    "content_filter": "filter",
}
AUDIO = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav"}
BEARER = ("Authorization", "Bearer ")
KEPT_BACK = {  # error codes for content that no model was allowed to see, or nobody to read
    "content_filter", "ResponsibleAIPolicyViolation", "content_policy_violation", "image_content_policy_violation",
    "bio_policy", "misalignment_policy_violation",
}  # fmt: skip
OURS = ("invalid_", "image_", "unsupported_", "empty_", "data_residency", "400", "401", "402", "403", "404")


class OpenAIChat(Dialect):
    """Answers by `response_format` (native), by a forced call (tool), or by the prompt alone (prompted)."""

    says: ClassVar[str] = "chat completion"
    batches: ClassVar[type[BatchWay] | None] = OpenAIBatches
    uploads: ClassVar[type[Uploads] | None] = OpenAIUploads
    takes_files: ClassVar[Collection[str]] = ("pdf",)
    fetches: Mapping[str, Collection[str]] = {"image": ("https",), "video": ("https",)}
    example: ClassVar[str] = "https://api.openai.com/v1"
    keys: ClassVar[Mapping[str, tuple[str, str]]] = {
        **dict.fromkeys(("", "vertex", "bedrock"), BEARER), "azure": ("api-key", ""),
    }  # fmt: skip

    def path(self) -> str:
        return "/chat/completions"

    def body(self, request: Request) -> dict[str, Any]:
        messages = [
            {"role": message.role, "content": self._content(message, number)}
            for number, message in enumerate(request.messages)
        ]
        body = {"model": self.agent.model, **self.agent.parameters, "messages": messages}
        if request.seed is not None:
            body["seed"] = request.seed
        return body | (_answer_shape(request.codebook, self.agent) if request.codebook else {})

    def _content(self, message: Message, number: int) -> Any:
        if not message.media:
            return text(number)
        return [{"type": "text", "text": text(number)}, *(_media(part, self.goes(part)) for part in message.media)]

    def read(self, found: Any) -> Reply:
        choice = (found.get("choices") or [found])[0]
        if choice.get("error"):  # OpenRouter says so with status 200, where the model had begun
            return failed(choice)
        message = choice["message"]
        return Reply(
            text=_said(message),
            refusal=message.get("refusal") or None,  # some send "" where nothing was refused
            finish=FINISH.get(choice.get("finish_reason") or "stop", "other"),
            usage=usage_of(found.get("usage") or {}),
            model_returned=found.get("model") or "",
            model_fingerprint=found.get("system_fingerprint") or "",
            response_id=found.get("id") or "",
            tokens=tokens_of((choice.get("logprobs") or {}).get("content")),
        )

    def refused(self, error: Permanent) -> Reply | None:
        return kept_back(error.raw)


def kept_back(raw: str) -> Reply | None:
    """The Reply that stands for an error which says that a filter stepped in; None for any other error.

    https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter, https://openrouter.ai/docs/errors
    """
    try:
        return _filtered(from_json(raw)["error"])
    except (ValueError, KeyError, TypeError):
        return None


def _filtered(error: Any) -> Reply | None:
    if not isinstance(error, dict):
        return None
    said = str(error.get("message") or "")
    codes = {str(one.get("code")) for one in (error, error.get("innererror")) if isinstance(one, dict)}
    flagged = "flagged_input" in (error.get("metadata") or ())
    # OpenAI calls a prompt invalid for two reasons, and only the words tell which.
    if codes & KEPT_BACK or flagged or ("invalid_prompt" in codes and "policy" in said):
        return Reply(refusal=said or None, finish="filter")
    return None


def failed(found: Mapping[str, Any]) -> Reply:
    """What a reply means that carries an error where an answer should be; mostly, what is raised."""
    error = found["error"]
    if reply := _filtered(error):
        return reply
    code, said = (str(error.get("code")), error.get("message")) if isinstance(error, dict) else ("", error)
    if code in ("rate_limit_exceeded", "429"):
        raise RateLimited(f"told to slow down: {said}")
    if code.startswith(OURS):
        raise Permanent(f"{code}: {said}", kind="failed")
    raise Unavailable(f"the model failed ({code}): {said}", kind="failed")


def _media(part: Part, goes: Goes) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/chat/create: image_url, input_audio and file parts.

    Others take video too: https://docs.vllm.ai/en/latest/features/multimodal_inputs.html (video_url).
    """
    if part.kind == "image":
        return {"type": "image_url", "image_url": {"url": part.url or blob(part.blob, part.media_type)}}
    if part.kind == "video":
        return {"type": "video_url", "video_url": {"url": part.url or blob(part.blob, part.media_type)}}
    if part.kind == "audio":
        kind = part.media_type.rpartition("/")[2].removeprefix("x-")
        sound = {"data": blob(part.blob), "format": AUDIO.get(part.media_type, kind)}
        return {"type": "input_audio", "input_audio": sound}
    if goes == "file":
        return {"type": "file", "file": {"file_id": blob(part.blob, FILE)}}
    return {"type": "file", "file": {"filename": "record.pdf", "file_data": blob(part.blob, part.media_type)}}


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


def _said(message: Mapping[str, Any]) -> Any:
    """The answer's text: the arguments of the forced call, or the content."""
    for call in message.get("tool_calls") or ():
        if (call.get("function") or {}).get("name") == TOOL:
            return str(call["function"].get("arguments") or "")
    said = message.get("content") or ""
    if isinstance(said, list):  # Mistral's models that think aloud: https://docs.mistral.ai/capabilities/reasoning
        return "".join(part["text"] for part in said if part["type"] == "text")
    return said


def usage_of(found: Mapping[str, Any], given: str = "prompt", made: str = "completion") -> Usage:
    """`prompt_tokens` includes the cached ones here, and `completion_tokens` the reasoning."""
    details = found.get(f"{given}_tokens_details") or {}
    return Usage(
        input_tokens=found.get(f"{given}_tokens") or 0,
        output_tokens=found.get(f"{made}_tokens") or 0,
        cached_tokens=details.get("cached_tokens") or 0,
        cache_write_tokens=details.get("cache_write_tokens") or 0,
        reasoning_tokens=(found.get(f"{made}_tokens_details") or {}).get("reasoning_tokens") or 0,
    )
