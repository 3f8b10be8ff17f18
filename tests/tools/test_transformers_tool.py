"""A classifier on this machine. Where torch is installed a tiny model is made and asked. It weighs gigabytes on some
machines, so not every developer has it: a stand-in that speaks as the pipeline does is asked as well, everywhere."""

import asyncio
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from asking import job, keys, verse
from buttermilk.core.errors import ConfigError, Permanent, Unavailable
from buttermilk.core.flows import Agent

RULES = [{"label": "positive", "when": {"glad": "> sad"}}, {"label": "negative"}]
OURS = ("buttermilk.tools.local", "buttermilk.tools.transformers")
LONGEST = 16
ASKED: list[list[str]] = []  # what the stand-in was asked, a batch each

pytestmark = pytest.mark.anyio


def stand_in(task: str, model: str, **given: Any) -> Any:
    """https://huggingface.co/docs/transformers/main_classes/pipelines: a list of labels with scores per text, the best
    first; a model that is not there is an OSError."""
    if not (Path(model) / "config.json").exists():
        raise OSError(f"{model} is not a local folder and is not a valid model identifier")

    def classify(texts: list[str], **how: Any) -> list[list[dict[str, Any]]]:
        ASKED.append(texts)
        if "memory" in texts:
            raise sys.modules["torch"].OutOfMemoryError("CUDA out of memory")
        if "broken" in texts:
            raise RuntimeError("The size of tensor a must match")
        glad = [0.9 if "joy" in text else 0.1 for text in texts]
        found = [[{"label": "glad", "score": score}, {"label": "sad", "score": 1 - score}] for score in glad]
        return [sorted(scores, key=lambda one: -one["score"]) for scores in found]  # type: ignore[operator]

    classify.tokenizer = lambda texts, **how: {"input_ids": [[2, *text.split(), 3] for text in texts]}  # type: ignore[attr-defined]
    classify.tokenizer.model_max_length = LONGEST  # type: ignore[attr-defined]
    classify.model = SimpleNamespace(config=SimpleNamespace(id2label={0: "sad", 1: "glad"}))  # type: ignore[attr-defined]
    return classify


def stand_ins() -> dict[str, Any]:
    torch: Any = ModuleType("torch")
    torch.OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {})

    def empty(size: int, device: str) -> None:
        if device != "cpu":
            raise RuntimeError(f"Invalid device string: '{device}'")

    torch.empty = empty
    transformers: Any = ModuleType("transformers")
    transformers.__version__ = "5.0.0"
    transformers.pipeline = stand_in
    said = SimpleNamespace(set_verbosity_error=lambda: None, disable_progress_bar=lambda: None)
    transformers.utils = SimpleNamespace(logging=said)
    return {"torch": torch, "transformers": transformers}


@pytest.fixture(scope="module", params=["stand_in", pytest.param("real", marks=pytest.mark.slow)])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """The tool's class, and the folder of a model."""
    folder = tmp_path_factory.mktemp("models") / "classifier"
    if request.param == "real":
        if find_spec("torch") is None:
            pytest.skip("the extra `transformers` is not installed")
        from tiny import classifier

        yield import_module(OURS[1]).TransformersTool, classifier(folder)
        return
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        for name, module in stand_ins().items():
            patch.setitem(sys.modules, name, module)
        for name in OURS:
            patch.delitem(sys.modules, name, raising=False)
        yield import_module(OURS[1]).TransformersTool, str(folder)
        for name in OURS:
            sys.modules.pop(name, None)


def agent(folder: str, **parameters: Any) -> Agent:
    given = {"labels": ["glad", "sad"], "answers": {"feeling": RULES}, **parameters}
    return Agent(name="mine", type="transformers", role="tool", model=folder, parameters=given)


async def said(library: tuple[Any, str], text: str, **parameters: Any) -> Any:
    one = agent(library[1], **parameters)
    return await library[0](one, keys).call(job(one, verse(text)))


async def test_each_label_has_its_score_and_rules_make_an_answer_of_them(library: tuple[Any, str]) -> None:
    glad, sad = await said(library, "joy"), await said(library, "grief")
    assert (glad.values["feeling"], sad.values["feeling"]) == ("positive", "negative")
    assert glad.raw["glad"] + glad.raw["sad"] == pytest.approx(1)
    assert (glad.raw["tokens"], glad.raw["cut"]) == (3, False)


async def test_a_text_that_is_longer_than_the_model_reads_is_marked_as_cut(library: tuple[Any, str]) -> None:
    raw = (await said(library, "the " * 40)).raw
    assert (raw["tokens"], raw["cut"]) == (42, True)


async def test_half_a_character_is_read_as_an_unknown_one(library: tuple[Any, str]) -> None:
    assert (await said(library, "joy \ud800")).raw["tokens"] == 4


async def test_each_of_many_that_ask_at_once_gets_its_own_answer(library: tuple[Any, str]) -> None:
    one = agent(library[1], batch=4)
    tool = library[0](one, keys)
    texts = ["joy", "grief", "grief grief"] * 7
    ASKED.clear()
    outputs = await asyncio.gather(*(tool.call(job(one, verse(text))) for text in texts))
    assert [output.values["feeling"] for output in outputs][:2] == ["positive", "negative"]
    assert [output.raw["tokens"] for output in outputs] == [3, 3, 4] * 7
    if ASKED:  # the stand-in keeps what it was asked
        assert sum(map(len, ASKED)) == 21
        assert max(map(len, ASKED)) == 4
        assert len(ASKED) <= 7
    await tool.close()


async def test_the_version_names_the_library_and_the_weights(library: tuple[Any, str]) -> None:
    version = (await said(library, "joy")).version
    assert version.startswith("transformers 5.")
    assert "classifier@" in version
    assert library[1] not in version


async def test_labels_of_another_model_are_told_with_those_it_has(library: tuple[Any, str]) -> None:
    with pytest.raises(ConfigError, match="other labels") as caught:
        await said(library, "joy", labels=["glad", "sad", "odd"])
    assert "labels: [glad, sad]" in caught.value.hint


async def test_a_model_that_is_not_there_is_named(library: tuple[Any, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        library[0](agent(str(tmp_path / "gone")), keys)
    one = agent(str(tmp_path))  # a folder without a model
    with pytest.raises(ConfigError, match="cannot be opened"):
        await library[0](one, keys).call(job(one))


@pytest.mark.parametrize(
    ("parameters", "wrong"),
    [
        ({"device": "abacus"}, "no device 'abacus' here"),
        ({"labels": []}, "which labels the model gives"),
        ({"labels": "glad"}, "which labels the model gives"),
        ({"batch": 0}, "whole number from 1"),
        ({"temperature": 1}, "no parameter 'temperature'"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(library: tuple[Any, str], parameters: Any, wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        library[0](agent(library[1], **parameters), keys)


@pytest.mark.parametrize(("text", "error"), [("memory", Unavailable), ("broken", Permanent)])
async def test_a_device_without_memory_may_be_asked_again_and_a_model_that_breaks_may_not(
    library: tuple[Any, str], text: str, error: type[Exception]
) -> None:
    if sys.modules["transformers"].pipeline is not stand_in:
        pytest.skip("only the stand-in breaks when it is told to")
    with pytest.raises(error):
        await said(library, text)
