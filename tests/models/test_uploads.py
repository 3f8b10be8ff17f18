"""Uploaded media: once a plug and medium, however many ask; named by its hash in what is kept; gone when it closes."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from answering import Asked, answering, chat, http
from asking import job, keys
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, RateLimited, TimedOut, Unavailable
from buttermilk.core.flows import Agent, Capabilities, Limits
from buttermilk.core.jobs import fill
from buttermilk.core.messages import Message, Request
from buttermilk.core.records import Part
from buttermilk.models import uploads
from buttermilk.models.dialect import Dialect
from buttermilk.plugins import find
from buttermilk.testing import MockProvider
from oracle import PAPER, PDF, PICTURE, RECORDING, VIDEO, blobs

pytestmark = pytest.mark.anyio

BEHIND = {"openai": "/v1", "openai_responses": "/v1", "anthropic": "", "gemini": "/v1beta"}
TAKEN = {
    "openai": (PAPER,),
    "openai_responses": (PICTURE, PAPER),
    "anthropic": (PICTURE, PAPER),
    "gemini": (PICTURE, PAPER, RECORDING, VIDEO),
}
each = pytest.mark.parametrize("kind", TAKEN)


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    with MockProvider() as running:
        yield running


def agent_of(kind: str, url: str, **more: Any) -> Agent:
    inputs = ("text", *dict.fromkeys(part.kind for part in (PICTURE, *TAKEN[kind])))
    given = {
        "model": "m-1",
        "key": "secret://env/KEY",
        "parameters": {"max_tokens": 99} if kind == "anthropic" else {},
        "capabilities": {"inputs": inputs, "answers": "prompted", "media": "upload"},
    }
    return Agent.model_validate({"name": "a", "type": kind, "base_url": url + BEHIND[kind], **given, **more})


def plug_of(kind: str, url: str, blobs: Callable[[str], bytes] = blobs, **more: Any) -> Dialect:
    plug: Dialect = find("models", kind)(agent_of(kind, url, **more), keys, blobs)
    return plug


def asking(plug: Dialect, *media: Part, text: str = "What is it?") -> Request:
    return Request(agent=plug.agent, messages=(Message("user", text, media),), job=job(plug.agent))


def of(mock: MockProvider, method: str, ending: str = "") -> list[dict[str, Any]]:
    return [one for one in mock.requests() if one["method"] == method and ending in one["path"]]


def began(mock: MockProvider) -> int:
    """How many uploads: each of Google's begins by a body of JSON, and has a second request."""
    return sum(one["path"].endswith("/files") for one in of(mock, "POST", "/files"))


def live(mock: MockProvider) -> list[dict[str, Any]]:
    return [one for one in of(mock, "POST") if "/files" not in one["path"]]


@each
async def test_a_medium_is_uploaded_once_however_many_calls_wait_for_it(kind: str, mock: MockProvider) -> None:
    plug = plug_of(kind, mock.root)
    asked = [asking(plug, *TAKEN[kind], text=f"{number}?") for number in range(12)]
    await asyncio.gather(*(plug.complete(one) for one in asked))
    await plug.complete(asked[0])
    assert began(mock) == len(TAKEN[kind])
    assert len(live(mock)) == 13
    await plug.close()


@each
async def test_the_body_has_the_files_name_and_none_of_its_bytes(kind: str, mock: MockProvider) -> None:
    plug = plug_of(kind, mock.root)
    await plug.complete(asking(plug, PAPER))
    await plug.close()
    said = json.dumps(live(mock)[0]["body"])
    assert "file-0" in said
    assert "JVBERi0xLjc" not in said
    assert PDF not in said


@each
async def test_what_is_kept_names_the_blob_and_is_the_same_whenever_it_is_asked(kind: str, mock: MockProvider) -> None:
    kept = []
    for media in ((PAPER,), (PICTURE, PAPER)):  # in the second plug the paper has another name
        plug = plug_of(kind, mock.root)
        if len(media) > 1:
            await plug.complete(asking(plug, PICTURE))
        reply = await plug.complete(asking(plug, PAPER))
        await plug.close()
        assert reply.sent is not None
        kept.append(reply.sent)
        body = fill(reply.sent.skeleton, reply.sent.texts, plug._encode)
        assert reply.sent.sha256 == hashlib.sha256(body).hexdigest()
        assert PDF in body.decode()
    assert kept[0] == kept[1] == plug.sent(asking(plug, PAPER))


