"""Amazon's toxicity by Amazon's own client library, against a server on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amazon import amazon, complaint
from answering import Asked, Server, answering, http
from asking import job, keys, verse
from buttermilk.core.errors import ConfigError, Permanent, RateLimited, SecretError, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.tools.comprehend import SEGMENT, Comprehend, segments_of

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up-for-a-test")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def agent(url: str = "http://127.0.0.1:9", score: str = "TOXICITY", **parameters: Any) -> Agent:
    rules = [{"label": "negative", "when": {score: ">= 0.5"}}, {"label": "no_impact"}]
    given = {"region": "eu-west-1", "answers": {"feeling": rules}, **parameters}
    return Agent(name="mine", type="comprehend", role="tool", base_url=url, parameters=given)


def scored(*segments: tuple[float, float]) -> Any:
    """`(toxicity, insult)` for each segment."""
    labels = [[{"Name": "INSULT", "Score": insult}, {"Name": "GRAPHIC", "Score": 0.1}] for _, insult in segments]
    return {"ResultList": [{"Toxicity": one[0], "Labels": own} for one, own in zip(segments, labels, strict=True)]}


@asynccontextmanager
async def opened(tell: Any, **more: Any) -> AsyncIterator[tuple[Comprehend, Server, Agent]]:
    async with answering(tell) as server:
        mine = agent(server.url.removesuffix("/v1"), **more)
        tool = Comprehend(mine, keys)
        try:
            yield tool, server, mine
        finally:
            await tool.close()


async def test_each_score_is_kept_under_amazons_name() -> None:
    async with opened(lambda one: amazon(scored((0.7, 0.6)), one)) as (tool, server, mine):
        output = await tool.call(job(mine, verse("a bitter word")))
    assert output.values == {"reason": None, "feeling": "negative"}
    assert output.raw == {"TOXICITY": 0.7, "GRAPHIC": 0.1, "INSULT": 0.6, "segments": scored((0.7, 0.6))["ResultList"]}
    assert b"a bitter word" in server.asked[0].body
    assert "/eu-west-1/comprehend/aws4_request" in server.asked[0].headers["authorization"]


async def test_a_long_text_is_the_worst_of_its_segments_and_all_are_kept() -> None:
    def tell(one: Asked) -> bytes:
        count = one.body.count(b"Text") - one.body.count(b"TextSegments")
        return amazon(scored(*[(0.1, 0.1)] * (count - 1), (0.8, 0.2)), one)

    async with opened(tell) as (tool, server, mine):
        output = await tool.call(job(mine, verse("joy " * 3_000)))  # 12,000 bytes: twelve segments, two calls
    assert len(server.asked) == 2
    assert len(output.raw["segments"]) == 12  # type: ignore[arg-type]
    assert (output.raw["TOXICITY"], output.raw["INSULT"]) == (0.8, 0.2)


@given(st.text(st.sampled_from("ab é漢\U0001f600\n "), max_size=4_000) | st.integers(0, 3_000).map(lambda n: "é" * n))
def test_segments_are_the_whole_text_and_each_is_small_enough(text: str) -> None:
    segments = list(segments_of(text))
    assert "".join(segments) == text
    assert all(0 < len(segment.encode()) <= SEGMENT for segment in segments)


def test_a_word_that_fits_is_not_cut() -> None:
    assert list(segments_of(f"{'a' * 1_000} {'b' * 1_000}")) == ["a" * 1_000, " " + "b" * 1_000]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 400, RateLimited),
        ("TooManyRequestsException", 400, RateLimited),
        ("InternalServerException", 500, Unavailable),
        ("UnsupportedLanguageException", 400, Permanent),
        ("AccessDeniedException", 403, Permanent),
    ],
)
async def test_amazons_errors_are_ours_and_asked_again_by_the_engine_alone(code: str, status: int, kind: Any) -> None:
    async with opened(lambda one: complaint(code, one, status)) as (tool, server, mine):
        with pytest.raises(kind, match=f"{code}: no") as caught:
            await tool.call(job(mine))
    assert type(caught.value) is kind
    assert caught.value.http_status == status
    assert len(server.asked) == 1


async def test_scores_that_amazon_leaves_out_are_no_numbers() -> None:
    for found in ({}, {"ResultList": []}, {"ResultList": [{"Labels": []}]}):
        async with opened(lambda one, found=found: amazon(found, one)) as (tool, _, mine):
            with pytest.raises(Permanent, match="no score 'TOXICITY'"):
                await tool.call(job(mine))


async def test_what_is_no_answer_of_amazons_may_be_asked_for_again() -> None:
    async with opened(lambda one: http(b"\xb9\x00")) as (tool, _, mine):
        with pytest.raises(Unavailable, match="Comprehend cannot be reached"):
            await tool.call(job(mine))


async def test_a_server_that_is_not_there_may_be_asked_again() -> None:
    tool = Comprehend(agent(), keys)
    with pytest.raises(Unavailable, match="Comprehend cannot be reached"):
        await tool.call(job(agent()))
    await tool.close()


def test_without_credentials_it_is_told_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SecretError, match="aws configure"):
        Comprehend(agent(), keys)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"region": None}, "names no region"), ({"score": "toxicity"}, "a score 'toxicity'"), ({"lang": "de"}, "'lang'")],
)
def test_what_is_wrong_is_told_before_anything_is_asked(parameters: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Comprehend(agent(**parameters), keys)
