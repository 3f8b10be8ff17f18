"""A classifier on this machine: the library's own pipeline, over a tiny model that the tests make."""

import asyncio
from typing import Any

import pytest

from asking import job, keys, verse
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent
from buttermilk.plugins import find
from scholar import Scholar

RULES = [{"label": "positive", "when": {"glad": "> sad"}}, {"label": "negative"}]

MOODS = """
type: transformers
model: {classifier}
parameters:
  labels: [glad, sad]
  answers: {{sentiment: [{{label: positive, when: {{glad: "> sad"}}}}, {{label: negative}}]}}
"""
NEAR = """
type: similarity
model: {encoder}
parameters:
  references: {{joy: joy the joy, grief: [grief, the grief]}}
  answers: {{sentiment: [{{label: positive, when: {{joy: "> grief"}}}}, {{label: negative}}]}}
"""

pytestmark = pytest.mark.anyio


def agent(folder: str, **parameters: Any) -> Agent:
    given = {"labels": ["glad", "sad"], "answers": {"feeling": RULES}, **parameters}
    return Agent(name="mine", type="transformers", role="tool", model=folder, parameters=given)


async def said(folder: str, text: str, **parameters: Any) -> Any:
    one = agent(folder, **parameters)
    return await find("tools", "transformers")(one, keys).call(job(one, verse(text)))


async def test_each_label_has_its_score_and_rules_make_an_answer_of_them(classifier: str) -> None:
    glad, sad = await said(classifier, "joy"), await said(classifier, "grief")
    assert (glad.values["feeling"], sad.values["feeling"]) == ("positive", "negative")
    assert glad.raw["glad"] + glad.raw["sad"] == pytest.approx(1)
    assert (glad.raw["tokens"], glad.raw["cut"]) == (3, False)


async def test_a_text_that_is_longer_than_the_model_reads_is_marked_as_cut(classifier: str) -> None:
    raw = (await said(classifier, "the " * 40)).raw
    assert (raw["tokens"], raw["cut"]) == (42, True)


async def test_half_a_character_is_read_as_an_unknown_one(classifier: str) -> None:
    assert (await said(classifier, "joy \ud800")).raw["tokens"] == 4


async def test_each_of_many_that_ask_at_once_gets_its_own_answer(classifier: str) -> None:
    one = agent(classifier, batch=4)
    tool = find("tools", "transformers")(one, keys)
    texts = ["joy", "grief", "grief grief"] * 7
    outputs = await asyncio.gather(*(tool.call(job(one, verse(text))) for text in texts))
    alone = [await tool.call(job(one, verse(text))) for text in texts[:3]]
    assert [output.values["feeling"] for output in outputs][:2] == ["positive", "negative"]
    assert [output.raw["tokens"] for output in outputs] == [3, 3, 4] * 7
    for place, output in enumerate(outputs):
        assert output.raw == pytest.approx(alone[place % 3].raw, abs=1e-6)
    await tool.close()


async def test_the_version_names_the_library_and_the_weights(classifier: str) -> None:
    version = (await said(classifier, "joy")).version
    assert version.startswith("transformers 5.")
    assert "classifier@" in version
    assert classifier not in version


async def test_the_numbers_may_be_narrower_than_the_model_keeps_them(classifier: str) -> None:
    kept, wide, narrow = [await said(classifier, "joy the", dtype=one) for one in ("auto", "float32", "bfloat16")]
    assert kept.raw == wide.raw  # this model keeps them so
    assert kept.raw != narrow.raw


async def test_the_best_device_there_is_may_be_left_to_the_machine(classifier: str) -> None:
    import torch

    tool = find("tools", "transformers")(agent(classifier, device="auto"), keys)
    card = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
    assert tool.endpoint == f"transformers on {card}"


async def test_labels_of_another_model_are_told_with_those_it_has(classifier: str) -> None:
    with pytest.raises(ConfigError, match="other labels") as caught:
        await said(classifier, "joy", labels=["glad", "sad", "odd"])
    assert "labels: [glad, sad]" in caught.value.hint


async def test_a_model_that_is_not_there_is_named(tiny: Any, tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        find("tools", "transformers")(agent(str(tmp_path / "gone")), keys)
    for name in (str(tmp_path), "nobody/nothing"):  # a folder without a model; a name, and no hub in reach
        with pytest.raises(ConfigError, match=f"'{name}' cannot be opened: "):
            await said(name, "joy")


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        ({"device": "abacus"}, "no device 'abacus' here"),
        ({"dtype": "float7"}, "no dtype 'float7'"),
        ({"labels": []}, "which labels the model gives"),
        ({"labels": "glad"}, "which labels the model gives"),
        ({"batch": 0}, "whole number from 1"),
        ({"temperature": 1}, "no parameter 'temperature'"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(classifier: str, parameters: Any, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        find("tools", "transformers")(agent(classifier, **parameters), keys)


def test_a_whole_study_is_read_by_models_on_this_machine(scholar: Scholar, classifier: str, encoder: str) -> None:
    scholar.writes("data/verse.csv", "id,verse,sentiment\nv1,joy the joy,positive\nv2,the grief,negative\n")
    scholar.writes("conf/agent/moods.yaml", MOODS.format(classifier=classifier))
    scholar.writes("conf/agent/near.yaml", NEAR.format(encoder=encoder))
    run = scholar.types("run", "verse", "agents=[moods,near]", "repeats=1")
    assert (run.counts["failed"], run.counts["remaining"]) == (0, 0)
    scholar.types("export", "answers.csv")
    said = {(row["agent"], row["record_id"], row["label"]) for row in scholar.table("answers.csv") if row["label"]}
    assert said == {(name, *one) for name in ("moods", "near") for one in (("v1", "positive"), ("v2", "negative"))}
