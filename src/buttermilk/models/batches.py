"""Batches: many questions handed over at once, answered within a day at half the price. One class a vendor's way.

Wire formats (read 2026-11): https://platform.openai.com/docs/api-reference/batch,
https://platform.claude.com/docs/en/api/creating-message-batches, https://ai.google.dev/api/batch-api. Each item's body
is the live one, byte for byte within its envelope, and its reply is read as a live one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pydantic_core import from_json, to_json
from yarl import URL

from buttermilk.core.errors import Permanent, ProviderError, Transient, Unavailable
from buttermilk.core.messages import Reply
from buttermilk.wire import message_in

if TYPE_CHECKING:
    from buttermilk.models.dialect import Dialect

SIZE = 5_000  # questions at once: within every vendor's limits of count and bytes for texts of some pages
MARK = "buttermilk"  # the key in OpenAI's metadata under which our mark stands
CLOCKS_SECONDS = 300  # by so much a vendor's clock and ours may differ
Item = tuple[str, bytes]  # our id, and the live body


class BatchWay:
    """How one vendor takes batches, spoken over the dialect's wire."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    async def submit(self, items: Sequence[Item], mark: str) -> str:
        raise NotImplementedError

    def marked(self, mark: str, count: int, since: datetime) -> AsyncIterator[str]:
        """Tickets of what may be the batch of this mark."""
        raise NotImplementedError

    async def ended(self, ticket: str) -> bool:
        raise NotImplementedError

    def replies(self, ticket: str) -> AsyncIterator[tuple[str, Reply | ProviderError]]:
        raise NotImplementedError

    async def cancel(self, ticket: str) -> None:
        raise NotImplementedError

    async def raw(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        url = URL(self.dialect.endpoint + path)
        return (await self.dialect.wire.ask(method, url, body, {"Content-Type": kind}))[0]

    async def call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        raw = await self.raw(method, path, body)
        try:
            found = from_json(raw)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable(f"the reply about a batch is no JSON object: {raw[:200]!r}", kind="malformed")
        return found

    async def listed(self, path: str, cursor: str, most: int) -> AsyncIterator[dict[str, Any]]:
        """All batches there are, page by page, as OpenAI and Anthropic list them; none where nobody lists any."""
        after = ""
        while True:
            try:
                page = await self.call("GET", f"{path}?limit={most}{after}")
            except Permanent as error:
                if error.http_status in (404, 405):
                    return
                raise
            for one in page["data"]:
                yield one
            if not page.get("has_more"):
                return
            after = f"&{cursor}={page['last_id']}"

    def reply(self, body: Any) -> Reply | ProviderError:
        """One item's own reply, read as a live one."""
        try:
            return self.dialect.understood(to_json(body), {})
        except ProviderError as error:
            return error


class OpenAIBatches(BatchWay):
    """A file of lines is uploaded; two files of lines come back, those answered and those not. A file that was uploaded
    and not asked for asks nothing, and costs nothing."""

    async def submit(self, items: Sequence[Item], mark: str) -> str:
        path = urlsplit(self.dialect.url).path
        head = b'","method":"POST","url":' + json.dumps(path).encode() + b',"body":'
        lines = b"".join(b'{"custom_id":"' + key.encode() + head + body + b"}\n" for key, body in items)
        edge = f"buttermilk-{secrets.token_hex(16)}"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="batch.jsonl"\r\n',
            "Content-Type: application/jsonl\r\n\r\n",
        ]
        form = "".join(parts).encode() + lines + f"\r\n--{edge}--\r\n".encode()
        file = from_json(await self.raw("POST", "/files", form, f"multipart/form-data; boundary={edge}"))
        asked = {"input_file_id": file["id"], "endpoint": path, "completion_window": "24h", "metadata": {MARK: mark}}
        return str((await self.call("POST", "/batches", to_json(asked)))["id"])

    async def marked(self, mark: str, count: int, since: datetime) -> AsyncIterator[str]:
        async for one in self.listed("/batches", "after", 100):
            if (one.get("metadata") or {}).get(MARK) == mark:
                yield one["id"]

    async def ended(self, ticket: str) -> bool:
        batch = await self.call("GET", f"/batches/{ticket}")
        if batch["status"] == "failed":
            said = [str(one.get("message")) for one in (batch.get("errors") or {}).get("data") or ()]
            raise Permanent(f"the batch was refused: {'; '.join(said[:3]) or 'no reason was given'}", kind="batch")
        return batch["status"] in ("completed", "expired", "cancelled")

    async def replies(self, ticket: str) -> AsyncIterator[tuple[str, Reply | ProviderError]]:
        batch = await self.call("GET", f"/batches/{ticket}")
        for file in (batch.get("output_file_id"), batch.get("error_file_id")):
            lines = (await self.raw("GET", f"/files/{file}/content")).splitlines() if file else []
            for line in map(from_json, filter(None, lines)):
                response, error = line.get("response") or {}, line.get("error")
                if response.get("status_code") == 200:
                    yield line["custom_id"], self.reply(response["body"])
                else:
                    said = error["message"] if error else message_in(json.dumps(response.get("body")))
                    kind = error["code"] if error else f"http_{response.get('status_code')}"
                    yield line["custom_id"], Transient(f"in the batch: {said}", kind=kind)

    async def cancel(self, ticket: str) -> None:
        await self.call("POST", f"/batches/{ticket}/cancel", b"{}")


