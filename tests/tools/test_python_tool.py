"""A scholar's own function as a tool: found by name, called in a thread, believed only in what it can say."""

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from asking import job, keys, verse
from buttermilk.core.errors import ConfigError, Permanent, RateLimited
from buttermilk.core.flows import Agent
from buttermilk.core.messages import Output
from buttermilk.core.records import HumanLabel, Part, Record
from buttermilk.tools.python import PythonTool

MODULE = """
import threading
from buttermilk.core.errors import RateLimited

def words(text):
    return {"words": len(text.split()), "first": text.split()[0], "thread": threading.current_thread().name}

def seen(record):
    return {"words": len(record.parts), "first": str((sorted(record.metadata.items()), len(record.labels)))}

def fails(text):
    return {"words": 1 / 0}

def slower(text):
    raise RateLimited("told to slow down", retry_after_seconds=3)

def nothing(text):
    return None

def strange(text):
    return {"words": object()}

class Reader:
    def __call__(self, text):
        return {"words": 1, "first": "I"}

reader = Reader()
number = 3
"""
RULES = [{"label": "positive", "when": {"words": ">= 2"}}, {"label": "no_impact"}]

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "my_measures.py"
    file.write_text(MODULE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_measures", raising=False)
    return file


def agent(function: Any, **more: Any) -> Agent:
    answers = {"feeling": RULES, "reason": "first"}
    parameters = {"function": function, "scores": ["words", "first"], "answers": answers}
    return Agent.model_validate(
        {
            "name": "mine",
            "type": "python",
            "role": "tool",
            "parameters": parameters | more.pop("parameters", {}),
            **more,
        }
    )


async def called(function: str, record: Record | None = None, **more: Any) -> Output:
    mine = agent(f"my_measures:{function}")
    return await PythonTool(mine, keys).call(job(mine, record or verse("two words"), **more))


async def test_a_function_is_given_the_text_in_a_thread_and_its_scores_answer() -> None:
    output = await called("words")
    assert output.values == {"reason": "two", "feeling": "positive"}
    assert output.raw["words"] == 2
    assert output.raw["thread"] != threading.current_thread().name  # what no rule asks for is kept too


async def test_a_function_that_asks_for_the_record_sees_what_an_agent_may_see() -> None:
    labels = (HumanLabel(question="feeling", value="positive"),)
    record = Record(record_id="r", parts=(Part(text="joy"),), metadata={"year": 1819, "name": "K."}, labels=labels)
    output = await called("seen", record, sent_columns=["year"])
    assert output.values["reason"] == "([('year', 1819)], 0)"


async def test_whatever_can_be_called_is_a_function() -> None:
    assert (await called("reader")).values["reason"] == "I"
    root = agent("math:isqrt", parameters={"answers": {"feeling": RULES}})
    with pytest.raises(Permanent, match="math:isqrt raised TypeError"):
        await PythonTool(root, keys).call(job(root))


async def test_a_function_that_fails_fails_for_this_record_and_says_where() -> None:
    with pytest.raises(Permanent, match="my_measures:fails raised ZeroDivisionError: division by zero") as caught:
        await called("fails")
    assert 'return {"words": 1 / 0}' in caught.value.raw


async def test_a_function_may_say_itself_that_it_must_be_asked_again() -> None:
    with pytest.raises(RateLimited, match="slow down") as caught:
        await called("slower")
    assert caught.value.retry_after_seconds == 3


@pytest.mark.parametrize(
    ("function", "said"),
    [("nothing", "returned NoneType, and not scores by name"), ("strange", "returned what JSON cannot hold")],
)
async def test_what_is_no_scores_is_a_failure(function: str, said: str) -> None:
    with pytest.raises(Permanent, match=said):
        await called(function)


def test_the_version_is_that_of_the_code(module: Path) -> None:
    before = PythonTool(agent("my_measures:words"), keys)._version
    module.write_text(MODULE + "# changed\n", "utf-8")
    after = PythonTool(agent("my_measures:words"), keys)._version
    assert before.startswith("my_measures:words ")
    assert before != after
    assert agent("my_measures:words").hash != agent("my_measures:words", model="2").hash


@pytest.mark.parametrize(
    ("function", "parameters", "said", "hint"),
    [
        (None, {}, "names no function", "package.module:name"),
        ("my_measures", {}, "names no function", "package.module:name"),
        ("my_measures:a.b", {}, "names no function", "package.module:name"),
        ("no_such_module:f", {}, "'no_such_module' cannot be opened", "PYTHONPATH=. buttermilk"),
        ("my_measures:wrods", {}, "has no function 'wrods'", "Did you mean 'words'?"),
        ("my_measures:number", {}, "has no function 'number'", "There are: fails"),
        ("my_measures:words", {"scores": None}, "does not list what the function returns", "scores: [rhymes]"),
        ("my_measures:words", {"scores": ["word", "first"]}, "a score 'words'", "Did you mean 'word'?"),
    ],
)
def test_a_function_that_is_not_there_is_told_before_anything_is_asked(
    function: Any, parameters: Any, said: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match="agent 'mine'") as caught:
        PythonTool(agent(function, parameters=parameters), keys)
    assert said in str(caught.value)
    assert hint in str(caught.value)
