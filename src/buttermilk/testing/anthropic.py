"""The mock speaks Anthropic's messages: at /v1/messages, and at the paths of Vertex and Bedrock."""

import re
from urllib.parse import unquote

from buttermilk.testing.replies import CUTTING, REFUSAL, Ask, BadRequestError, Json, fill

MODEL = re.compile(r"/models?/([^/]+?)(?::rawPredict|/invoke)$")


def anthropic_messages(ask: Ask) -> Json:
    """A tool is called where `tool_choice` forces one; a cut-off call has no arguments, as JSON cannot be cut."""
    request, fault = ask.request, ask.fault
    model = _check(ask)
    tool, schema = _forced(request), _schema(request)
    text = ask.text(tool["input_schema"] if tool else schema)
    content: list[Json] = [{"type": "text", "text": text}]
    stopped, details = "end_turn", None
    if tool:
        filled = {} if fault in CUTTING else fill(tool["input_schema"], ask.seed)
        content = [{"type": "tool_use", "id": f"toolu_{ask.ident}", "name": tool["name"], "input": filled}]
        stopped = "tool_use"
    if fault == "refusal":
        content, stopped = [], "refusal"
        details = {"type": "refusal", "category": None, "explanation": REFUSAL}
    elif fault == "length":
        stopped = "max_tokens"
    tokens_in, tokens_out = ask.usage(text)
    return {
        "id": f"msg_{ask.ident}",
        "type": "message",
        "role": "assistant",
        "model": ask.settings.model_returned or model,
        "content": content,
        "stop_reason": stopped,
        "stop_sequence": None,
        "stop_details": details,
        "usage": {
            "input_tokens": tokens_in,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": tokens_out,
        },
    }


def _check(ask: Ask) -> str:
    """The model that is asked, which Vertex and Bedrock have in the path, where they want a version in the body."""
    request, in_path = ask.request, MODEL.search(ask.path)
    model, other = (unquote(in_path[1]), "anthropic_version") if in_path else (request.get("model"), "model")
    if not isinstance(request.get(other), str):
        raise BadRequestError(f"{other}: Field required")
    if in_path and "model" in request:
        raise BadRequestError("model: Extra inputs are not permitted")
    if not isinstance(request.get("max_tokens"), int):
        raise BadRequestError("max_tokens: Field required")
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequestError("messages: at least one message is required")
    if request.get("stream"):
        raise BadRequestError("the mock does not stream: ask without 'stream'")
    return str(model)


def _schema(request: Json) -> Json | None:
    wanted = (request.get("output_config") or {}).get("format")
    return wanted["schema"] if wanted else None


def _forced(request: Json) -> Json | None:
    choice = request.get("tool_choice") or {}
    if choice.get("type") != "tool":
        return None
    named: list[Json] = [tool for tool in request.get("tools") or () if tool["name"] == choice["name"]]
    if not named:
        raise BadRequestError(f"tool_choice: there is no tool '{choice['name']}' in 'tools'")
    return named[0]
