"""Which keys are known where, and what an entry for every step does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.config import compose, init
from buttermilk.config.resolve import EVERY_STEP, spread
from buttermilk.config.schema import StepText, Tree, block, declared, homes
from buttermilk.config.study import options

NAMES = st.lists(st.sampled_from(["ana", "ben", "cai"]), min_size=1, max_size=3, unique=True)
STEPS = st.dictionaries(st.sampled_from(["judge", "synthesis", "differences"]), st.none() | NAMES, min_size=1)


def tree(steps: dict[str, list[str] | None], **top: object) -> Tree:
    written = {name: {"agents": agents} if agents else {} for name, agents in steps.items()}
    return Tree.model_validate({"store": {"type": "sqlite"}, "steps": written, **top})


@pytest.mark.parametrize(
    "key",
    [
        "seed",
        "steps.judge.repeats",
        "agent.gpt.limits.concurrency",
        "data.columns.text",
        "run.budget.money",
        "store.path",
    ],
)
def test_a_known_key_needs_no_plus(key: str) -> None:
    assert declared(tuple(key.split(".")))


@pytest.mark.parametrize(
    "key",
    [
        "sed",
        "agent",
        "data",
        "data.name",
        "agent.gpt.deterministic",
        "agent.gpt.parameters.top_p",
        "steps.judge.variables.x",
    ],
)
def test_what_only_a_file_can_know_is_not_known_beforehand(key: str) -> None:
    assert not declared(tuple(key.split(".")))


def test_a_key_knows_its_home() -> None:
    assert homes("repeats") == ["a flow", "a step"]
    assert homes("concurrency") == ["an agent's limits"]
    assert homes("nonsense") == []
    assert block(("agent", "gpt", "parameters")) is None


@given(STEPS, NAMES)
def test_typed_agents_are_every_steps_and_written_ones_are_for_the_steps_without(
    steps: dict[str, list[str] | None], agents: list[str]
) -> None:
    typed = spread(tree(steps, agents=agents), {"agents"})
    written = spread(tree(steps, agents=agents), ())
    for name, own in steps.items():
        assert typed.steps[name].agents == tuple(agents)
        assert written.steps[name].agents == tuple(own or agents)


@given(STEPS)
def test_a_flow_that_says_nothing_for_every_step_is_left_as_it_is(steps: dict[str, list[str] | None]) -> None:
    plain = tree(steps)
    assert spread(plain, set(EVERY_STEP)) == plain


def test_null_in_a_step_means_none_and_is_not_filled_in() -> None:
    written = Tree.model_validate(
        {
            "store": {"type": "sqlite"},
            "perspectives": ["tja"],
            "steps": {"judge": {}, "synthesis": {"perspectives": None}},
        }
    )
    steps = spread(written, ()).steps
    assert (steps["judge"].perspectives, steps["synthesis"].perspectives) == (("tja",), None)


def test_one_thing_is_a_list_of_one() -> None:
    step = StepText.model_validate({"prompt": "judge", "after": "first", "variables": {"tone": "plain", "n": 3}})
    assert (step.prompt, step.after, dict(step.variables)) == (("judge",), ("first",), {"tone": ("plain",), "n": (3,)})


def test_every_agent_of_a_new_study_is_sound(tmp_path: Path) -> None:
    init(tmp_path)
    agents = options(tmp_path, "agent")
    steps = compose(tmp_path, "verse", [f"agents=[{','.join(agents)}]"]).flows[0].steps
    assert [agent.name for agent in steps[0].agents] == agents
    assert {agent.role for agent in steps[0].agents} == {"model", "tool"}


@pytest.mark.parametrize("name", ["reader_a", "reader_b"])
def test_a_simulated_reader_is_known_to_be_free(tmp_path: Path, name: str) -> None:
    init(tmp_path)
    agent = compose(tmp_path, "verse", [f"agents=[{name}]"]).flows[0].steps[0].agents[0]
    assert agent.price is not None
    assert agent.price.input == agent.price.output == 0
    assert "no model is asked" in agent.price.version
