"""The Anthropic dialect: what goes out by each door, what comes back, and what is said before anything is spent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import Asked, answering, http
from asking import CODEBOOK, FEELINGS, PLANTED, job, keys
from buttermilk.core.errors import ConfigError, Permanent, RateLimited, Unavailable
from buttermilk.core.flows import Agent, Capabilities, Codebook, Perspective, Question
from buttermilk.core.jobs import Usage, fill
from buttermilk.core.messages import Message, Reply, Request
from buttermilk.models.anthropic import AnthropicMessages
from buttermilk.testing import MockProvider
from oracle import ASKINGS, PDF, blobs

pytestmark = pytest.mark.anyio

GOOD = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5-5",
    "content": [{"type": "text", "text": "Calm."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 20, "output_tokens": 4},
}


def claude(url: str = "http://127.0.0.1:1", *, answers: Any = "native", **more: Any) -> AnthropicMessages:
    able = Capabilities(inputs=("text", "image", "pdf"), answers=answers)
    stated = {"model": "claude-sonnet-5-5", "parameters": {"max_tokens": 300}, "capabilities": able, **more}
    agent = Agent(name="claude", type="anthropic", base_url=url, key="secret://env/ANTHROPIC_API_KEY", **stated)
    return AnthropicMessages(agent, keys, blobs)


def asking(of: AnthropicMessages, *messages: Message) -> Request:
    return Request(agent=of.agent, messages=messages, codebook=CODEBOOK, job=job(of.agent))


async def sent(tell: bytes | None = None, *, asked: str = "system", **more: Any) -> tuple[Reply, Asked]:
    """One call: the reply, and the request as the server saw it."""
    async with answering(lambda one: tell or http(GOOD)) as server:
        of = claude(server.url.removesuffix("/v1"), **more)
        try:
            return await of.complete(ASKINGS[asked].request(of.agent)), server.asked[0]
        finally:
            await of.close()


CLAUDE = claude()  # for what needs no wire


# ---- out


async def test_a_body_holds_the_model_the_parameters_and_the_messages_and_nothing_else() -> None:
    _, asked = await sent(parameters={"max_tokens": 300, "temperature": 0.7, "metadata": {"user_id": "v"}})
    assert asked.head.startswith("POST /v1/messages HTTP/1.1")
    assert asked.body.decode() == (
        '{"model":"claude-sonnet-5-5","max_tokens":300,"temperature":0.7,"metadata":{"user_id":"v"},'
        '"system":"Judge the verse.","messages":[{"role":"user","content":"The orchard hummed."}]}'
    )


@pytest.mark.parametrize(
    ("door", "path", "first"),
    [
        ("vertex", "/publishers/anthropic/models/claude-sonnet-5-5:rawPredict", "vertex-2023-10-16"),
        ("bedrock", "/model/claude-sonnet-5-5/invoke", "bedrock-2023-05-31"),
    ],
)
async def test_two_clouds_have_the_model_in_the_path_and_the_version_in_the_body(
    door: str, path: str, first: str
) -> None:
    _, asked = await sent(door=door)
    assert asked.head.startswith(f"POST {path} HTTP/1.1")
    assert asked.body.decode() == (
        f'{{"anthropic_version":"{first}","max_tokens":300,'
        '"system":"Judge the verse.","messages":[{"role":"user","content":"The orchard hummed."}]}'
    )
    assert asked.headers["authorization"] == f"Bearer {PLANTED}"
    assert "anthropic-version" not in asked.headers


@pytest.mark.parametrize("door", ["", "foundry"])
async def test_elsewhere_key_and_version_are_headers_of_their_own(door: str) -> None:
    reply, asked = await sent(door=door)
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (PLANTED, "2023-06-01")
    assert "authorization" not in asked.headers
    assert PLANTED not in repr(reply)


def test_a_prompted_answer_asks_for_no_shape() -> None:
    of = claude(answers="prompted")
    body = of.body(asking(of, Message("user", "The orchard hummed.")))
    assert body.keys() == {"model", "max_tokens", "messages"}


def test_a_forced_call_is_told_the_limits_that_structured_outputs_refuse() -> None:
    tool, native = claude(answers="tool"), claude(answers="native")
    assert '"minimum"' in tool.skeleton(ASKINGS["tool"].request(tool.agent))[0]
    assert '"minimum"' not in native.skeleton(ASKINGS["native"].request(native.agent))[0]


async def test_what_is_kept_restores_the_request_byte_for_byte_and_has_each_medium_by_its_name() -> None:
    reply, asked = await sent(asked="pdf")
    kept = reply.sent
    assert kept is not None
    assert PDF in kept.skeleton
    assert "JVBERi0xLjc=" not in kept.skeleton
    assert fill(kept.skeleton, kept.texts, CLAUDE._encode) == asked.body
    sources = [block["source"]["data"] for block in asked.json["messages"][0]["content"][:2]]
    assert sources == ["JVBERi0xLjc=", "YSBwaWN0dXJl"]


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text()), min_size=1, max_size=5))
def test_any_text_goes_out_as_that_text_in_that_role(turns: list[tuple[Any, str]]) -> None:
    said = json.loads(fill(*CLAUDE.skeleton(asking(CLAUDE, *(Message(role, text) for role, text in turns)))))
    system = said.get("system", [])
    first = [system] if isinstance(system, str) else [block["text"] for block in system]
    assert first == [text for role, text in turns if role == "system"]
    assert [(one["role"], one["content"]) for one in said["messages"]] == [
        turn for turn in turns if turn[0] != "system"
    ]


# ---- before anything is spent


@pytest.mark.parametrize(
    ("more", "wrong", "hint"),
    [
        ({"parameters": {}}, "does not say how long an answer may be", "write `max_tokens: 4000`"),
        (
            {"capabilities": Capabilities(inputs=("text", "audio", "video"))},
            "Claude takes no audio and no video",
            "write `inputs: [text, image, pdf]`",
        ),
        ({"capabilities": Capabilities(seed=True)}, "Claude takes no seed", "take out `seed: true`"),
    ],
)
def test_what_claude_must_be_told_and_cannot_be_given_is_said_at_once(more: Any, wrong: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=r"agent 'claude'") as caught:
        claude(**more)
    assert wrong in caught.value.message
    assert hint in caught.value.hint


def test_a_door_that_is_none_of_its_doors_is_refused() -> None:
    with pytest.raises(ConfigError, match="'azure' is no door of 'anthropic'"):
        claude(door="azure")


# ---- back


async def test_all_that_a_reply_says_is_kept() -> None:
    raw = http(GOOD, Request_Id="req_1", Anthropic_RateLimit_Tokens_Remaining="9000", Server="cloudflare")
    reply, _ = await sent(raw)
    assert (reply.text, reply.finish, reply.refusal) == ("Calm.", "stop", None)
    assert (reply.model_returned, reply.response_id) == ("claude-sonnet-5-5", "msg_1")
    assert reply.usage == Usage(input_tokens=20, output_tokens=4)
    assert {name.lower(): said for name, said in reply.headers.items()} == {
        "request-id": "req_1",
        "anthropic-ratelimit-tokens-remaining": "9000",
    }
    assert json.loads(reply.raw) == GOOD


async def test_an_output_that_a_filter_held_back_is_a_refusal_and_no_other_complaint_is() -> None:
    reply, _ = await sent(http({"error": {"message": "Output blocked by content filtering policy"}}, 400))
    assert (reply.finish, reply.http_status) == ("filter", 400)
    assert reply.refusal == "400: Output blocked by content filtering policy"
    with pytest.raises(Permanent, match="max_tokens: too large"):
        await sent(http({"error": {"message": "max_tokens: too large"}}, 400))


async def test_an_overloaded_claude_asks_for_patience() -> None:
    with pytest.raises(RateLimited, match="Overloaded") as caught:
        await sent(http({"error": {"message": "Overloaded"}}, 529, Retry_After="7"))
    assert caught.value.retry_after_seconds == 7


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*GOOD, "stop_details", "block", "text"]), jsons)
def test_whatever_stands_where_something_else_should_is_a_reply_or_a_malformed_one(place: str, odd: Any) -> None:
    said = json.loads(json.dumps(GOOD))
    if place == "block":
        said["content"][0] = odd
    elif place == "text":
        said["content"][0]["text"] = odd
    else:
        said[place] = odd
    if place == "stop_details":
        said["stop_reason"] = "refusal"
    try:
        found: Any = CLAUDE.understood(json.dumps(said).encode(), {})
    except Unavailable as error:
        found = error
    assert json.loads(found.raw) == said
    assert isinstance(found, Reply) or found.kind == "malformed"


# ---- the mock


@pytest.mark.parametrize("answers", ["native", "tool", "prompted"])
@pytest.mark.parametrize("fault", ["", "prefuse", "plength", "pbad"])
async def test_the_mock_answers_refuses_and_cuts_as_claude_would(answers: str, fault: str) -> None:
    with MockProvider(**({fault: 100} if fault else {})) as mock:
        of = claude(mock.root, answers=answers)
        reply = await of.complete(asking(of, Message("user", "The orchard hummed.")))
        await of.close()
    assert (reply.finish, reply.refusal is not None) == {
        "prefuse": ("refusal", True),
        "plength": ("length", False),
    }.get(fault, ("stop", False))
    if not fault and answers != "prompted":
        assert json.loads(reply.text)["feeling"] in FEELINGS
    assert reply.usage.input_tokens > 0


@pytest.mark.parametrize(
    ("door", "parameters", "complaint"),
    [
        ("", {"max_tokens": None}, "max_tokens: Field required"),
        ("bedrock", {"max_tokens": 5, "anthropic_version": None}, "anthropic_version: Field required"),
        ("vertex", {"max_tokens": 5, "model": "claude"}, "model: Extra inputs are not permitted"),
        ("", {"max_tokens": 5, "model": None}, "model: Field required"),
        ("", {"max_tokens": 5, "stream": True}, "does not stream"),
        ("", {"max_tokens": 5, "tool_choice": {"type": "tool", "name": "search"}}, "there is no tool 'search'"),
        ("foundry", {"max_tokens": 5}, "at least one message"),
    ],
)
async def test_the_mock_complains_where_claude_would(door: str, parameters: Any, complaint: str) -> None:
    role: Any = "system" if door == "foundry" else "user"
    with MockProvider() as mock:
        of = claude(mock.root, door=door, parameters=parameters)
        try:
            with pytest.raises(Permanent, match=complaint):
                await of.complete(asking(of, Message(role, "The orchard hummed.")))
        finally:
            await of.close()


def test_a_form_with_more_nulls_than_structured_outputs_take_is_told_before_anything_is_asked() -> None:
    parts = (Question(name="words", ask="Which?", level="quote", optional=True, each="criterion"),)
    codebook = Codebook(name="house", questions=parts)
    rules = [Perspective(name=f"of_{n}", text="\n".join(f"{i}. Be fair." for i in range(n))) for n in (16, 17)]
    claude().check(codebook.of(rules[0]))
    claude(answers="tool").check(codebook.of(rules[1]))
    with pytest.raises(ConfigError, match="'house' has 17 questions that may be answered by null") as caught:
        claude().check(codebook.of(rules[1]))
    assert "answers: tool" in caught.value.hint
