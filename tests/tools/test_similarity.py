"""Similarity to texts that a scholar writes down, by a service on this machine and by a tiny model made here."""

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import Asked, answering, http
from asking import PLANTED, job, keys, verse
from buttermilk.core.errors import ConfigError, Permanent, RateLimited, Unavailable
from buttermilk.core.flows import Agent, Codebook, Question
from buttermilk.tools.similarity import Similarity, cosine, references_of

RULES = [{"label": "positive", "when": {"joy": "> grief"}}, {"label": "negative"}]
PARAMETERS: dict[str, Any] = {
    "references": {"joy": ["the children danced", "glad"], "grief": "she wept"},
    "answers": {"feeling": RULES},
}
PLACES = {"the children danced": [1.0, 0.0], "glad": [0.8, 0.6], "she wept": [0.0, 1.0], "verse": [3.0, 4.0]}

pytestmark = pytest.mark.anyio


def agent(url: str, **more: Any) -> Agent:
    given = {"type": "similarity", "role": "tool", "model": "small", "base_url": url, "parameters": PARAMETERS}
    return Agent.model_validate({"name": "near", "key": "secret://env/KEY", **given, **more})


def embedded(asked: Asked) -> bytes:
    """As the service sends it, and in any order: `index` says which is which."""
    data = [{"index": n, "embedding": PLACES[text]} for n, text in enumerate(asked.json["input"])]
    return http({"object": "list", "model": "small-2", "data": data[::-1]})


async def test_the_score_of_a_name_is_that_of_its_nearest_text() -> None:
    async with answering(embedded) as server:
        tool = Similarity(agent(server.url), keys)
        output = await tool.call(job(agent(server.url), verse("verse")))
        await tool.close()
    assert output.raw == pytest.approx({"joy": 0.96, "grief": 0.8})  # (3*0.8 + 4*0.6) / 5, and 4 / 5
    assert output.values == {"reason": None, "feeling": "positive"}
    assert output.version == "small-2"


async def test_references_are_embedded_once_however_many_ask() -> None:
    async with answering(embedded) as server:
        tool = Similarity(agent(server.url), keys)
        await asyncio.gather(*(tool.call(job(agent(server.url), verse("verse"))) for _ in range(5)))
        await tool.close()
    sent = [asked.json for asked in server.asked]
    assert sent[0] == {
        "model": "small",
        "input": ["the children danced", "glad", "she wept"],
        "encoding_format": "float",
    }
    assert [one["input"] for one in sent[1:]] == [["verse"]] * 5
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {PLANTED}"}
    assert server.asked[0].head.startswith("POST /v1/embeddings ")


async def test_a_score_may_be_the_answer_itself() -> None:
    codebook = Codebook(name="near", questions=(Question(name="gladness", ask="How near?", level="interval"),))
    async with answering(embedded) as server:
        one = agent(server.url, parameters={"references": {"joy": "glad"}, "answers": {"gladness": "joy"}})
        tool = Similarity(one, keys)
        output = await tool.call(job(one, verse("verse"), codebook=codebook))
        await tool.close()
    assert output.values["gladness"] == pytest.approx(0.96)


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (http({"error": {"message": "slower"}}, 429), RateLimited, "slower"),
        (http("<html>"), Unavailable, "no embedding"),
        (http({"data": []}), Unavailable, "3 texts were sent, and 0 embeddings came"),
        (http({"data": [{"index": n, "embedding": ["x"]} for n in range(3)]}), Unavailable, "no embedding"),
        (http({"data": [{"index": n, "embedding": [0.0, 0.0]} for n in range(3)]}), Unavailable, "1 texts were sent"),
    ],
)
async def test_what_is_no_embedding_is_no_score(reply: bytes, error: type[Exception], said: str) -> None:
    async with answering(lambda asked: reply) as server:
        tool = Similarity(agent(server.url), keys)
        with pytest.raises(error, match=said) as caught:
            await tool.call(job(agent(server.url), verse("verse")))
        await tool.close()
    assert PLANTED not in str(caught.value)


vectors = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3).filter(lambda vector: math.hypot(*vector) > 1e-3)


@given(vectors, vectors)
def test_a_cosine_lies_between_minus_one_and_one_and_is_the_same_from_both_sides(one: Any, other: Any) -> None:
    assert -1 <= cosine(one, other) == cosine(other, one) <= 1
    assert cosine(one, one) == pytest.approx(1)


def test_a_cosine_as_worked_out_by_hand() -> None:
    assert cosine([1, 0], [1, 1]) == pytest.approx(math.sqrt(0.5))
    assert cosine([1, 2], [-1, -2]) == pytest.approx(-1)
    assert cosine([1, 0], [0, 5]) == 0
    with pytest.raises(Permanent, match="of 2 and of 3 numbers"):
        cosine([1, 0], [1, 0, 0])
    with pytest.raises(Permanent, match="no direction"):
        cosine([0, 0], [1, 0])


@pytest.mark.parametrize("references", [None, {}, [], {"joy": []}, {"joy": [""]}, {"joy": [3]}, {"joy": {"a": 1}}])
def test_references_that_hold_no_text_are_refused_in_words(references: Any) -> None:
    wrong = agent("http://127.0.0.1:9", parameters={**PARAMETERS, "references": references})
    with pytest.raises(ConfigError, match="agent 'near'"):
        references_of(wrong)


def test_what_only_a_local_model_has_is_no_parameter_of_a_service() -> None:
    with pytest.raises(ConfigError, match="no parameter 'device'"):
        Similarity(agent("http://127.0.0.1:9", parameters={**PARAMETERS, "device": "cuda"}), keys)


# ---- with a model on this machine


async def test_a_local_model_finds_the_same_text_nearest_to_itself(encoder: str) -> None:
    here = agent(
        "", key="", model=encoder, parameters={**PARAMETERS, "references": {"joy": "joy joy", "grief": "grief"}}
    )
    tool = Similarity(here, keys)
    texts = ("joy joy", "grief", "joy grief the " * 40, "joy \ud800")
    same, other, long, half = await asyncio.gather(*(tool.call(job(here, verse(text))) for text in texts))
    assert same.raw["joy"] == pytest.approx(1, abs=1e-5)
    assert other.raw["grief"] == pytest.approx(1, abs=1e-5)
    assert same.values["feeling"] == "positive"
    assert other.values["feeling"] == "negative"
    assert all(-1 <= output.raw[name] <= 1 for output in (long, half) for name in ("joy", "grief"))  # type: ignore[operator]
    assert same.version.startswith("transformers ")
    assert same.version.endswith(", mean")
    await tool.close()


async def test_a_texts_embedding_is_the_same_whoever_is_asked_with_it(encoder: str) -> None:
    """Padding to the longest of a batch must not count as words."""
    from buttermilk.tools.embedding import LocalEmbedding

    model = LocalEmbedding(agent("", key="", model=encoder))
    alone = (await model.vectors(["joy"]))[0]
    beside = model._read(["joy", "grief the the joy"])[0]
    assert beside == pytest.approx(alone, abs=1e-6)
    first = LocalEmbedding(agent("", key="", model=encoder, parameters={**PARAMETERS, "pooling": "cls"}))
    assert (await first.vectors(["joy"]))[0] != pytest.approx(alone, abs=1e-6)
    assert first.version.endswith(", cls")
    with pytest.raises(ConfigError, match="no pooling 'max'"):
        LocalEmbedding(agent("", key="", model=encoder, parameters={**PARAMETERS, "pooling": "max"}))
