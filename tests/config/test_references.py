"""A secret never stands in a study, and is never shown where somebody put one there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from buttermilk.config import compose
from buttermilk.config.references import hidden

Rewrite = Callable[[str, str, str], None]
Told = Callable[..., str]
GPT = "conf/agent/gpt.yaml"

LITERALS = [
    "sk-proj-Planted0123456789abcdef",
    "AIzaPlanted0123456789abcdef",
    "ghp_Planted0123456789abcdef",
    "hf_Planted0123456789abcdef",
    "AKIAPLANTED012345678",
    "https://me:Planted012345@host/v1",
    "Bearer Planted0123456789",
]


@pytest.mark.parametrize("secret", LITERALS)
@pytest.mark.parametrize("line", ["base_url: '{}'", "model: '{}'", "headers: {{X-Note: '{}'}}", "provider: ['{}']"])
def test_a_secret_in_a_file_is_refused_with_its_line_and_not_shown(
    root: Path, told: Told, secret: str, line: str
) -> None:
    (root / GPT).write_text(f"type: openai\n{line.format(secret)}\n", encoding="utf-8")
    screen = told()
    assert "conf/agent/gpt.yaml:2: 'agent.gpt." in screen
    assert "holds what looks like a secret itself" in screen
    assert "secret://env/NAME" in screen
    assert "lanted" not in screen.lower()


def test_a_key_must_be_a_reference(rewrite: Rewrite, told: Told) -> None:
    rewrite(GPT, "secret://env/OPENAI_API_KEY", "hunter2")
    screen = told()
    assert "gpt.yaml:4: 'agent.gpt.key' must be a reference to a secret" in screen
    assert "hunter2" not in screen


@pytest.mark.parametrize("text", ["secret://OPENAI_API_KEY", "secret:env/KEY", "secret://env/", "secret://ENV/KEY"])
def test_a_reference_that_cannot_be_read_is_said_to_be_so(rewrite: Rewrite, told: Told, text: str) -> None:
    rewrite(GPT, "secret://env/OPENAI_API_KEY", text)
    assert "gpt.yaml:4: 'agent.gpt.key' is not a reference that can be read" in told()


@pytest.mark.parametrize("text", ["secret://env/KEY", "secret://gcp/models#openai.key@7", "secret://vault/team/openai"])
def test_references_are_kept_as_they_stand(root: Path, rewrite: Rewrite, text: str) -> None:
    rewrite(GPT, "secret://env/OPENAI_API_KEY", text)
    assert compose(root, "news").flows[0].steps[0].agents[0].key == text


def test_a_telling_header_must_be_a_reference_and_another_may_say_anything(
    root: Path, rewrite: Rewrite, told: Told
) -> None:
    rewrite(GPT, "type: openai", "headers: {X-Api-Key: hunter2, X-Project: news}\ntype: openai")
    assert "'agent.gpt.headers.X-Api-Key' must be a reference" in told()
    rewrite(GPT, "hunter2", "secret://env/GATE")
    assert compose(root, "news").flows


def test_a_secret_that_an_environment_variable_brings_in_is_refused(
    rewrite: Rewrite, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", LITERALS[0])
    rewrite(GPT, "secret://env/OPENAI_API_KEY", "${oc.env:PLANTED}")
    assert LITERALS[0] not in told()


@pytest.mark.parametrize("token", ["agent.gpt.key={}", "steps.judge.repeats={}", "agents=[{}]", "{}", "x={} y"])
def test_a_secret_on_the_command_line_is_never_repeated(told: Told, token: str) -> None:
    assert "lanted" not in told(token.format(LITERALS[0]))


def test_a_name_that_is_a_secret_is_hidden(rewrite: Rewrite, told: Told) -> None:
    rewrite("conf/flow/news.yaml", "repeats: 3", f"{LITERALS[0]}: 3")
    assert "lanted" not in told()


def test_ordinary_words_are_no_secrets() -> None:
    for text in ("risk-assessment-of-a-long-kind", "https://host:8000/v1", "gpt-5-mini", "a bearer of news"):
        assert hidden(text) == text
