"""The mock's counter for batches and files: OpenAI's batches, Anthropic's message batches, Gemini's inlined ones.

A batch is answered when it has been looked at `batch_looks` times; `pexpired` percent of its questions expire. What is
answered is what the live routes answer.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from buttermilk.testing.settings import Settings
from buttermilk.testing.uploads import Shelf

Json = dict[str, Any]
Speak = Callable[[bytes, str, str | None], tuple[int, Any]]
ROUTES = re.compile(
    r"POST .*/messages/(?P<anthropic>batches)"
    r"|(?P<anthropic_at>GET|POST) .*/messages/batches/(?P<anthropic_id>[\w-]+)(?P<anthropic_do>/results|/cancel)?"
    r"|POST .*/models/(?P<gemini>[^/]+):batchGenerateContent"
    r"|(?P<gemini_at>GET|POST) .*/batches/(?P<gemini_id>gemini-[\w-]+)(?P<gemini_do>:cancel)?"
    r"|POST .*/(?P<openai>batches)"
    r"|(?P<openai_at>GET|POST) .*/batches/(?P<openai_id>[\w-]+)(?P<openai_do>/cancel)?"
)


class Item(NamedTuple):
    """One question of a batch."""

    key: str
    path: str
    body: Json


@dataclass
class Held:
    """One batch, as it was handed in."""

    ident: str
    items: list[Item]
    looks: int = 0
    cancelled: bool = False


class Counter:
    """`serve` answers a request about files or batches: a status, JSON or bytes, headers; None for any other route."""

    def __init__(self, speak: Speak) -> None:
        self._speak = speak
        self._shelf = Shelf()
        self._held: dict[str, Held] = {}

    def serve(self, method: str, path: str, body: bytes, settings: Settings) -> tuple[Any, ...] | None:
        if (said := self._shelf.serve(method, path, body, settings)) is not None:
            return said
        route = ROUTES.fullmatch(f"{method} {path}")
        if route is None:
            return None
        for vendor in ("openai", "anthropic", "gemini"):
            if route[vendor]:
                return 200, getattr(self, f"_{vendor}")(self._take(vendor, json.loads(body), path), settings, "")
            if route[f"{vendor}_id"]:
                held = self._held.get(route[f"{vendor}_id"])
                if held is None:
                    return 404, _missing()
                return 200, self._asked_again(vendor, held, route[f"{vendor}_do"] or "", settings)
        return None

    def _asked_again(self, vendor: str, held: Held, what: str, settings: Settings) -> Any:
        if what.endswith("cancel"):
            held.cancelled = True
        else:
            held.looks += 1
        return getattr(self, f"_{vendor}")(held, settings, what)

    def _take(self, vendor: str, asked: Json, path: str) -> Held:
        ident = f"{vendor}-batch-{len(self._held)}"
        if vendor == "openai":
            content = self._shelf.files[asked["input_file_id"]].content
            lines = [json.loads(line) for line in content.splitlines() if line]
            items = [Item(line["custom_id"], line["url"], line["body"]) for line in lines]
        elif vendor == "anthropic":
            items = [Item(one["custom_id"], "/v1/messages", one["params"]) for one in asked["requests"]]
        else:
            live = path.replace(":batchGenerateContent", ":generateContent")
            requests = asked["batch"]["inputConfig"]["requests"]["requests"]
            items = [Item(one["metadata"]["key"], live, one["request"]) for one in requests]
        self._held[ident] = Held(ident, items)
        return self._held[ident]

    def _outcomes(self, held: Held, settings: Settings) -> list[tuple[Item, str, int, Any]]:
        """Each item with what became of it, in another order than they were asked."""
        found = []
        for item in reversed(held.items):
            if held.cancelled:
                found.append((item, "canceled", 0, None))
            elif int(hashlib.sha256(item.key.encode()).hexdigest(), 16) % 100 < settings.pexpired:
                found.append((item, "expired", 0, None))
            else:
                body = json.dumps(item.body, ensure_ascii=False, separators=(",", ":")).encode()
                status, value = self._speak(body, item.path, None)
                found.append((item, "succeeded" if status == 200 else "errored", status, value))
        return found

    def _openai(self, held: Held, settings: Settings, _what: str) -> Json:
        ended = held.cancelled or held.looks > settings.batch_looks
        batch: Json = {"id": held.ident, "object": "batch", "endpoint": "", "input_file_id": "", "created_at": 0}
        batch |= {"completion_window": "24h", "status": "in_progress", "output_file_id": None, "error_file_id": None}
        if not ended:
            return batch
        good: list[str] = []
        bad: list[str] = []
        for item, how, status, value in self._outcomes(held, settings):
            response = {"status_code": status, "request_id": "", "body": value} if status else None
            error = None if status else {"code": f"batch_{how.replace('canceled', 'cancelled')}", "message": how}
            line = {"id": item.key, "custom_id": item.key, "response": response, "error": error}
            (good if how == "succeeded" else bad).append(json.dumps(line))
        batch["status"] = "cancelled" if held.cancelled else "expired" if settings.pexpired else "completed"
        batch["output_file_id"] = self._shelf.put("\n".join(good).encode()) if good else None
        batch["error_file_id"] = self._shelf.put("\n".join(bad).encode()) if bad else None
        return batch

    def _anthropic(self, held: Held, settings: Settings, what: str) -> Any:
        if what == "/results":
            lines = []
            for item, how, _, value in self._outcomes(held, settings):
                said = {"succeeded": {"message": value}, "errored": {"error": value}}.get(how, {})
                lines.append(json.dumps({"custom_id": item.key, "result": {"type": how, **said}}))
            return "\n".join(lines).encode()
        ended = held.cancelled or held.looks > settings.batch_looks
        status = "ended" if ended else "in_progress"
        url = f"/v1/messages/batches/{held.ident}/results" if ended else None
        return {"id": held.ident, "type": "message_batch", "processing_status": status, "results_url": url}

    def _gemini(self, held: Held, settings: Settings, _what: str) -> Json:
        name = f"batches/{held.ident}"
        if not (held.cancelled or held.looks > settings.batch_looks):
            return {"name": name, "metadata": {"state": "BATCH_STATE_RUNNING"}}
        responses = []
        for item, how, _, value in self._outcomes(held, settings):
            error = value["error"] if how == "errored" else {"code": 4, "message": how}
            said = {"response": value} if how == "succeeded" else {"error": error}
            responses.append({"metadata": {"key": item.key}, **said})
        state = "BATCH_STATE_CANCELLED" if held.cancelled else "BATCH_STATE_SUCCEEDED"
        output = {"inlinedResponses": {"inlinedResponses": responses}}
        return {"name": name, "done": True, "metadata": {"state": state, "output": output}}


def _missing() -> Json:
    return {"error": {"message": "there is no such batch", "type": "not_found_error"}}
