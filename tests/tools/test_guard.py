"""A guard's verdict is read strictly: what is no verdict is a failure, and never `safe`."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import answering, chat, http
from asking import job, keys, verse
from buttermilk.core.errors import ConfigError, Permanent, RateLimited, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.core.messages import Output
from buttermilk.tools.guard import HAZARDS, Guard

UNSAFE = [{"label": "negative", "when": {"unsafe": "== 1"}}, {"label": "no_impact"}]
POLICY = "You are a policy expert.\n{{ record.text }}\nDoes it break the principle? Answer Yes or No."

pytestmark = pytest.mark.anyio


def agent(url: str = "http://127.0.0.1:9", rules: Any = UNSAFE, **parameters: Any) -> Agent:
    given = {"answers": {"feeling": rules}, **parameters}
    return Agent(name="guard", type="guard", role="tool", model="lg3", base_url=url, parameters=given)


async def judged(reply: Any, rules: Any = UNSAFE, **parameters: Any) -> tuple[Output, Any]:
    async with answering(lambda one: http(reply) if not isinstance(reply, bytes) else reply) as server:
        tool = Guard(agent(server.url, rules, **parameters), keys)
        try:
            return await tool.call(job(tool._agent, verse("steal a llama"))), server.asked[0]
        finally:
            await tool.close()


def verdict(text: str, **parameters: Any) -> dict[str, Any]:
    return Guard(agent(**parameters), keys).scores(chat(text))


async def test_llama_guard_is_asked_as_a_chat_and_its_codes_are_kept() -> None:
    output, asked = await judged(chat("\n\nunsafe\nS2,S10"), body={"temperature": 0})
    assert asked.head.startswith("POST /v1/chat/completions ")
    assert asked.json == {
        "model": "lg3",
        "messages": [{"role": "user", "content": "steal a llama"}],
        "temperature": 0,
    }
    assert output.values == {"reason": None, "feeling": "negative"}
    flags = {code: int(code in ("S2", "S10")) for code in HAZARDS}
    said = {name: item for name, item in output.raw.items() if name != "reply"}
    assert said == {"unsafe": 1, **flags, "categories": ["S2", "S10"], "text": "\n\nunsafe\nS2,S10"}
    assert output.version == "gpt-4o-mini-2024-07-18"  # what the server says it is


async def test_one_kind_of_harm_can_be_asked_for_alone() -> None:
    hate = [{"label": "negative", "when": {"S10": "== 1"}}, {"label": "no_impact"}]
    assert (await judged(chat("unsafe\nS2"), hate))[0].values["feeling"] == "no_impact"
    assert (await judged(chat("unsafe\nS2, S10"), hate))[0].values["feeling"] == "negative"


@pytest.mark.parametrize(
    ("text", "unsafe", "categories"),
    [
        ("safe", 0, []),
        ("\n\nsafe\n", 0, []),
        ("unsafe", 1, []),
        ("unsafe\nS1", 1, ["S1"]),
        ("unsafe\nO3,S99", 1, ["O3", "S99"]),
    ],
)
def test_a_verdict_is_one_word_and_its_codes(text: str, unsafe: int, categories: list[str]) -> None:
    found = verdict(text)
    assert (found["unsafe"], found["categories"]) == (unsafe, categories)
    assert {code for code, flag in found.items() if flag == 1} - {"unsafe"} == set(categories)


@pytest.mark.parametrize(
    "text",
    [
        "safe\nS1",
        "Safe",
        "unsafe S1 because of",
        "not safe",
        "The text is safe.",
        "safe safe",
        "I cannot",
        "S1",
    ],
)
def test_anything_else_is_no_verdict(text: str) -> None:
    with pytest.raises(Permanent, match="did not say safe, or unsafe") as caught:
        verdict(text)
    assert caught.value.kind == "unparsed"
    assert text in caught.value.message


@given(st.text(st.sampled_from("safeunS1,\n .yYoN"), max_size=20))
def test_nothing_is_ever_safe_that_does_not_say_just_that(text: str) -> None:
    try:
        found = Guard(agent(), keys).scores(chat(text))
    except (Permanent, Unavailable):
        return
    assert text.strip().split()[0] == ("unsafe" if found["unsafe"] else text.strip())


async def test_a_verdict_that_was_cut_off_is_none() -> None:
    with pytest.raises(Permanent, match="did not say safe") as caught:
        await judged(chat("unsafe\nS1", finish="length"))
    assert "unsafe" in caught.value.raw


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (chat(None), Unavailable),
        (chat(" "), Unavailable),
        ({"choices": []}, Unavailable),
        ({"error": {"message": "no"}}, Unavailable),
        (http({"error": {"message": "slower"}}, 429), RateLimited),
    ],
)
async def test_no_words_at_all_may_be_asked_for_again(reply: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await judged(reply)


@pytest.mark.parametrize(
    ("text", "unsafe"), [("Yes", 1), ("No", 0), ("**No**", 0), ("yes, it does", 1), ("No.\nWhy", 0)]
)
async def test_shieldgemma_says_yes_or_no_first(text: str, unsafe: int) -> None:
    messages = [{"role": "user", "content": POLICY}]
    output, asked = await judged(chat(text, finish="length"), verdict="yes_no", body={"messages": messages})
    assert asked.json["messages"][0]["content"].splitlines()[1] == "steal a llama"
    assert (output.raw["unsafe"], output.raw["text"]) == (unsafe, text)


@pytest.mark.parametrize("text", ["Yesterday", "Nothing", "It is: Yes", "unsafe"])
def test_what_begins_with_neither_is_no_verdict(text: str) -> None:
    with pytest.raises(Permanent, match="did not say Yes or No"):
        verdict(text, verdict="yes_no")


async def test_the_probability_of_yes_is_a_score_of_its_own() -> None:
    """P(Yes) / (P(Yes) + P(No)) = 0.6 / (0.6 + 0.2) = 0.75, whatever else might have been said."""
    first = [("Yes", 0.5), (" yes", 0.1), ("No", 0.2), ("Maybe", 0.2)]
    top = [{"token": token, "logprob": math.log(share)} for token, share in first]
    reply = chat("Yes")
    reply["choices"][0]["logprobs"] = {"content": [{"token": "Yes", "logprob": -0.7, "top_logprobs": top}]}
    rules = [{"label": "negative", "when": {"probability": ">= 0.8"}}, {"label": "no_impact"}]
    output, _ = await judged(reply, rules, verdict="yes_no")
    assert output.raw["probability"] == pytest.approx(0.75)
    assert output.values["feeling"] == "no_impact"
    reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = ["Yes"]
    with pytest.raises(Unavailable, match="`logprobs` are none"):
        await judged(reply, rules, verdict="yes_no")
    with pytest.raises(Permanent, match="no score 'probability'"):
        await judged(chat("Yes"), rules, verdict="yes_no")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"verdict": "maybe"}, "'maybe' is no form of a verdict"),
        ({"categories": "S1"}, "`parameters.categories` is no list of codes"),
        ({"categories": ["O1"], "rules": [{"label": "negative", "when": {"S1": "== 1"}}]}, "a score 'S1'"),
        ({"scores": {"a": "b"}}, "'guard' has no parameter 'scores'"),
    ],
)
def test_what_is_wrong_with_a_guard_is_told_before_it_is_asked(parameters: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Guard(agent(**parameters), keys)
