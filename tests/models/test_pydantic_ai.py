"""The bridge to what has no dialect here, driven over OpenAI's two, as a server for those is at hand."""

import hashlib
import json
import socket
from typing import Any

import pytest

from answering import answering, chat, http
from asking import CODEBOOK, FEELINGS, PLANTED, job, keys, request
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, RateLimited, TimedOut, Unavailable
from buttermilk.core.flows import Agent, Capabilities, Limits
from buttermilk.core.jobs import Usage, fill
from buttermilk.core.messages import Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.pydantic_ai import PydanticAI
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio

MEDIA = {hashlib.sha256(data).hexdigest(): data for data in (b"a picture", b"a sound")}
PICTURE, SOUND = MEDIA
CHAT, RESPONSES = "openai-chat:gpt-5.4-mini", "openai:gpt-5.4-mini"


def model(url: str = "http://127.0.0.1:1/v1", name: str = CHAT, **more: Any) -> PydanticAI:
    given = {"key": "secret://env/KEY", "base_url": url, **more}
    return PydanticAI(Agent(name="nova", type="pydantic_ai", model=name, **given), keys, MEDIA.__getitem__)


def said(text: str | None, **more: Any) -> Any:
    """OpenAI's library is particular about what a chat completion has."""
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return chat(text, **{"usage": usage, "created": 1, **more})


async def told(reply: bytes | None, asked: Any = None, **more: Any) -> tuple[Reply, list[Any]]:
    """One call to a server that says this: the reply, and all that the server was asked."""
    async with answering(lambda one: reply) as server:
        of = model(server.url, **more)
        try:
            return await of.complete(asked or request(job(of._agent))), server.asked
        finally:
            await of.close()


@pytest.mark.parametrize("name", [CHAT, RESPONSES])
@pytest.mark.parametrize("answers", ["native", "tool"])
async def test_a_schema_is_asked_for_as_the_strategy_says_and_answered(name: str, answers: Any) -> None:
    with MockProvider() as mock:
        of = model(mock.url, name, capabilities=Capabilities(answers=answers))
        of.check(CODEBOOK)
        reply = await of.complete(request(job(of._agent)))
        await of.close()
        body = mock.requests()[0]["body"]
    assert json.loads(reply.text)["feeling"] in FEELINGS
    assert ("tools" in body) is (answers == "tool")
    assert ("response_format" in body or "text" in body) is (answers == "native")
    assert json.dumps(FEELINGS) in json.dumps(body)


async def test_prompted_means_the_prompt_and_nothing_else() -> None:
    reply, asked = await told(http(said("positive")), capabilities=Capabilities(answers="prompted"))
    assert reply.text == "positive"
    assert asked[0].json == {
        "model": "gpt-5.4-mini",
        "stream": False,  # added by pydantic-ai
        "messages": [
            {"role": "system", "content": "Judge the verse."},
            {"role": "user", "content": "the whole bright orchard hummed"},
        ],
    }


async def test_turns_media_parameters_and_seed_arrive_and_what_was_handed_over_is_kept() -> None:
    of = model(parameters={"max_tokens": 50})
    picture = Part(kind="image", blob=PICTURE, media_type="image/png")
    turns = (
        Message("system", "Look."),
        Message("user", 'A {"$text":0} verse.', (picture,)),
        Message("assistant", "Hm."),
        Message("user", "Again."),
    )
    asked = Request(of._agent, turns, job(of._agent), seed=7)
    reply, seen = await told(http(said("Yes.")), asked, parameters={"max_tokens": 50})
    body = seen[0].json
    assert (body["seed"], body["max_completion_tokens"]) == (7, 50)  # pydantic-ai knows what a model calls it
    assert [turn["role"] for turn in body["messages"]] == ["system", "user", "assistant", "user"]
    words, image = body["messages"][1]["content"]
    assert words["text"] == turns[1].text
    assert image["image_url"]["url"] == "data:image/png;base64,YSBwaWN0dXJl"
    assert reply.sent is not None
    kept = fill(reply.sent.skeleton, reply.sent.texts)
    assert (reply.sent.method, reply.sent.sha256) == ("pydantic_ai", hashlib.sha256(kept).hexdigest())
    assert json.loads(kept)["settings"] == {"max_tokens": 50, "seed": 7}
    assert json.loads(kept)["messages"][1] == {"role": "user", "content": turns[1].text, "media": [PICTURE]}