async def test_what_a_vendor_takes_as_no_file_goes_in_the_body_beside_it(mock: MockProvider) -> None:
    plug = plug_of("openai", mock.root)
    reply = await plug.complete(asking(plug, PICTURE, PAPER))
    await plug.close()
    _, picture, paper = live(mock)[0]["body"]["messages"][0]["content"]
    assert picture["image_url"]["url"] == "data:image/png;base64,YSBwaWN0dXJl"
    assert paper["file"] == {"file_id": "file-0"}
    assert reply.sent is not None
    body = fill(reply.sent.skeleton, reply.sent.texts, plug._encode)
    assert reply.sent.sha256 == hashlib.sha256(body).hexdigest()


@each
async def test_files_are_deleted_when_the_plug_closes_and_it_is_said(
    kind: str, mock: MockProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "buttermilk")
    plug = plug_of(kind, mock.root)
    await plug.complete(asking(plug, *TAKEN[kind]))
    await plug.close()
    await plug.close()
    gone = of(mock, "DELETE")
    assert sorted(one["path"].rpartition("/")[2] for one in gone) == [f"file-{n}" for n in range(len(TAKEN[kind]))]
    assert f"deleted={len(gone)} left=" in caplog.text


async def test_a_file_that_cannot_be_deleted_is_named_in_the_log_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "buttermilk")

    def tell(one: Asked) -> bytes:
        if one.head.startswith("DELETE"):
            return http({"error": {"message": "not yours"}}, 403)
        return http({"id": "file-7"} if "/files" in one.head.split("\r\n")[0] else chat("Yes."))

    async with answering(tell) as server:
        plug = plug_of("openai", server.url.removesuffix("/v1"))
        await plug.complete(asking(plug, PAPER))
        await plug.close()
    assert "deleted=0 left=file-7" in caplog.text


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (http({"error": {"message": "slowly"}}, 429), RateLimited),
        (http({"error": {"message": "too large"}}, 413), Permanent),
        (http({"object": "list"}), Unavailable),
        (http("<html>"), Unavailable),
        (http([1]), Unavailable),
        (http({"id": 7}), Unavailable),
    ],
)
async def test_an_upload_that_fails_fails_its_call_and_the_next_call_tries_again(
    reply: bytes, error: type[ProviderError]
) -> None:
    tries = [reply, http({"id": "file-1"})]

    def tell(one: Asked) -> bytes:
        if one.head.startswith("DELETE"):
            return http({})
        return tries.pop(0) if "/files" in one.head.split("\r\n")[0] else http(chat("Yes."))

    async with answering(tell) as server:
        plug = plug_of("openai", server.url.removesuffix("/v1"))
        first, second = await asyncio.gather(
            plug.complete(asking(plug, PAPER)), plug.complete(asking(plug, PAPER)), return_exceptions=True
        )
        assert type(first) is type(second) is error
        assert (await plug.complete(asking(plug, PAPER))).text == "Yes."
        await plug.close()
    assert not tries


