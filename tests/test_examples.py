"""Documents cannot lie: what the pages tell a scholar to type is typed, and what they promise to be seen is seen."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from buttermilk.cli import OURS, VERBS, buttermilk
from buttermilk.verbs import screen
from buttermilk.verbs.lazy import Verbs
from scholar import Scholar

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("tutorial.md", "reference/commands.md", "reference/testing.md", "reference/people.md")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def typed(block: str) -> Iterator[tuple[list[str], list[str]]]:
    """A console block as (words, promised lines)."""
    for part in re.split(r"(?m)^\$ ", block)[1:]:
        command, *promised = part.strip().splitlines()
        yield shlex.split(command), promised


def holds(said: str, promised: str) -> bool:
    """`…` stands for anything, and any number of blanks for one."""
    pattern = r"\s+".join(".*".join(re.escape(piece) for piece in word.split("…")) for word in promised.strip().split())
    return any(re.search(pattern, line) for line in said.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("page", [*PAGES, "reference/synthesis.md"])
def test_what_a_page_says_is_what_happens(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scholar = Scholar(tmp_path, monkeypatch.chdir)
    for kind, file, block in BLOCK.findall(text_of(page)):
        if file:
            scholar.writes(file, block)
            continue
        assert kind == "console", f"a block of {page} is neither typed nor the content of a file:\n{block}"
        for words, promised in typed(block):
            if words[0] == "cd":
                scholar.folder /= words[1]
                continue
            assert words[0] == "buttermilk"
            said = scholar.types(*words[1:])
            missing = [line for line in promised if not holds(said.out, line)]
            assert missing == [], f"{' '.join(words)} said:\n{said.out}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_promises_something_of_what_it_has_typed(page: str) -> None:
    blocks = [block for kind, _, block in BLOCK.findall(text_of(page)) if kind == "console"]
    assert sum(bool(promised) for block in blocks for _, promised in typed(block)) >= 8


def test_every_verb_has_its_section_and_every_option_its_place() -> None:
    sections = dict(re.findall(r"(?ms)^## (\w+)\n(.*?)(?=^## |\Z)", text_of("reference/commands.md")))
    assert set(sections) == set(VERBS)
    context = click.Context(buttermilk)
    for verb, section in sections.items():
        command = buttermilk.get_command(context, verb)
        assert command is not None
        below = [command.get_command(context, name) for name in command.table] if isinstance(command, Verbs) else []
        commands = [command, *filter(None, below)]
        params = [each for one in commands for each in one.params if isinstance(each, click.Option)]
        options = [name for each in params for name in each.opts]
        assert [name for name in options if name not in section] == [], verb


def test_every_exit_code_of_the_verbs_is_explained() -> None:
    codes = {0, screen.FAILED, screen.WRONG, screen.STOPPED, screen.INTERRUPTED, OURS}
    explained = {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", text_of("reference/commands.md"))}
    assert explained == codes


def test_the_study_that_init_writes_quotes_its_lists() -> None:
    """`agents=[gpt]` without quotation marks is an error in the shell of every Mac."""
    pages = [DOCS / page for page in PAGES]
    pages.append(DOCS.parent / "src" / "buttermilk" / "library" / "study" / "README.md")
    bare = [
        line
        for page in pages
        for line in page.read_text("utf-8").splitlines()
        for word in re.findall(r"\S*=\[\S*", line)
        if "buttermilk " in line and not word.startswith("'")
    ]
    assert bare == []
