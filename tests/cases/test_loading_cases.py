"""A prompt's tests as a scholar writes them, and what is said of slips in them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from buttermilk import plugins
from buttermilk.cases.loading import PromptTests, load_tests, prompts_with_tests
from buttermilk.config.study import LIBRARY
from buttermilk.core.errors import ButtermilkError
from buttermilk.core.hashing import sha256
from buttermilk.study.trying import PNG

CHECKS = plugins.names("checks")
CODEBOOK = """questions:
  reason: {ask: "Why?", level: text}
  harmful: {ask: "Does it harm?", labels: ["yes", "no"]}
"""
PROMPT = """---
inputs: [answers]
{header}---
# user
{{{{ record.text }}}} {{% if perspective is defined %}}{{{{ perspective.text }}}}{{% endif %}}
{{% for answer in answers %}}{{{{ answer.agent }}}}{{% endfor %}}
"""
TESTS = """tests:
  codebook: harm
  agents: [reader_a, gpt]
  repeats: 3
  cases:
    quoted:
      text: They called them vermin, the paper wrote.
      title: A report
      metadata: {year: 1912}
      label: {harmful: "no"}
      answers: [{agent: ana, values: {harmful: "yes"}}, {agent: ben, status: refused}]
      expect:
        - label-in: {harmful: ["no"]}
        - {not-contains: vermin, question: reason, weight: 0, metric: voice}
    plain:
      text: The bridge was opened.
      perspective: house
      answers: []
      expect: [{metamorphic: quoted, question: harmful}]
"""

Load = Callable[..., PromptTests | None]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a prompt with these tests in its header, or beside it, and read them."""
    for name, text in {"codebooks/harm.yaml": CODEBOOK, "criteria/house.md": "1. Be kind.\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "prompts").mkdir()

    def loaded(header: str = TESTS, beside: str = "") -> PromptTests | None:
        (tmp_path / "prompts" / "judge.md").write_text(PROMPT.format(header=header), "utf-8")
        if beside:
            (tmp_path / "prompts" / "judge.tests.yaml").write_text(beside, "utf-8")
        return load_tests("judge", lambda kind: [tmp_path / kind], CHECKS, tmp_path)

    return loaded


def test_a_case_is_a_record_and_what_is_expected_of_its_answers(load: Load) -> None:
    tests = load()
    assert tests
    assert (tests.agents, tests.repeats, tests.where) == (("reader_a", "gpt"), 3, "prompts/judge.md")
    quoted, plain = tests.cases
    assert quoted.record.text == "A report\n\nThey called them vermin, the paper wrote."
    assert (quoted.record.record_id, quoted.record.metadata) == ("quoted", {"year": 1912})
    assert quoted.record.label("harmful") == "no"
    assert [one.status for one in quoted.inputs["answers"]] == ["answered", "refused"]
    assert [(one.name, one.question, one.weight, one.metric) for one in quoted.expect] == [
        ("label-in", "", 1, ""),
        ("not-contains", "reason", 0, "voice"),
    ]
    assert [one.where for one in quoted.expect] == ["prompts/judge.md:15", "prompts/judge.md:16"]
    assert (quoted.perspective, plain.perspective and plain.perspective.text) == (None, "1. Be kind.")


def test_tests_beside_a_prompt_are_the_same_as_those_in_its_header(load: Load) -> None:
    within = load()
    beside = load("", TESTS)
    bare = load("", "\n".join(line.removeprefix("  ") for line in TESTS.splitlines()[1:]))
    assert within
    for other in (beside, bare):
        assert other
        assert other.where == "prompts/judge.tests.yaml"
        assert [one.record for one in other.cases] == [one.record for one in within.cases]


def test_tests_change_nothing_of_what_a_prompt_is(load: Load) -> None:
    with_tests, without = load(), load("", TESTS)
    assert with_tests
    assert without
    assert with_tests.prompt.hash == without.prompt.hash


def test_a_prompt_without_tests_has_none(load: Load, tmp_path: Path) -> None:
    assert load("") is None
    assert prompts_with_tests([tmp_path / "prompts"]) == []
    load()
    assert prompts_with_tests([tmp_path / "prompts", LIBRARY / "prompts"])[:1] == ["classify"]


def test_a_picture_is_named_from_the_study_and_kept_by_its_bytes(load: Load, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(PNG)
    tests = load(TESTS.replace("text: The bridge was opened.", "image: red.png\n      alt: a red square"))
    assert tests
    (part,) = tests.cases[1].record.parts
    assert (part.kind, part.blob, part.media_type, part.alt) == ("image", sha256(PNG), "image/png", "a red square")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("label-in:", "label-inn:", r"judge\.md:15.*no check 'label-inn'.*label-in"),
        ("agents: [reader_a, gpt]", "agnets: [a]", r"judge\.md:5.*'agnets' is not known here.*agents"),
        ("repeats: 3", "repeats: three", r"judge\.md:6.*whole number from 1, not 'three'"),
        ("repeats: 3", "repeats: true", r"judge\.md:6.*whole number"),
        ("codebook: harm", "codebook: harms", r"judge\.md.*no codebook 'harms'.*Did you mean 'harm'"),
        ("  codebook: harm\n", "", r"judge\.md:7.*which codebook is answered"),
        ("      text: The bridge was opened.\n", "", r"judge\.md:17.*'plain' has nothing to be asked about"),
        ("text: The bridge was opened.", "image: bridge.png", r"judge\.md:18.*no file bridge\.png"),
        ("text: The bridge was opened.", "image: ../../etc/passwd", r"judge\.md:18.*no file"),
        ("      expect: [{metamorphic: quoted, question: harmful}]\n", "", r"judge\.md:17.*'plain' expects nothing"),
        ("expect: [{metamorphic: quoted, question: harmful}]", "expect: {is-json: true}", r"`expect` is a list"),
        ('label: {harmful: "no"}', 'label: {harmful: "nay"}', r"judge\.md:.*'harmful' has no label 'nay'"),
        ("perspective: house", "perspektive: house", r"judge\.md:19.*'perspektive' is not known.*perspective"),
        ("perspective: house", "perspective: home", r"no perspective 'home'"),
        ("answers: []", "answers: no", r"judge\.md:20.*a list of answers"),
        ("status: refused", "status: asleep", r"'status' must be one of"),
        ("agent: ben", "aegnt: ben", r"'aegnt' is not known here.*agent"),
        ("    quoted:", "    'a/../b':", r"cannot be the name of a case"),
        ("  cases:", "  casses:", r"'casses' is not known here.*cases"),
        ("- {not-contains: vermin,", "- {contains: a, regex: b,", r"judge\.md:16.*one check"),
        ("metadata: {year: 1912}", "metadata: 1912", r"judge\.md:11.*'metadata' is a map"),
    ],
)
def test_a_slip_is_named_with_its_line(load: Load, old: str, new: str, said: str) -> None:
    assert old in TESTS
    with pytest.raises(ButtermilkError, match=f"(?s){said}"):
        load(TESTS.replace(old, new))


def test_what_the_prompt_asks_for_and_a_case_does_not_give_is_told_before_anybody_is_asked(load: Load) -> None:
    with pytest.raises(ButtermilkError, match=r"(?s)'answers', which step 'plain' does not give"):
        load(TESTS.replace("      answers: []\n", ""))