async def test_a_file_at_google_is_waited_for_until_it_can_be_used(
    mock: MockProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LOOK_SECONDS", 0.01)
    mock.configure(batch_looks=3)
    plug = plug_of("gemini", mock.root)
    await plug.complete(asking(plug, VIDEO))
    await plug.close()
    assert len(of(mock, "GET", "/v1beta/files/file-0")) == 3
    assert mock.requests()[-2]["path"].endswith(":generateContent")


async def test_who_waits_too_long_is_told_and_the_next_call_waits_for_the_same_upload(
    mock: MockProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LOOK_SECONDS", 0.15)
    mock.configure(batch_looks=1)
    plug = plug_of("gemini", mock.root, limits=Limits(timeout_seconds=0.1))
    with pytest.raises(TimedOut, match=r"has had no file ready within 0\.1 s"):
        await plug.complete(asking(plug, VIDEO))
    reply = await plug.complete(asking(plug, VIDEO))
    await plug.close()
    assert reply.text
    assert began(mock) == 1


async def test_a_film_that_google_cannot_process_says_why() -> None:
    film = {"file": {"name": "files/f", "uri": "u", "state": "FAILED", "error": {"message": "no frames"}}}

    def tell(one: Asked) -> bytes:
        begun = "X-Goog-Upload-Command: start" in one.head
        told = "https://elsewhere.invalid/upload/v1beta/files?upload_id=7"
        return http({}, X_Goog_Upload_URL=told) if begun else http(film)

    async with answering(tell) as server:
        plug = plug_of("gemini", server.url.removesuffix("/v1"))
        with pytest.raises(Permanent, match="could not be processed: no frames") as found:
            await plug.complete(asking(plug, VIDEO))
        await plug.close()
        assert found.value.kind == "media"
        assert server.asked[1].head.startswith("POST /upload/v1beta/files?upload_id=7 ")  # of us, wherever it was sent
        assert server.asked[1].body == b"a film"


async def test_a_file_that_google_may_have_dropped_is_uploaded_anew(
    mock: MockProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug = plug_of("gemini", mock.root)
    await plug.complete(asking(plug, VIDEO))
    monkeypatch.setattr(uploads, "FRESH_SECONDS", -1)
    await plug.complete(asking(plug, VIDEO))
    await plug.close()
    assert began(mock) == 2
    assert [("file-0" in str(one["body"]), "file-1" in str(one["body"])) for one in live(mock)] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini"])
async def test_a_batch_names_uploaded_files_and_leaves_them_to_the_vendors_hour(kind: str, mock: MockProvider) -> None:
    plug = plug_of(kind, mock.root)
    asked = [(f"id-{number}", asking(plug, PAPER, text=f"{number}?")) for number in range(3)]
    ticket = await plug.submit(asked, "mark")
    await plug.close()
    assert began(mock) == (2 if kind == "openai" else 1)  # its batch is a file as well
    assert not of(mock, "DELETE")
    handed = "".join(str(one["body"]) for one in of(mock, "POST"))
    assert (handed.count("file-0"), handed.count(PDF)) == (3, 0)

    another = plug_of(kind, mock.root)  # which has uploaded nothing, and knows what was asked all the same
    assert await another.ended(ticket)
    assert [key async for key, _ in another.replies(ticket)] == ["id-2", "id-1", "id-0"]
    assert another.sent(asked[0][1]) == plug.sent(asked[0][1])
    await another.close()


async def test_only_a_few_media_are_in_memory_at_once(mock: MockProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    media = {hashlib.sha256(data).hexdigest(): data for data in (b"%d" % number for number in range(30))}
    plug = plug_of("anthropic", mock.root, media.__getitem__)
    at_once: list[int] = [0]
    post = plug.wire.ask

    async def counted(method: str, url: Any, *more: Any) -> Any:
        uploading = url.path == "/v1/files"
        at_once.append(at_once[-1] + uploading)
        try:
            return await post(method, url, *more)
        finally:
            at_once.append(at_once[-1] - uploading)

    monkeypatch.setattr(plug.wire, "ask", counted)
    parts = [Part(kind="pdf", blob=key, media_type="application/pdf") for key in media]
    await asyncio.gather(*(plug.complete(asking(plug, part)) for part in parts))
    await plug.close()
    assert began(mock) == 30
    assert max(at_once) == uploads.AT_ONCE


async def test_nothing_is_uploaded_where_it_is_not_asked_for(mock: MockProvider) -> None:
    able = Capabilities(inputs=("text", "image", "pdf"), answers="prompted")
    plug = plug_of("anthropic", mock.root, capabilities=able)
    await plug.complete(asking(plug, PICTURE, PAPER))
    await plug.close()
    assert [one["path"] for one in mock.requests()] == ["/v1/messages"]


@pytest.mark.parametrize(
    ("kind", "door"), [("openai", "azure"), ("anthropic", "vertex"), ("anthropic", "foundry"), ("gemini", "vertex")]
)
def test_a_door_without_files_is_told_before_anything_is_spent(kind: str, door: str) -> None:
    with pytest.raises(ConfigError, match="by the vendor's own door alone") as found:
        plug_of(kind, "http://127.0.0.1:1", door=door)
    assert "take out `media: upload`" in found.value.hint
