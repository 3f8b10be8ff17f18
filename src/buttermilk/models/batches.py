"""Batches: many questions handed over at once, answered within a day at half the price. One class a vendor's way.

Wire formats (read 2026-11): https://platform.openai.com/docs/api-reference/batch,
https://platform.claude.com/docs/en/api/creating-message-batches, https://ai.google.dev/api/batch-api. Each item's body
is the live one, byte for byte within its envelope, and its reply is read as a live one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json
from yarl import URL

from buttermilk.core.errors import Permanent, ProviderError, Transient, Unavailable
from buttermilk.core.messages import Reply
from buttermilk.wire import message_in

if TYPE_CHECKING:
    from buttermilk.models.dialect import Dialect

SIZE = 5_000  # questions at once: within every vendor's limits of count and bytes for texts of some pages
Item = tuple[str, bytes]  # our id, and the live body


class BatchWay:
    """How one vendor takes batches, spoken over the dialect's wire."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    async def submit(self, items: Sequence[Item]) -> str:
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

    def reply(self, body: Any) -> Reply | ProviderError:
        """One item's own reply, read as a live one."""
        try:
            return self.dialect.understood(to_json(body), {})
        except ProviderError as error:
            return error


class OpenAIBatches(BatchWay):
    """A file of lines is uploaded; two files of lines come back, those answered and those not."""

    async def submit(self, items: Sequence[Item]) -> str:
        path = urlsplit(self.dialect.url).path
        head = b'","method":"POST","url":' + json.dumps(path).encode() + b',"body":'
        lines = b"".join(b'{"custom_id":"' + key.encode() + head + body + b"}\n" for key, body in items)
        mark = f"buttermilk-{secrets.token_hex(16)}"
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="batch.jsonl"\r\n',
            "Content-Type: application/jsonl\r\n\r\n",
        ]
        form = "".join(parts).encode() + lines + f"\r\n--{mark}--\r\n".encode()
        file = from_json(await self.raw("POST", "/files", form, f"multipart/form-data; boundary={mark}"))
        asked = {"input_file_id": file["id"], "endpoint": path, "completion_window": "24h"}
        return str((await self.call("POST", "/batches", to_json(asked)))["id"])

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
    """One request with all of them; the results are lines."""

    async def submit(self, items: Sequence[Item]) -> str:
        listed = b",".join(b'{"custom_id":"' + key.encode() + b'","params":' + body + b"}" for key, body in items)
        return str((await self.call("POST", "/v1/messages/batches", b'{"requests":[' + listed + b"]}"))["id"])

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

    async def submit(self, items: Sequence[Item]) -> str:
        listed = b",".join(
            b'{"metadata":{"key":"' + key.encode() + b'"},"request":' + body + b"}" for key, body in items
        )
        body = b'{"batch":{"displayName":"buttermilk","inputConfig":{"requests":{"requests":[' + listed + b"]}}}}"
        path = f"/models/{self.dialect.agent.model}:batchGenerateContent"
        return str((await self.call("POST", path, body))["name"])

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