class AnthropicBatches(BatchWay):
    """One request with all of them; the results are lines. There is no place for a name of ours: a batch is known again
    by when it was made, and how many questions it has."""

    async def submit(self, items: Sequence[Item], mark: str) -> str:
        listed = b",".join(b'{"custom_id":"' + key.encode() + b'","params":' + body + b"}" for key, body in items)
        return str((await self.call("POST", "/v1/messages/batches", b'{"requests":[' + listed + b"]}"))["id"])

    async def marked(self, mark: str, count: int, since: datetime) -> AsyncIterator[str]:
        near = CLOCKS_SECONDS + self.dialect.agent.limits.timeout_seconds
        async for one in self.listed("/v1/messages/batches", "after_id", 1000):
            made = datetime.fromisoformat(one["created_at"])
            if sum(one["request_counts"].values()) == count and abs((made - since).total_seconds()) < near:
                yield one["id"]

    async def ended(self, ticket: str) -> bool:
        return bool((await self.call("GET", f"/v1/messages/batches/{ticket}"))["processing_status"] == "ended")

    async def replies(self, ticket: str) -> AsyncIterator[tuple[str, Reply | ProviderError]]:
        raw = await self.raw("GET", f"/v1/messages/batches/{ticket}/results")
        for line in map(from_json, filter(None, raw.splitlines())):
            result = line["result"]
            if result["type"] == "succeeded":
                yield line["custom_id"], self.reply(result["message"])
            else:
                said = message_in(json.dumps(result.get("error"))) if result.get("error") else result["type"]
                yield line["custom_id"], Transient(f"in the batch: {said}", kind=f"batch_{result['type']}")

    async def cancel(self, ticket: str) -> None:
        await self.call("POST", f"/v1/messages/batches/{ticket}/cancel", b"{}")


class GeminiBatches(BatchWay):
    """Requests inlined in an operation, which holds the responses in the end."""

    async def submit(self, items: Sequence[Item], mark: str) -> str:
        listed = b",".join(
            b'{"metadata":{"key":"' + key.encode() + b'"},"request":' + body + b"}" for key, body in items
        )
        named = b'{"batch":{"displayName":' + to_json(mark) + b',"inputConfig":{"requests":{"requests":['
        body = named + listed + b"]}}}}"
        path = f"/models/{self.dialect.agent.model}:batchGenerateContent"
        return str((await self.call("POST", path, body))["name"])

    async def marked(self, mark: str, count: int, since: datetime) -> AsyncIterator[str]:
        after = ""
        while True:
            page = await self.call("GET", f"/batches?pageSize=100{after}")
            for one in page.get("operations") or ():
                if one["metadata"].get("displayName") == mark:
                    yield one["name"]
            if not page.get("nextPageToken"):
                return
            after = f"&pageToken={quote(page['nextPageToken'], safe='')}"

    async def ended(self, ticket: str) -> bool:
        found = await self.call("GET", f"/{ticket}")
        state = str((found.get("metadata") or {}).get("state"))
        if state.endswith("_FAILED"):
            said = (found.get("error") or {}).get("message", "no reason was given")
            raise Permanent(f"the batch was refused: {said}", kind="batch")
        return state.endswith(("_SUCCEEDED", "_CANCELLED", "_EXPIRED"))

    async def replies(self, ticket: str) -> AsyncIterator[tuple[str, Reply | ProviderError]]:
        output = (await self.call("GET", f"/{ticket}"))["metadata"].get("output") or {}
        for one in (output.get("inlinedResponses") or {}).get("inlinedResponses") or ():
            key = one["metadata"]["key"]
            if one.get("response") is not None:
                yield key, self.reply(one["response"])
            else:
                said = (one.get("error") or {}).get("message", "no reason was given")
                yield key, Transient(f"in the batch: {said}", kind="batch_errored")

    async def cancel(self, ticket: str) -> None:
        await self.call("POST", f"/{ticket}:cancel", b"{}")
