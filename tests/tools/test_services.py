"""Each service is sent what its vendor's page says, and its replies, written as on that page, are read."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import time_machine
import yaml
from openai.types import ModerationCreateResponse
from openai.types.moderation import CategoryScores

from answering import Server, Tell, answering, http
from asking import CODEBOOK, PLANTED, job, keys, verse
from buttermilk.core.errors import ConfigError, Permanent
from buttermilk.core.flows import Agent
from buttermilk.core.messages import Output
from buttermilk.plugins import find
from buttermilk.prompts import load_codebook
from buttermilk.tools.services import OpenAIModeration, PerspectiveApi

TYPES = ("openai_moderation", "azure_content_safety", "google_moderate", "perspective", "hf_endpoint")
SCORES = {field.alias or name: 0.01 for name, field in CategoryScores.model_fields.items()}

pytestmark = pytest.mark.anyio


def agent(kind: str, score: str, url: str = "", **parameters: Any) -> Agent:
    feeling = [{"label": "negative", "when": {score: ">= 0.5"}}, {"label": "no_impact"}]
    given = {"answers": {"feeling": feeling}, **parameters}
    return Agent(name="mine", type=kind, role="tool", base_url=url, key="secret://env/K", model="m1", parameters=given)


@asynccontextmanager
async def asking(tell: Tell, kind: str, score: str, **parameters: Any) -> AsyncIterator[tuple[Output, Server]]:
    async with answering(tell) as server:
        mine = agent(kind, score, server.url.removesuffix("/v1"), **parameters)
        tool = find("tools", kind)(mine, keys)
        try:
            yield await tool.call(job(mine, verse("a bitter word"))), server
        finally:
            await tool.close()


async def test_openai_moderation_as_its_own_types_have_it() -> None:
    flags = dict.fromkeys(SCORES, False)
    reply = {
        "id": "modr-1",
        "model": "omni-moderation-2024-09-26",
        "results": [
            {
                "flagged": True,
                "categories": flags | {"harassment": True},
                "category_scores": SCORES | {"harassment": 0.9},
                "category_applied_input_types": {name: ["text"] for name in SCORES},
            }
        ],
    }
    ModerationCreateResponse.model_validate(reply)
    async with asking(lambda one: http(reply), "openai_moderation", "harassment") as (output, server):
        assert server.asked[0].json == {"model": "m1", "input": "a bitter word"}
        assert server.asked[0].head.startswith("POST /moderations ")
    assert output.values["feeling"] == "negative"
    assert {name: item for name, item in output.raw.items() if name != "reply"} == {
        **SCORES,
        "harassment": 0.9,
        "flagged": 1,
    }
    assert output.version == "omni-moderation-2024-09-26"


def test_openai_moderation_names_every_score_that_its_official_client_knows() -> None:
    assert SCORES.keys() | {"flagged"} == OpenAIModeration.service.scores.keys()


async def test_azure_content_safety_as_its_specification_has_it() -> None:
    """Azure/azure-rest-api-specs, ContentSafety/stable/2024-09-01: AnalyzeTextOptions, AnalyzeTextResult."""
    found = [{"category": name, "severity": 5 if name == "Hate" else 0} for name in ("Hate", "SelfHarm", "Violence")]
    reply = {"blocklistsMatch": [], "categoriesAnalysis": found}
    async with asking(lambda one: http(reply), "azure_content_safety", "Hate") as (output, server):
        assert server.asked[0].json == {"text": "a bitter word", "outputType": "EightSeverityLevels"}
        assert server.asked[0].head.startswith("POST /contentsafety/text:analyze?api-version=2024-09-01 ")
        assert server.asked[0].headers["ocp-apim-subscription-key"] == PLANTED
    assert output.values["feeling"] == "negative"
    assert output.raw == {"Hate": 5, "SelfHarm": 0, "Violence": 0, "reply": reply}


async def test_google_moderate_as_its_reference_has_it() -> None:
    reply = {
        "moderationCategories": [
            {"name": "Toxic", "confidence": 0.6, "severity": 0.4},
            {"name": "Death, Harm & Tragedy", "confidence": 0.2},
        ],
        "languageCode": "en",
        "languageSupported": True,
    }
    async with asking(lambda one: http(reply), "google_moderate", "Toxic") as (output, server):
        assert server.asked[0].json == {
            "document": {"type": "PLAIN_TEXT", "content": "a bitter word"},
            "modelVersion": "MODEL_VERSION_2",
        }
        assert server.asked[0].head.startswith("POST /v2/documents:moderateText ")
        assert server.asked[0].headers["x-goog-api-key"] == PLANTED
    assert output.values["feeling"] == "negative"
    assert output.raw == {"Toxic": 0.6, "Death, Harm & Tragedy": 0.2, "reply": reply}


async def test_perspective_as_its_reference_has_it() -> None:
    score = {"spanScores": [], "summaryScore": {"value": 0.8, "type": "PROBABILITY"}}
    reply = {"attributeScores": {"TOXICITY": score}, "languages": ["en"]}
    more = {"body": {"languages": ["en"], "requestedAttributes": {"TOXICITY": {}}}}
    async with asking(lambda one: http(reply), "perspective", "TOXICITY", **more) as (output, server):
        assert server.asked[0].json == {
            "comment": {"text": "a bitter word"},
            "requestedAttributes": {"TOXICITY": {}},
            "doNotStore": True,
            "languages": ["en"],
        }
        assert server.asked[0].head.startswith("POST /v1alpha1/comments:analyze ")
    assert output.values["feeling"] == "negative"
    assert output.raw == {"TOXICITY": 0.8, "reply": reply}


@pytest.mark.parametrize("nested", [False, True])
async def test_a_hugging_face_endpoint_as_its_specification_has_it(nested: bool) -> None:
    """@huggingface/tasks, text-classification: `inputs`, `parameters.top_k`; a list of labels with their scores."""
    reply: Any = [{"label": "not toxic", "score": 0.3}, {"label": "v1.toxic", "score": 0.7}]
    reply = [reply] if nested else reply
    labels = {"labels": ["v1.toxic", "not toxic"]}
    async with asking(lambda one: http(reply), "hf_endpoint", "v1.toxic", **labels) as (output, server):
        assert server.asked[0].json == {"inputs": "a bitter word", "parameters": {"top_k": 2}}
        assert server.asked[0].headers["authorization"] == f"Bearer {PLANTED}"
    assert output.values["feeling"] == "negative"
    assert output.raw == {"v1.toxic": 0.7, "not toxic": 0.3, "reply": reply}


@pytest.mark.parametrize("labels", [None, [], "toxic", [1]])
def test_an_endpoint_without_its_labels_is_told_so(labels: Any) -> None:
    with pytest.raises(ConfigError, match=r"`parameters.labels` names no label"):
        find("tools", "hf_endpoint")(agent("hf_endpoint", "toxic", "http://127.0.0.1:9", labels=labels), keys)


async def test_a_label_that_the_endpoint_does_not_give_is_a_failure_that_names_it() -> None:
    with pytest.raises(Permanent, match="no score 'toxic'"):
        async with asking(
            lambda one: http([{"label": "LABEL_1", "score": 1}]), "hf_endpoint", "toxic", labels=["toxic"]
        ):
            raise AssertionError


@pytest.mark.parametrize("kind", TYPES)
def test_each_service_says_where_its_vendor_describes_it(kind: str) -> None:
    service = find("tools", kind).service
    assert service.docs.startswith("https://")
    assert find("tools", kind).deterministic


PACKAGED = ("moderation", "content_safety", "google_moderate", "perspective", "hf_classifier", "guard", "comprehend")


@pytest.mark.parametrize("name", PACKAGED)
def test_each_packaged_agent_answers_the_packaged_codebook(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "made-up-for-a-test")
    package = files("buttermilk")
    written = yaml.safe_load((package / "conf" / "agent" / f"{name}.yaml").read_text("utf-8"))
    mine = Agent.model_validate({**written, "name": name, "role": "tool"})
    find("tools", mine.type)(mine, keys).check(load_codebook("harm", [Path(str(package)) / "library" / "codebooks"]))


# ---- a service that ends


@pytest.mark.parametrize("day", [datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, tzinfo=UTC)])
def test_perspective_says_in_time_that_it_will_end(day: datetime, caplog: pytest.LogCaptureFixture) -> None:
    with time_machine.travel(day, tick=False), caplog.at_level(logging.WARNING, "buttermilk"):
        PerspectiveApi(agent("perspective", "TOXICITY"), keys).check(CODEBOOK)
    assert [record.getMessage() for record in caplog.records] == [
        "agent 'mine': Google switches the Perspective API off after 31 December 2026. Ask what you need before."
    ]


def test_perspective_says_afterwards_that_it_has_ended_and_who_else_may_be_asked() -> None:
    with time_machine.travel(datetime(2027, 1, 1, tzinfo=UTC)), pytest.raises(ConfigError) as caught:
        PerspectiveApi(agent("perspective", "TOXICITY"), keys).check(CODEBOOK)
    assert "switched the Perspective API off after 31 December 2026" in str(caught.value)
    assert "openai_moderation" in str(caught.value)


def test_a_stand_in_for_perspective_does_not_end_with_it(caplog: pytest.LogCaptureFixture) -> None:
    with time_machine.travel(datetime(2027, 1, 1, tzinfo=UTC)):
        PerspectiveApi(agent("perspective", "TOXICITY", "http://127.0.0.1:9"), keys).check(CODEBOOK)
    assert caplog.records == []
