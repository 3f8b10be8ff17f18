"""The command line, and what Hydra would have said about it: each pitfall is caught and explained."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.config import compose
from buttermilk.config.overrides import in_quotes

Rewrite = Callable[[str, str, str], None]
Told = Callable[..., str]
NEWS = "conf/flow/news.yaml"


def test_a_reference_that_needs_quotes_says_so_with_its_line(rewrite: Rewrite, told: Told) -> None:
    rewrite(NEWS, "title: Is this report fair?", "title: ${oc.env:X,~/.bm}")
    screen = told()
    assert "conf/flow/news.yaml:1: 'title'" in screen
    assert '${oc.env:HOME,"~/texts"}' in screen


def test_an_environment_variable_that_is_not_set_is_named(rewrite: Rewrite, told: Told) -> None:
    rewrite(NEWS, "title: Is this report fair?", "title: ${oc.env:BM_NOWHERE}")
    assert "news.yaml:1: 'title' asks for the environment variable BM_NOWHERE, which is not set" in told()


def test_a_reference_to_nothing_is_named(rewrite: Rewrite, told: Told) -> None:
    rewrite(NEWS, "title: Is this report fair?", "title: ${titel}")
    assert "news.yaml:1: 'title' refers to 'titel', which nobody says" in told()


@pytest.mark.parametrize("token", ["+store=sqlite", "store=sqlite", "+flow=news", "+steps.judge.repeats=5", "++seed=3"])
def test_a_plus_on_what_is_there_means_set(root: Path, token: str) -> None:
    assert compose(root, "news", [token]).flows


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("flow=nwes", ["there is no flow 'nwes'", "Did you mean 'news'?"]),
        ("store=sqlit", ["there is no store 'sqlit'", "Did you mean 'sqlite'?"]),
        ("dataset=pliot", ["(dataset=pliot): there is no dataset 'pliot'", "'pilot'"]),
        ("agents=[gtp]", ["(agents=[gtp]): there is no agent 'gtp'", "Did you mean 'gpt'?"]),
        ("steps.judge.agents=gtp", ["(steps.judge.agents=gtp): there is no agent 'gtp'"]),
        (
            "agent.gpt.parameters.temprature=1",
            ["Did you mean 'temperature'? There are: temperature: 0.7.", "write +agent"],
        ),
        ("agent.claud.model=x", ["no step asks an agent 'claud'", "Did you mean 'claude'?"]),
        ("steps.jugde.repeats=5", ["there is no step 'jugde'", "Did you mean 'judge'?"]),
        ("steps.judge.repeets=5", ["a step has no key 'repeets'", "Did you mean 'repeats'?"]),
        ("steps.synthesis.variables.tone=[a]", ["write +steps.synthesis.variables.tone=[a]"]),
        ("modl=x", ["a flow has no key 'modl'"]),
        ("concurrency=abc", ["a flow has no key 'concurrency'", "belongs to an agent's limits"]),
        ("agent.gpt.limits.concurrency=abc", ["must be a whole number, not 'abc'"]),
        ("seed=abc", ["on the command line (seed=abc): 'seed' must be a whole number"]),
        ("limit=0", ["'limit' must be at least 1"]),
        ("agents=[]", ["(agents=[]): 'agents' is an empty list"]),
        ("run.budget.money=lots", ["must be a number, not 'lots'"]),
        ("prices.mine.input=1", ["(prices.mine.input=1): a price needs 'output', 'source' and 'dated'"]),
        ("~steps.synthesi", ["there is no 'steps.synthesi' to take out"]),
        ("agent=gpt", ["Write agents=[NAME, NAME]"]),
        ("data=pilot", ["Write dataset=NAME"]),
        ("hydra.run.dir=x", ["is not used here"]),
        ("title", ["'title' is not an override", "KEY=VALUE"]),
        ("=5", ["is not an override"]),
        ("two words=1", ["'two words=1' cannot be read"]),
        ("dataset=[news]", ["must name one dataset"]),
    ],
)
def test_a_slip_on_the_command_line_is_explained(told: Told, token: str, says: list[str]) -> None:
    screen = told(token)
    assert [part for part in says if part not in screen] == [], screen


@pytest.mark.parametrize(
    "text",
    ["gs://b/k?x=1", "it's", "a=b", "Is this fair?", "fair: or not", "{{ x }}", "#1", "[a", "ends with \\", "é — ”"],
)
def test_text_with_signs_in_it_needs_no_quotes(root: Path, text: str) -> None:
    assert compose(root, "news", [f"title={text}"]).flows[0].title == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_any_text_can_be_quoted(text: str) -> None:
    assert OverridesParser.create().parse_override(f"key={in_quotes(text)}").value() == text


def test_several_values_without_m_offer_three_ways_out(told: Told) -> None:
    screen = told("agents=gpt,claude")
    for way in ("Add -m", "agents=[gpt,claude]", "agents=\"'gpt,claude'\""):
        assert way in screen
    assert "A list" not in told("flow=news,demo")


@pytest.mark.parametrize("token", ["dataset=news,pilot", "store.path=a,b", "run.budget.money=1,2", "limit=1,2"])
def test_what_a_run_has_one_of_is_not_swept(told: Told, token: str) -> None:
    assert "would sweep what a run has one of" in told(token, multirun=True)


def test_flows_on_two_datasets_are_not_one_run(root: Path, told: Told) -> None:
    (root / "conf/flow/other.yaml").write_text("defaults: [news, _self_]\ndataset: pilot\n", encoding="utf-8")
    assert "a run has one dataset" in told("flow=news,other", multirun=True)


def test_a_sweep_without_an_end_is_refused(told: Told) -> None:
    assert "names no values that can be counted" in told("seed=interval(0,1)", multirun=True)


def test_a_key_in_the_file_of_another_group_is_no_silent_setting(root: Path, told: Told) -> None:
    (root / "conf/store").mkdir()
    (root / "conf/store/sqlite.yaml").write_text("type: sqlite\npath: x.db\nseed: 4\n", encoding="utf-8")
    screen = told()
    assert "conf/store/sqlite.yaml:3: a store has no key 'seed'" in screen
    assert "'seed' belongs to a flow" in screen
