"""A small study written by hand, as a scholar would, and a way to put slips into it."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from buttermilk.config import compose
from buttermilk.core.errors import ButtermilkError

FILES = {
    "conf/flow/news.yaml": """\
        title: Is this report fair?
        dataset: news
        steps:
          judge:
            prompt: judge
            codebook: fairness
            perspectives: [tja, glaad]
            agents: [gpt, claude]
            repeats: 3
            variables: {tone: [plain, warm]}
          synthesis:
            after: judge
            prompt: synthesise
            reads: {answers: judge}
            agents: [claude]
        """,
    "conf/agent/gpt.yaml": """\
        type: openai
        model: gpt-5-mini
        base_url: https://api.openai.com/v1
        key: secret://env/OPENAI_API_KEY
        parameters: {temperature: 0.7}
        """,
    "conf/agent/claude.yaml": """\
        type: openai
        model: claude-of-no-known-price
        base_url: https://api.anthropic.com/v1
        key: secret://env/ANTHROPIC_API_KEY
        """,
    "conf/agent/words.yaml": "type: wordlist\nparameters: {lists: {positive: [joy]}}\n",
    "conf/dataset/news.yaml": "type: csv\npath: data/news.csv\ncolumns: {id: id, text: body}\nlicence: CC0-1.0\n",
    "conf/dataset/pilot.yaml": "type: csv\npath: data/pilot.csv\n",
    "prompts/judge.md": "# user\nJudge {{ record.text }} by {{ perspective.text }} in a {{ tone }} tone.\n",
    "prompts/terse.md": "# user\n{{ record.text }}?\n",
    "prompts/synthesise.md": "# user\n{{ answers | length }} answers.\n",
    "criteria/tja.md": "1. Say 'trans woman'.\n",
    "criteria/glaad.md": "1. Use the name a person uses.\n",
    "codebooks/fairness.yaml": """\
        questions:
          fair:
            ask: Is it fair?
            labels: {fair: It is., unfair: It is not.}
        """,
    "codebooks/length.yaml": "questions:\n  words: {ask: How many words, level: ratio}\n",
}

Spoil = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    study = tmp_path / "study"
    for name, text in FILES.items():
        path = study / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return study


@pytest.fixture
def rewrite(root: Path) -> Callable[[str, str, str], None]:
    """`rewrite("conf/flow/news.yaml", "repeats: 3", "repeets: 3")`"""

    def change(name: str, old: str, new: str) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


@pytest.fixture
def told(root: Path) -> Spoil:
    """What `buttermilk run news ...` says when it cannot start: one short screen."""

    def tell(*overrides: str, flow: str = "news", multirun: bool = False) -> str:
        with pytest.raises(ButtermilkError) as raised:
            compose(root, flow, overrides, multirun=multirun)
        screen = str(raised.value)
        assert len(screen.splitlines()) <= 24
        assert "Traceback" not in screen
        return screen

    return tell
