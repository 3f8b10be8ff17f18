"""A key planted in every vendor's agent is found nowhere: not in the store, the log, the spans, an error, a report, an
export, or the dump of a crash with the variables of every frame. Not even where the server repeats it."""

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from answering import Asked, answering, http
from asking import job, request
from buttermilk.core.errors import Permanent, ProviderError
from buttermilk.core.flows import Agent
from buttermilk.models.dialect import Dialect
from buttermilk.plugins import find
from buttermilk.testing import MockProvider
from scholar import Scholar

PLANTED = "planted-key-that-nobody-may-see-0815"
VENDORS = {
    "openai": "base_url: {root}/v1\nmodel: gpt-5-mini\n",
    "openai_responses": "base_url: {root}/v1\nmodel: gpt-5-mini\n",
    "anthropic": "base_url: {root}\nmodel: claude-haiku-4-5\nparameters: {{max_tokens: 300}}\n",
    "gemini": "base_url: {root}/v1beta\nmodel: gemini-3.8-flash\n",
}
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


def holding(folder: Path) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file() and PLANTED.encode() in file.read_bytes()]


@every_vendor
def test_it_is_in_nothing_that_is_kept_or_said(scholar: Scholar, vendor: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scholar.writes(".env", f"SCHOLARS_KEY={PLANTED}\n")
    scholar.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [mine]")
    with MockProvider() as mock:
        agent = f"type: {vendor}\nkey: secret://env/SCHOLARS_KEY\nheaders: {{x-also: secret://env/SCHOLARS_KEY}}\n"
        scholar.writes("conf/agent/mine.yaml", agent + VENDORS[vendor].format(root=mock.root))
        said = [scholar.types("plan", "verse"), scholar.types("run", "verse", "--json")]
        assert mock.requests()[-1]["headers"]["x-also"] == PLANTED  # it was sent
        mock.configure(p500=100)
        said.append(scholar.types("run", "verse", "wave=2", "limit=1", "agent.mine.limits.attempts=1", code=1))
    job = scholar.answers()["jobs"][0][0]
    said += [scholar.types(*words) for words in (["show", job], ["show", job, "--json"], ["status", "--json"])]
    said += [scholar.types(*words) for words in (["export", "a.csv"], ["export", "a.jsonl"], ["report"], ["doctor"])]
    assert [one for one in said if PLANTED in one.out + one.err] == []
    assert PLANTED not in caplog.text
    assert holding(scholar.folder) == [".env"]


def plug(vendor: str, root: str) -> Any:
    """As a study would open it."""

    class Key:
        def reveal(self) -> str:
            return PLANTED

    address = {"openai": "/v1", "openai_responses": "/v1", "anthropic": "", "gemini": "/v1beta"}[vendor]
    more = {"parameters": {"max_tokens": 9}} if vendor == "anthropic" else {}
    agent = Agent(name="m", type=vendor, model="m", base_url=root + address, key="secret://env/K", **more)
    return find("models", vendor)(agent, lambda reference: Key(), lambda key: b"")


def dump(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@every_vendor
@pytest.mark.anyio
async def test_it_is_not_in_the_dump_of_a_call_that_failed_where_the_server_repeats_it(vendor: str) -> None:
    def repeats(asked: Asked) -> bytes:
        assert PLANTED in asked.head
        return http({"error": {"message": f"the key {PLANTED} is wrong"}}, 401, X_Request_Id=PLANTED)

    async with answering(repeats) as server:
        one = plug(vendor, server.url.removesuffix("/v1"))
        error = await failure(one)  # its traceback begins there: what the server of this test was sent is not in it
        await one.close()
    assert isinstance(error, Permanent)
    assert "[key] is wrong" in error.message
    assert PLANTED not in dump(error) + repr(error.raw)


async def failure(one: Any) -> ProviderError:
    try:
        await one.complete(asked_of(one))
    except ProviderError as error:
        return error
    raise AssertionError("it was answered")


@every_vendor
@pytest.mark.anyio
async def test_it_is_not_in_the_dump_of_a_bug_of_ours(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Dialect, *given: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Dialect, "understood", broken)
    with MockProvider() as mock:
        one = plug(vendor, mock.root)
        with pytest.raises(ZeroDivisionError) as caught:
            await one.complete(asked_of(one))
        await one.close()
    assert PLANTED not in dump(caught.value)


def asked_of(one: Any) -> Any:
    return request(job(one.agent))
