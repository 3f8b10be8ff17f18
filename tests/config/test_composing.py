"""A flow file and a command line become values."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from buttermilk import plugins
from buttermilk.config import Composed, compose, compose_store
from buttermilk.core.errors import MissingExtra
from buttermilk.core.flows import Step

Rewrite = Callable[[str, str, str], None]


def step(composed: Composed, name: str) -> Step:
    return composed.flows[0].step(name)


def names(composed: Composed, name: str, axis: str = "agents") -> list[str]:
    return [item.name for item in getattr(step(composed, name), axis)]


def test_a_flow_file_reads_like_a_method_section(root: Path) -> None:
    composed = compose(root, "news")
    flow = composed.flows[0]
    judge, synthesis = flow.steps
    assert (flow.name, flow.title, flow.dataset) == ("news", "Is this report fair?", "news")
    assert (flow.seed, flow.wave, dict(flow.variant)) == (1, "1", {})
    assert names(composed, "judge") == ["gpt", "claude"]
    assert names(composed, "judge", "perspectives") == ["tja", "glaad"]
    assert [prompt.name for prompt in judge.prompts] == ["judge"]
    assert (judge.repeats, dict(judge.variables)) == (3, {"tone": ("plain", "warm")})
    assert (synthesis.after, dict(synthesis.reads), synthesis.repeats) == (("judge",), {"answers": "judge"}, 1)
    assert composed.dataset.columns.text == "body"
    assert composed.root == root


def test_a_step_that_reads_another_has_its_codebook(root: Path) -> None:
    composed = compose(root, "news")
    assert step(composed, "synthesis").codebook == step(composed, "judge").codebook


def test_steps_run_after_what_they_read_wherever_they_stand_in_the_file(root: Path) -> None:
    text = (root / "conf/flow/news.yaml").read_text(encoding="utf-8")
    head, judge, synthesis = text.partition("  judge:")[0], *text.partition("  judge:")[2].split("  synthesis:\n")
    (root / "conf/flow/news.yaml").write_text(
        f"{head}  synthesis:\n{synthesis.replace('    after: judge', '')}  judge:{judge}", encoding="utf-8"
    )
    flow = compose(root, "news").flows[0]
    assert [each.name for each in flow.steps] == ["judge", "synthesis"]
    assert flow.step("synthesis").after == ("judge",)


def test_the_command_line_of_the_manual_works_as_it_stands(root: Path) -> None:
    composed = compose(root, "news", ["dataset=pilot", "steps.judge.repeats=5", "agents=[gpt]"])
    assert composed.dataset.path == "data/pilot.csv"
    assert composed.flows[0].dataset == "pilot"
    assert step(composed, "judge").repeats == 5
    assert names(composed, "judge") == names(composed, "synthesis") == ["gpt"]


def test_a_step_named_on_the_command_line_keeps_what_is_said_there(root: Path) -> None:
    composed = compose(root, "news", ["agents=[gpt]", "steps.synthesis.agents=words", "~steps.synthesis.prompt"])
    assert names(composed, "judge") == ["gpt"]
    assert names(composed, "synthesis") == ["words"]


def test_perspectives_from_the_command_line_replace_perspectives(root: Path) -> None:
    composed = compose(root, "news", ["perspectives=[tja]"])
    assert names(composed, "judge", "perspectives") == ["tja"]
    assert names(composed, "synthesis", "perspectives") == []


def test_perspectives_are_given_to_every_step_where_none_has_any(root: Path, rewrite: Rewrite) -> None:
    rewrite("conf/flow/news.yaml", "    perspectives: [tja, glaad]\n", "")
    composed = compose(root, "news", ["perspectives=[tja]"])
    assert names(composed, "synthesis", "perspectives") == ["tja"]


def test_agents_at_the_top_of_a_flow_are_for_the_steps_that_name_none(root: Path, rewrite: Rewrite) -> None:
    rewrite("conf/flow/news.yaml", "    agents: [claude]\n", "")
    rewrite("conf/flow/news.yaml", "dataset: news", "dataset: news\nagents: gpt\nrepeats: 2")
    composed = compose(root, "news")
    assert names(composed, "judge") == ["gpt", "claude"]
    assert names(composed, "synthesis") == ["gpt"]
    assert [each.repeats for each in composed.flows[0].steps] == [3, 2]


def test_a_scalar_is_a_list_of_one_and_a_list_of_prompts_is_an_axis(root: Path, rewrite: Rewrite) -> None:
    rewrite("conf/flow/news.yaml", "prompt: judge", "prompt: [judge, terse]")
    rewrite("conf/flow/news.yaml", "[tja, glaad]", "tja")
    composed = compose(root, "news")
    assert names(composed, "judge", "prompts") == ["judge", "terse"]
    assert names(composed, "judge", "perspectives") == ["tja"]


def test_an_agents_file_is_changed_from_the_command_line(root: Path) -> None:
    composed = compose(root, "news", ["agent.gpt.parameters.temperature=0", "agent.gpt.limits.concurrency=2"])
    gpt = step(composed, "judge").agents[0]
    assert dict(gpt.parameters) == {"temperature": 0}
    assert gpt.limits.concurrency == 2


def test_words_like_yes_and_times_stay_text(root: Path, rewrite: Rewrite) -> None:
    rewrite("conf/flow/news.yaml", "[plain, warm]", "[yes, no, 12:30, 007, true, 1.5]")
    assert step(compose(root, "news"), "judge").variables["tone"] == ("yes", "no", "12:30", "007", True, 1.5)


def test_what_is_a_tool_is_known_by_where_its_type_is_registered(root: Path) -> None:
    composed = compose(root, "news", ["steps.judge.agents=[gpt,words]"])
    gpt, words = step(composed, "judge").agents
    assert (gpt.role, gpt.deterministic) == ("model", False)
    assert (words.role, words.deterministic) == ("tool", True)


def test_a_step_of_tools_needs_no_prompt(root: Path) -> None:
    composed = compose(root, "news", ["steps.judge.agents=[words]", "~steps.judge.prompt"])
    assert step(composed, "judge").prompts == ()


def test_a_tool_whose_library_is_missing_says_what_to_install(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(kind: str, name: str) -> None:
        raise MissingExtra(f"tool '{name}'", "vader")

    monkeypatch.setattr(plugins, "find", absent)
    with pytest.raises(MissingExtra, match="pip install"):
        compose(root, "news", ["agents=[words]"])


@pytest.mark.parametrize(
    ("url", "name", "model"),
    [
        ("http://127.0.0.1:8000/v1", "127.0.0.1-8000", ""),
        ("http://127.0.0.1:8000/v1#qwen3:8b", "qwen3-8b", "qwen3:8b"),
        ("https://models.example.org/v1#org/llama-4", "org-llama-4", "org/llama-4"),
    ],
)
def test_a_server_is_asked_by_its_address(root: Path, url: str, name: str, model: str) -> None:
    composed = compose(root, "news", [f"agents=[{url}]"])
    agent = step(composed, "judge").agents[0]
    assert (agent.name, agent.type, agent.model) == (name, "openai", model)
    assert agent.base_url == url.partition("#")[0]
    assert (agent.key, agent.price) == ("", None)


def test_a_price_comes_from_the_agent_then_the_command_line_then_the_table(root: Path) -> None:
    def price(*overrides: str) -> float | None:
        found = step(compose(root, "news", ["agents=[gpt]", *overrides]), "judge").agents[0].price
        return found.input if found else None

    own = "agent.gpt.price={input: 7, output: 7, source: my contract, dated: '2026-11-01'}"
    assert price() == 0.25
    assert price("prices.gpt-5-mini.input=9") == 9
    assert price("prices.gpt-5-mini.input=9", own) == 7
    assert price("agent.gpt.model=gpt-4.1", "prices.gpt-4.1.input=3") == 3
    assert price("agent.gpt.model=unheard-of") is None


def test_every_packaged_price_says_who_says_so_and_when(root: Path) -> None:
    for model in ("gpt-5-mini", "gpt-4.1", "claude-sonnet-5-5"):
        agent = step(compose(root, "news", ["agents=[gpt]", f"agent.gpt.model={model}"]), "judge").agents[0]
        assert agent.price is not None
        assert agent.price.version.startswith("list price as published by ")


def test_the_studys_own_price_table_stands_in_place_of_the_packaged_one(root: Path) -> None:
    (root / "conf/prices").mkdir()
    mine = "claude-of-no-known-price: {input: 1, output: 2, source: contract, dated: '2026-11'}\n"
    (root / "conf/prices/default.yaml").write_text(mine, encoding="utf-8")
    gpt, claude = step(compose(root, "news"), "judge").agents
    assert gpt.price is None or gpt.price.source.startswith("genai-prices ")
    assert claude.price is not None
    assert claude.price.version == "contract (2026-11)"


def test_a_file_of_the_study_wins_over_the_packaged_one_of_its_name(root: Path) -> None:
    (root / "conf/store").mkdir()
    (root / "conf/store/sqlite.yaml").write_text("type: sqlite\npath: ours.db\n", encoding="utf-8")
    assert compose(root, "news").store.path == "ours.db"


def test_later_files_are_stronger_and_the_command_line_strongest(root: Path, rewrite: Rewrite) -> None:
    def path(*overrides: str) -> str:
        return compose(root, "news", overrides).store.path

    assert path() == ".buttermilk/jobs.db"
    (root / "conf/config.yaml").write_text("store: {path: config.db}\n", encoding="utf-8")
    assert path() == "config.db"
    rewrite("conf/flow/news.yaml", "dataset: news", "dataset: news\nstore: {path: flow.db}")
    assert path() == "flow.db"
    (root / "conf/local.yaml").write_text("store: {path: local.db}\n", encoding="utf-8")
    assert path() == "local.db"
    assert path("store.path=typed.db") == "typed.db"


def test_a_command_that_asks_nobody_learns_where_the_store_is_without_a_flow(root: Path) -> None:
    (root / "conf/local.yaml").write_text("store: {path: local.db}\n", encoding="utf-8")
    assert compose_store(root).path == "local.db"
    assert compose_store(root, ["store.path=typed.db", "agents=[nobody]"]).path == "typed.db"


def test_a_flow_can_start_from_another(root: Path) -> None:
    (root / "conf/flow/short.yaml").write_text("defaults: [news, _self_]\nsteps: {judge: {repeats: 1}}\n")
    flow = compose(root, "short").flows[0]
    assert flow.title == "Is this report fair?"
    assert [each.repeats for each in flow.steps] == [1, 1]


def test_run_and_limit_are_read(root: Path) -> None:
    composed = compose(root, "news", ["run.name=pilot", "run.budget.money=1.5", "limit=20", "wave=2", "seed=7"])
    assert (composed.run.name, composed.run.budget.money, composed.run.budget.currency) == ("pilot", 1.5, "USD")
    assert composed.dataset.limit == 20
    assert (composed.flows[0].wave, composed.flows[0].seed) == ("2", 7)


def test_the_resolved_configuration_keeps_references_and_no_secret(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789abcdef")
    composed = compose(root, "news", ["dataset=pilot"])
    resolved = composed.model_dump_json()
    assert "secret://env/OPENAI_API_KEY" in resolved
    assert "planted" not in resolved
    assert (composed.resolved["flow"], composed.resolved["dataset"]) == ("news", "pilot")
    assert list(composed.resolved["prices"]) == ["gpt-5-mini"]  # type: ignore[arg-type]
    assert Composed.model_validate_json(resolved) == composed


def test_a_sweep_gives_every_combination_as_a_flow_of_one_run(root: Path) -> None:
    composed = compose(root, "news", ["seed=1,2", "agent.gpt.model=gpt-5,gpt-5-mini"], multirun=True)
    assert [dict(flow.variant) for flow in composed.flows] == [
        {"seed": seed, "agent.gpt.model": model} for seed in (1, 2) for model in ("gpt-5", "gpt-5-mini")
    ]
    assert [flow.seed for flow in composed.flows] == [1, 1, 2, 2]
    assert len({flow.hash for flow in composed.flows}) == 4
    assert len(composed.resolved["sweep"]) == 4  # type: ignore[arg-type]


def test_lists_and_ranges_and_flows_sweep(root: Path) -> None:
    def count(*overrides: str) -> int:
        return len(compose(root, "news", overrides, multirun=True).flows)

    assert count("agents=[gpt],[gpt,claude]") == 2
    assert count("steps.judge.repeats=range(1,4)") == 3
    assert count("seed=4") == 1
    (root / "conf/flow/short.yaml").write_text("defaults: [news, _self_]\nsteps: {judge: {repeats: 1}}\n")
    flows = compose(root, "news", ["flow=news,short"], multirun=True).flows
    assert [flow.name for flow in flows] == ["news", "short"]


def test_perspectives_that_the_prompt_never_shows_are_pointed_out(root: Path) -> None:
    composed = compose(root, "news", ["steps.judge.prompt=terse"])
    assert composed.warnings == (
        "step 'judge' has perspectives, but its prompt 'terse' never shows {{ perspective }}.",
    )


def test_four_threads_compose_at_once(root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        composed = list(pool.map(lambda seed: compose(root, "news", [f"seed={seed}"]), range(4)))
    assert [each.flows[0].seed for each in composed] == [0, 1, 2, 3]


def test_a_notebook_that_has_hydra_open_keeps_it_open(root: Path) -> None:
    with initialize_config_dir(str(root / "conf"), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        compose(root, "news")
        assert GlobalHydra.instance().hydra is before
