"""The mock's counter for batches and files: OpenAI's batches, Anthropic's message batches, Gemini's inlined ones.

A batch is answered when it has been looked at `batch_looks` times; `pexpired` percent of its questions expire. What is
answered is what the live routes answer. They are listed the newest first, on pages of at most `batch_page`.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from buttermilk.testing.settings import Settings
from buttermilk.testing.uploads import Shelf

Json = dict[str, Any]
Speak = Callable[[bytes, str, str | None], tuple[int, Any]]
ROUTES = re.compile(
    r"GET .*/messages/(?P<anthropic_list>batches)|GET .*beta/(?P<gemini_list>batches)|GET .*/(?P<openai_list>batches)"
    r"|POST .*/messages/(?P<anthropic>batches)"
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
    about: Json
    made_at: datetime
    looks: int = 0
    cancelled: bool = False


class Counter:
    """`serve` answers a request about files or batches: a status, JSON or bytes, headers; None for any other route."""

    def __init__(self, speak: Speak) -> None:
        self._speak = speak
        self._shelf = Shelf()
        self._held: dict[str, Held] = {}

    def serve(self, method: str, path: str, query: str, body: bytes, settings: Settings) -> tuple[Any, ...] | None:
        if (said := self._shelf.serve(method, path, body, settings)) is not None:
            return said
        route = ROUTES.fullmatch(f"{method} {path}")
        if route is None:
            return None
        for vendor in ("openai", "anthropic", "gemini"):
            if route[f"{vendor}_list"]:
                return 200, self._listed(vendor, {name: one[0] for name, one in parse_qs(query).items()}, settings)
            if route[vendor]:
                return 200, getattr(self, f"_{vendor}")(self._take(vendor, json.loads(body), path), settings, "")
            if route[f"{vendor}_id"]:
                held = self._held.get(route[f"{vendor}_id"])
                if held is None:
                    return 404, _missing()
                return 200, self._asked_again(vendor, held, route[f"{vendor}_do"] or "", settings)
        return None

    def _listed(self, vendor: str, asked: dict[str, str], settings: Settings) -> Json:
        """A page of a vendor's batches, from behind the one that is named on."""
        there = [held for held in reversed(self._held.values()) if held.ident.startswith(vendor)]
        idents = [held.ident for held in there]
        after = next((asked[name] for name in ("after", "after_id", "pageToken") if asked.get(name)), "")
        start = idents.index(after) + 1 if after else 0
        size = settings.batch_page or int(asked.get("limit") or asked.get("pageSize") or 20)
        page = [getattr(self, f"_{vendor}")(held, settings, "") for held in there[start : start + size]]
        more = start + size < len(there)
        if vendor == "gemini":
            return {"operations": page} | ({"nextPageToken": idents[start + size - 1]} if more else {})
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
        return {"object": "list", "data": page, "has_more": more, **ends}

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
        self._held[ident] = Held(ident, items, asked.get("batch", asked), datetime.now(UTC))
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
        batch: Json = {"id": held.ident, "object": "batch", "endpoint": held.about["endpoint"], "input_file_id": ""}
        batch |= {"created_at": int(held.made_at.timestamp()), "metadata": held.about.get("metadata")}
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
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["succeeded" if ended else "processing"] = len(held.items)
        times = {"created_at": held.made_at.isoformat(), "expires_at": (held.made_at + timedelta(days=1)).isoformat()}
        about = {"id": held.ident, "type": "message_batch", "processing_status": status, "results_url": url}
        return about | {"request_counts": counts} | times

    def _gemini(self, held: Held, settings: Settings, _what: str) -> Json:
        name = f"batches/{held.ident}"
        about = {"displayName": held.about["displayName"], "createTime": held.made_at.isoformat()}
        if not (held.cancelled or held.looks > settings.batch_looks):
            return {"name": name, "metadata": {"state": "BATCH_STATE_RUNNING", **about}}
        responses = []
        for item, how, _, value in self._outcomes(held, settings):
            error = value["error"] if how == "errored" else {"code": 4, "message": how}
            said = {"response": value} if how == "succeeded" else {"error": error}
            responses.append({"metadata": {"key": item.key}, **said})
        state = "BATCH_STATE_CANCELLED" if held.cancelled else "BATCH_STATE_SUCCEEDED"
        output = {"inlinedResponses": {"inlinedResponses": responses}}
        return {"name": name, "done": True, "metadata": {"state": state, "output": output, **about}}


def _missing() -> Json:
    return {"error": {"message": "there is no such batch", "type": "not_found_error"}}
