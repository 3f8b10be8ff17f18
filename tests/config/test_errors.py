"""Every slip is one short screen: what is wrong, in which file and line, and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from buttermilk.config import compose
from buttermilk.core.errors import ConfigError, PromptError

Rewrite = Callable[[str, str, str], None]
Told = Callable[..., str]

NEWS = "conf/flow/news.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (NEWS, "repeats: 3", "repeets: 3", ["news.yaml:9: a step has no key 'repeets'", "Did you mean 'repeats'?"]),
        (NEWS, "title:", "titel:", ["news.yaml:1: a flow has no key 'titel'", "Did you mean 'title'?"]),
        (NEWS, "title:", "prompt: x\ntitle:", ["a flow has no key 'prompt'", "'prompt' belongs to a step"]),
        (NEWS, "title:", "agent: {gpt: {}}\ntitle:", ["news.yaml:1: a flow has no key 'agent'", "'agents'"]),
        (NEWS, "repeats: 3", "repeats: many", ["news.yaml:9: 'steps.judge.repeats'", "whole number, not 'many'"]),
        (NEWS, "repeats: 3", "repeats: 0", ["news.yaml:9", "at least 1"]),
        (NEWS, "repeats: 3", "repeats: 2.5", ["news.yaml:9", "whole number"]),
        (NEWS, "[gpt, claude]", "[]", ["news.yaml:8: 'steps.judge.agents' is an empty list", "take the line out"]),
        (
            NEWS,
            "[gpt, claude]",
            "[gpt, cluade]",
            ["news.yaml:8: there is no agent 'cluade'", "'claude'", "conf/agent/"],
        ),
        (NEWS, "[gpt, claude]", "[gpt, gpt]", ["news.yaml:8: the agent 'gpt' is named twice", "repeats"]),
        (NEWS, "[gpt, claude]", "[7]", ["news.yaml:8", "must be text (put it in quotes), not 7"]),
        (NEWS, "dataset: news", "dataset: nwes", ["news.yaml:2: there is no dataset 'nwes'", "'news'"]),
        (NEWS, "dataset: news\n", "", ["news.yaml: this flow names no dataset", "pilot"]),
        (NEWS, "prompt: judge", "prompt: jugde", ["news.yaml:5: there is no prompt 'jugde'", "'judge'"]),
        (NEWS, "[tja, glaad]", "[tja, glad]", ["news.yaml:7: there is no perspective 'glad'", "'glaad'"]),
        (NEWS, "fairness", "fairnes", ["news.yaml:6: there is no codebook 'fairnes'", "'fairness'"]),
        (NEWS, "    codebook: fairness\n", "", ["news.yaml:4: step 'judge' has no codebook", "codebook: NAME"]),
        (NEWS, "    prompt: judge\n", "", ["news.yaml:4: step 'judge' asks a model and has no prompt"]),
        (NEWS, "    agents: [claude]\n", "", ["step 'synthesis' has no agents", "agents: [NAME]"]),
        (NEWS, "after: judge", "after: jugde", ["news.yaml:12: there is no step 'jugde'", "Did you mean 'judge'?"]),
        (NEWS, "answers: judge", "answers: jugde", ["news.yaml:14: there is no step 'jugde'"]),
        (NEWS, "repeats: 3", "after: synthesis", ["wait for each other", "judge → synthesis → judge"]),
        (NEWS, "repeats: 3", "after: judge", ["wait for each other", "judge → judge"]),
        (NEWS, "{tone:", "{record:", ["news.yaml:10: 'record' cannot be the name of a variable"]),
        (NEWS, "{answers:", "{perspective:", ["news.yaml:14: 'perspective' cannot be"]),
        (NEWS, "{tone: [plain, warm]}", "{tone: [a, a]}", ["news.yaml:10: 'tone' has one of its values twice"]),
        (NEWS, "after: judge", "variables: {answers: [a]}", ["'answers' is both a variable and what the step reads"]),
        (NEWS, "  judge:", "  my-judge:", ["news.yaml:4", "letters"]),
        (NEWS, "    repeats: 3", "   repeats: 3", ["news.yaml:9", "indented"]),
        (NEWS, "repeats: 3", "prompt: other", ["news.yaml:9: 'prompt' is here a second time (first on line 5)"]),
        ("conf/agent/gpt.yaml", "type: openai", "type: opnai", ["gpt.yaml:1: there is no model or tool", "'openai'"]),
        ("conf/agent/gpt.yaml", "type: openai\n", "", ["gpt.yaml: an agent needs 'type'; here it is missing"]),
        ("conf/agent/gpt.yaml", "model:", "modle:", ["gpt.yaml:2: an agent has no key 'modle'", "'model'"]),
        ("conf/agent/gpt.yaml", "model:", "name: x\nmodel:", ["gpt.yaml:2: an agent has no key 'name'"]),
        ("conf/agent/gpt.yaml", "model:", "steps: {}\nmodel:", ["gpt.yaml:2", "'steps' belongs to a flow"]),
        ("conf/agent/gpt.yaml", "model:", "role: tool\nmodel:", ["gpt.yaml:2: 'openai' is a model"]),
        ("conf/agent/gpt.yaml", "model:", "limits: {concurrency: x}\nmodel:", ["gpt.yaml:2", "concurrency"]),
        ("conf/agent/gpt.yaml", "model:", "limits: 5\nmodel:", ["gpt.yaml:2", "a block of `key: value` lines"]),
        (
            "conf/dataset/news.yaml",
            "type: csv",
            "type: cvs",
            ["news.yaml:1: there is no source of type 'cvs'", "'csv'"],
        ),
        ("conf/dataset/news.yaml", "text:", "txt:", ["news.yaml:3: a dataset's columns has no key 'txt'", "'text'"]),
        ("codebooks/fairness.yaml", "ask:", "aks:", ["fairness.yaml:3"]),
    ],
)
def test_a_slip_in_a_file_is_named_with_its_line(
    root: Path, rewrite: Rewrite, told: Told, file: str, old: str, new: str, says: list[str]
) -> None:
    rewrite(file, old, new)
    screen = told()
    assert [part for part in says if part not in screen] == [], screen


def test_everything_that_is_wrong_is_said_at_once(rewrite: Rewrite, told: Told) -> None:
    rewrite(NEWS, "repeats: 3", "repeets: 3")
    rewrite(NEWS, "[claude]", "[cluade]")
    rewrite("conf/agent/gpt.yaml", "model:", "modle:")
    rewrite("conf/dataset/news.yaml", "path:", "pth:")
    screen = told()
    assert screen.startswith("5 things are to be mended before anything is asked:")
    for part in ("repeets", "cluade", "modle", "'pth'", "needs 'path'"):
        assert part in screen


def test_a_long_list_of_slips_is_cut_to_one_screen(rewrite: Rewrite, told: Told) -> None:
    rewrite(NEWS, "repeats: 3", "\n    ".join(f"wrong{place}: x" for place in range(12)))
    assert told().endswith("... and 4 more.")


def test_a_sound_agent_that_nobody_asks_may_be_broken(root: Path, rewrite: Rewrite) -> None:
    rewrite("conf/agent/words.yaml", "type: wordlist", "tpye: wordlist")
    assert compose(root, "news").flows


def test_an_agent_that_the_command_line_replaces_need_not_exist(root: Path) -> None:
    (root / "conf/agent/claude.yaml").unlink()
    assert compose(root, "news", ["agents=[gpt]"]).flows


def test_a_broken_template_stays_a_prompt_error(root: Path, rewrite: Rewrite) -> None:
    rewrite("prompts/judge.md", "{{ tone }}", "{{ tone")
    with pytest.raises(PromptError, match=r"judge\.md"):
        compose(root, "news")


def test_a_step_that_reads_two_codebooks_says_which_is_its_own(root: Path, rewrite: Rewrite, told: Told) -> None:
    counting = "  counting: {codebook: length, agents: [words]}\n"
    rewrite(NEWS, "  synthesis:", f"{counting}  synthesis:")
    rewrite(NEWS, "{answers: judge}", "{answers: judge, counts: counting}")
    assert "step 'synthesis' reads steps with different codebooks" in told()
    rewrite(NEWS, "    after: judge", "    codebook: fairness")
    assert compose(root, "news").flows[0].step("synthesis").after == ("judge", "counting")


def test_an_agents_file_whose_name_cannot_be_typed_in_an_override_is_refused(
    root: Path, rewrite: Rewrite, told: Told
) -> None:
    (root / "conf/agent/gpt.yaml").rename(root / "conf/agent/gpt-4.1.yaml")
    rewrite(NEWS, "[gpt, claude]", "[gpt-4.1]")
    screen = told()
    assert "news.yaml:8: 'gpt-4.1' cannot be the name of an agent" in screen
    assert "`model:`" in screen


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_flow_says_what_it_lacks(root: Path, told: Told, text: str) -> None:
    (root / NEWS).write_text(text, encoding="utf-8")
    assert "this flow names no dataset" in told()
    assert "this flow has no steps" in told()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- judge\n", "news.yaml:1: this file holds no `key: value` lines"),
        ("dataset: news\nsteps: [a, b]\n", "news.yaml:2: 'steps' must be a block"),
        ("dataset: news\nsteps: {a: b}\n", "news.yaml:2: 'steps.a' must be a block"),
        ("dataset: [news]\nsteps: {}\n", "news.yaml:1: 'dataset' must be text"),
        ("defaults: [nwes, _self_]\n", "there is no flow 'nwes'"),
        ("defaults: news\n", "'defaults' must be a list"),
    ],
)
def test_a_flow_of_the_wrong_shape_is_said_to_be_so(root: Path, told: Told, text: str, says: str) -> None:
    (root / NEWS).write_text(text, encoding="utf-8")
    assert says in told()


def test_a_slip_in_the_studys_defaults_is_found_there(root: Path, told: Told) -> None:
    (root / "conf/config.yaml").write_text("sed: 1\nstore:\n  pth: x\n", encoding="utf-8")
    assert "conf/config.yaml:1: a flow has no key 'sed'" in told()
    assert "conf/config.yaml:3: a store has no key 'pth'" in told()


def test_a_flow_that_is_not_there_lists_what_is(root: Path, told: Told) -> None:
    screen = told(flow="nwes")
    assert "there is no flow 'nwes'" in screen
    assert "Did you mean 'news'? There are: demo, news." in screen
    with pytest.raises(ConfigError):
        compose(root, "")
