"""OpenAI's responses, as the mock speaks it: a model that thinks first, and refuses what the API has no name for."""

from typing import Any

from buttermilk.testing.replies import CREATED, REFUSAL, Ask, BadRequestError, Json

UNKNOWN = ("seed", "messages", "response_format", "max_tokens", "max_completion_tokens", "stop")  # of chat completions
PARTS = ("input_text", "input_image", "input_file", "output_text", "refusal")


def openai_responses(ask: Ask) -> Json:
    """A function is called where `tool_choice` names one, or demands one."""
    request, ident = ask.request, ask.ident
    _check(request)
    function = _function_to_call(request)
    wanted = (request.get("text") or {}).get("format") or {}
    schema = wanted.get("schema") if wanted.get("type") == "json_schema" else None
    text = ask.text(schema if function is None else function.get("parameters") or {"type": "object"})
    told = "message.output_text.logprobs" in (request.get("include") or ())
    logprobs = ask.logprobs(text) if told else []
    part: Json = {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}
    if ask.fault == "refusal":
        function, part = None, {"type": "refusal", "refusal": REFUSAL}
    cut = ask.fault == "length"
    status = "incomplete" if cut else "completed"
    item: Json = {"type": "message", "id": f"msg_{ident}", "role": "assistant", "status": status, "content": [part]}
    if function is not None:
        item = {"type": "function_call", "id": f"fc_{ident}", "call_id": f"call_{ident}", "status": status}
        item |= {"name": function["name"], "arguments": text}
    tokens_in, tokens_out = ask.usage(text)
    return {
        "id": f"resp_{ident}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": ask.model,
        "output": [{"type": "reasoning", "id": f"rs_{ident}", "summary": []}, item],
        "parallel_tool_calls": True,
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools", []),
        "usage": {
            "input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens_in + tokens_out,
        },
    }


def _check(request: Json) -> None:
    if not isinstance(request.get("model"), str):
        raise BadRequestError("you must provide a model parameter")
    for name in UNKNOWN:
        if name in request:
            raise BadRequestError(f"Unknown parameter: '{name}'.")
    asked = request.get("input")
    if not asked or not isinstance(asked, str | list):
        raise BadRequestError("'input' must be a text or an array with at least one item")
    for item in asked if isinstance(asked, list) else ():
        content = item.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") not in PARTS:
                raise BadRequestError(f"Invalid value: '{part.get('type')}'. Supported values are: {', '.join(PARTS)}")
    if request.get("stream"):
        raise BadRequestError("the mock does not stream: ask without 'stream'")


def _function_to_call(request: Json) -> Json | None:
    choice: Any = request.get("tool_choice", "auto")
    tools: list[Json] = [tool for tool in request.get("tools") or () if tool.get("type") == "function"]
    if isinstance(choice, dict):
        named = [tool for tool in tools if tool["name"] == choice.get("name")]
        if not named:
            raise BadRequestError("'tool_choice' names a function that is not among the tools")
        return named[0]
    return tools[0] if tools and choice == "required" else None
