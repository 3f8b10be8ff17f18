"""The responses dialect: what was declared goes out, in its order; what came back is kept; what a filter kept back is a
refusal. That OpenAI's own library agrees is in test_openai_oracle.py."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import answering, http
from asking import CODEBOOK, HOSTILE, PLANTED, job, keys, request
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, RateLimited, Unavailable
from buttermilk.core.flows import Agent, Capabilities
from buttermilk.core.jobs import Usage, fill
from buttermilk.core.messages import Message, Reply, Request
from buttermilk.models.responses import OpenAIResponses
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio


def no_blobs(sha256: str) -> bytes:
    raise AssertionError(sha256)


def model(url: str = "http://127.0.0.1:1/v1", **more: Any) -> OpenAIResponses:
    agent = Agent(name="gpt", type="openai_responses", base_url=url, model="gpt-5.4-mini", **more)
    return OpenAIResponses(agent, keys, no_blobs)


def body(of: OpenAIResponses, one: Request) -> dict[str, Any]:
    return json.loads(fill(*of.skeleton(one)))


def said(*parts: Any, status: Any = "completed", **more: Any) -> dict[str, Any]:
    output = [{"type": "message", "role": "assistant", "content": list(parts)}] if parts else []
    return {"id": "resp_1", "object": "response", "model": "gpt-5.4", "status": status, "output": output, **more}


def words(text: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text}


def understood(found: Any) -> Reply:
    return model().understood(json.dumps(found).encode(), {"x-request-id": "r1"})


async def told(status: int, found: Any) -> Reply:
    async with answering(lambda one: http(found, status)) as server:
        of = model(server.url)
        try:
            return await of.complete(request(job(of.agent)))
        finally:
            await of.close()


# ---- out


async def test_a_question_goes_to_responses_with_its_key_and_comes_back_answered() -> None:
    with MockProvider() as mock:
        of = model(mock.url, key="secret://env/KEY")
        reply = await of.complete(request(job(of.agent)))
        await of.close()
        asked = mock.requests()[0]
    assert asked["path"] == "/v1/responses"
    assert asked["headers"]["authorization"] == f"...{PLANTED[-4:]}"
    assert list(json.loads(reply.text)) == [question.name for question in CODEBOOK.questions]
    assert reply.sent is not None
    assert json.loads(fill(reply.sent.skeleton, reply.sent.texts)) == asked["body"]


def test_nothing_is_added_and_least_of_all_a_seed_or_what_is_to_be_stored() -> None:
    of = model()
    one = request(job(of.agent))._replace(codebook=None, seed=7)
    assert body(of, one) == {
        "model": "gpt-5.4-mini",
        "input": [
            {"role": "system", "content": "Judge the verse."},
            {"role": "user", "content": "the whole bright orchard hummed"},
        ],
    }


def test_each_section_keeps_its_place_and_its_role() -> None:
    of = model()
    roles: Any = ("system", "user", "assistant", "system", "user")
    turns = tuple(Message(role, f"{number} {HOSTILE}") for number, role in enumerate(roles))
    found = body(of, Request(of.agent, turns, job(of.agent)))
    assert [(item["role"], item["content"]) for item in found["input"]] == [(turn.role, turn.text) for turn in turns]
    assert "instructions" not in found


def test_the_schema_stands_beside_the_style_that_the_agent_asks_for() -> None:
    of = model(parameters={"text": {"verbosity": "low"}})
    found = body(of, request(job(of.agent)))["text"]
    assert found["verbosity"] == "low"
    assert found["format"] == {"type": "json_schema", "name": "answer", "schema": CODEBOOK.schema_, "strict": True}


@pytest.mark.parametrize(
    ("able", "what"),
    [({"inputs": ("text", "audio")}, "audio"), ({"inputs": ("text", "video")}, "video"), ({"seed": True}, "seed")],
)
def test_what_the_api_does_not_take_is_said_before_any_call(able: Any, what: str) -> None:
    with pytest.raises(ConfigError, match=rf"takes no {what} \(agent 'gpt'\)"):
        model(capabilities=Capabilities(**able))


def test_there_are_two_doors() -> None:
    model(door="azure")
    with pytest.raises(ConfigError, match="'vertex' is no door of 'openai_responses'"):
        model(door="vertex")


# ---- back


def test_a_reply_that_says_little_is_still_a_reply() -> None:
    reply = understood({"output": [{"type": "message", "content": [words("Yes.")]}]})
    assert (reply.text, reply.usage, reply.model_returned, reply.finish) == ("Yes.", Usage(), "", "stop")
    assert reply.headers == {"x-request-id": "r1"}


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        ({"code": "server_error", "message": "Oh."}, Unavailable, "failed"),
        ({"code": "vector_store_timeout", "message": "Oh."}, Unavailable, "failed"),
        ({"code": None, "message": "Oh."}, Unavailable, "failed"),
        ("Oh.", Unavailable, "failed"),
        ({"code": "rate_limit_exceeded", "message": "Oh."}, RateLimited, "rate_limited"),
        ({"code": "invalid_image_format", "message": "Oh."}, Permanent, "failed"),
        ({"code": "image_too_large", "message": "Oh."}, Permanent, "failed"),
        ({"code": "invalid_prompt", "message": "Oh."}, Permanent, "failed"),
    ],
)
def test_a_response_that_failed_is_the_error_that_says_who_must_act(error: Any, kind: Any, name: str) -> None:
    found = said(status="failed", error=error)
    with pytest.raises(ProviderError, match=r"Oh\.") as caught:
        understood(found)
    assert (type(caught.value), caught.value.kind) == (kind, name)
    assert json.loads(caught.value.raw) == found


@pytest.mark.parametrize(
    "error",
    [
        {"code": "content_filter", "message": "Filtered."},
        {"code": "bio_policy", "message": "Filtered."},
        {"code": "image_content_policy_violation", "message": "Filtered."},
        {"code": "invalid_prompt", "message": "Filtered: this may violate our usage policy."},
    ],
)
async def test_content_that_is_kept_back_is_a_refusal_however_it_is_said(error: Any) -> None:
    within = understood(said(status="failed", error=error))
    instead = await told(400, {"error": error})
    for reply in (within, instead):
        assert (reply.finish, reply.text, reply.refusal) == ("filter", "", error["message"])
        assert json.loads(reply.raw)["error"] == error
    assert (instead.http_status, instead.sent is not None) == (400, True)


async def test_a_complaint_about_anything_else_is_an_error() -> None:
    with pytest.raises(Permanent, match="Unknown parameter") as caught:
        await told(400, {"error": {"message": "Unknown parameter: 'seed'.", "code": "unknown_parameter"}})
    assert caught.value.http_status == 400


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_a_response_in_the_background_is_not_waited_for(status: str) -> None:
    with pytest.raises(Permanent, match=f"'{status}': `background`"):
        understood(said(status=status))


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["id", "model", "usage", "output", "error", "incomplete_details", "status", "content", "text"]),
    jsons,
)
def test_whatever_stands_where_something_else_should_is_a_reply_or_an_error(place: str, odd: Any) -> None:
    part = words("Yes.")
    found = said(part, status="incomplete", incomplete_details={"reason": "steered"})
    {"content": found["output"][0], "text": part}.get(place, found)[place] = odd
    try:
        reply: Any = understood(found)
    except (Unavailable, Permanent, RateLimited) as error:
        reply = error
    assert json.loads(reply.raw) == json.loads(json.dumps(found))
    if isinstance(reply, Reply):
        texts = (reply.text, reply.refusal or "", reply.model_returned, reply.response_id)
        assert {type(one) for one in texts} == {str}


# ---- the mock


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "model parameter"),
        ({"model": "m"}, "'input' must be"),
        ({"model": "m", "input": "x", "seed": 1}, "Unknown parameter: 'seed'"),
        ({"model": "m", "input": "x", "stream": True}, "does not stream"),
        ({"model": "m", "input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "Invalid value"),
        ({"model": "m", "input": "x", "tool_choice": {"type": "function", "name": "a"}}, "not among the tools"),
    ],
)
async def test_the_mock_refuses_what_the_api_would(asked: dict[str, Any], why: str) -> None:
    with MockProvider() as mock:
        of = model(mock.url)
        of.body = lambda one: asked  # type: ignore[method-assign]
        with pytest.raises(Permanent, match=why):
            await of.complete(request(job(of.agent)))
        await of.close()