async def test_all_that_a_reply_says_is_kept() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    reply, _ = await told(http(said("Yes.", usage=usage)))
    assert reply.usage == Usage(input_tokens=100, output_tokens=50, cached_tokens=64, reasoning_tokens=30)
    assert (reply.model_returned, reply.response_id) == ("gpt-4o-mini-2024-07-18", "chatcmpl-7")
    assert json.loads(reply.raw)["provider_response_id"] == "chatcmpl-7"
    assert PLANTED not in repr(reply)


@pytest.mark.parametrize(
    ("found", "text", "refusal", "finish"),
    [
        (said("Ye", finish="length"), "Ye", None, "length"),
        (said("", finish="content_filter"), "", None, "filter"),
        (said(None, message={"refusal": "No."}), "", "No.", "filter"),
    ],
)
async def test_how_a_reply_ended_is_said_in_our_words(found: Any, text: str, refusal: str | None, finish: str) -> None:
    reply, _ = await told(http(found))
    assert (reply.text, reply.refusal, reply.finish) == (text, refusal, finish)


@pytest.mark.parametrize(
    ("raw", "kind", "name"),
    [
        (http({"error": {"message": "Slow."}}, 429, Retry_After="3"), RateLimited, "rate_limited"),
        (http({"error": {"message": "Busy."}}, 529), RateLimited, "rate_limited"),
        (http({"error": {"message": "Oh."}}, 500), Unavailable, "http_500"),
        (http({"error": {"message": "Oh."}}, 409), Unavailable, "http_409"),
        (http({"error": {"message": f"Bad key {PLANTED}"}}, 401), Permanent, "http_401"),
        (http({"error": {"message": "What?"}}, 400), Permanent, "http_400"),
        (http({"choices": "none"}, Content_Type="application/json"), Unavailable, "malformed"),
        (b"", Unavailable, "unreachable"),
    ],
)
async def test_an_error_becomes_the_one_that_says_who_must_act(
    raw: bytes, kind: type[ProviderError], name: str
) -> None:
    async with answering(lambda one: raw or None) as server:
        url = server.url
        if not raw:
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                url = f"http://127.0.0.1:{one.getsockname()[1]}/v1"
        of = model(url)
        with pytest.raises(kind) as caught:
            await of.complete(request(job(of._agent)))
        await of.close()
        assert len(server.asked) == (1 if raw else 0)  # the engine asks again, nobody else
    assert (type(caught.value), caught.value.kind) == (kind, name)
    assert PLANTED not in str(caught.value) + caught.value.raw
    if b"Retry-After" in raw:
        assert caught.value.retry_after_seconds == 3


async def test_silence_ends_after_the_seconds_that_the_agent_allows() -> None:
    with pytest.raises(TimedOut, match=r"did not answer within 0.2 s"):
        await told(None, limits=Limits(timeout_seconds=0.2))


async def test_a_medium_that_is_not_sent_to_this_model_is_said_to_be_one() -> None:
    of = model()
    sound = Part(kind="audio", blob=SOUND, media_type="audio/wav")
    asked = Request(of._agent, (Message("user", "Listen.", (sound,)),), job(of._agent))
    with pytest.raises(Permanent) as caught:
        await told(http(said("Yes.")), asked, name=RESPONSES)
    assert caught.value.kind == "not_taken"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": "gpt-5.4-mini"}, "does not name a vendor"),
        ({"name": "test"}, "does not name a vendor"),
        ({"name": "opnai:gpt-5.4-mini"}, "Unknown provider: opnai"),
        ({"name": "cohere:command-a"}, "install"),
        ({"headers": {"x": "y"}}, "no `headers` and no `door`"),
        ({"door": "azure"}, "no `headers` and no `door`"),
        ({"key": "", "base_url": ""}, "OPENAI_API_KEY"),
    ],
)
def test_what_cannot_be_opened_is_said_before_any_call(more: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        model(**more)
    assert caught.value.where == "agent 'nova'"


def test_a_way_to_answer_that_a_model_does_not_have_is_said_before_any_call() -> None:
    with pytest.raises(ConfigError, match="Native structured output is not supported"):
        model(name="deepseek:deepseek-chat", base_url="").check(CODEBOOK)


def test_the_endpoint_is_the_address_or_else_the_vendor() -> None:
    assert (model().endpoint, model().local) == ("http://127.0.0.1:1/v1", True)
    assert (model(base_url="").endpoint, model(base_url="").local) == ("openai-chat", False)
