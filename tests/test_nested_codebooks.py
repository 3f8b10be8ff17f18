"""Codebooks of questions within questions, as scholars write them and as people and models read them."""

import re
from pathlib import Path

import pytest

from asking import job
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Perspective, Prompt, Question, Section
from buttermilk.prompts import check_prompt, load_codebook, render
from buttermilk.prompts.views import instructions

NESTED = """\
questions:
  frames:
    ask: Which frames does the text build? Leave out what it does not do.
    many: true
    questions:
      problem: {ask: "What does it make the problem?", level: text}
      evidence: {ask: The words that show it., level: quote, many: true}
  criteria:
    ask: Does the text keep this criterion?
    each: criterion
    questions:
      evidence: {ask: "The words that decide, copied from the text.", level: quote, optional: true}
      verdict:
        ask: Does the text keep to it?
        labels: {kept: It does., broken: , not_applicable: It is about something else.}
  topics:
    ask: What is it about?
    many: true
    labels: [art, law]
"""
STYLE = Perspective(name="style", text="1. Use names as given.\n2. Ask both sides.\n")


def read(tmp_path: Path, text: str = NESTED) -> Codebook:
    (tmp_path / "fair.yaml").write_text(text)
    return load_codebook("fair", [tmp_path])


def test_questions_within_a_question_make_a_group_of_it(tmp_path: Path) -> None:
    codebook = read(tmp_path)
    frames, criteria, topics = codebook.questions
    assert (frames.level, frames.many, frames.each) == ("group", True, "")
    assert [(part.name, part.level, part.many) for part in frames.parts] == [
        ("problem", "text", False),
        ("evidence", "quote", True),
    ]
    assert (criteria.level, criteria.each, criteria.parts[0].optional) == ("group", "criterion", True)
    assert criteria.parts[1].label_names == ("kept", "broken", "not_applicable")
    assert (topics.level, topics.many, topics.label_names) == ("nominal", True, ("art", "law"))


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("    many: true\n    q", "    meny: true\n    q", 4, "'meny' is not known here.\n  Did you mean 'many'"),
        ("level: quote, many", "levle: quote, many", 7, "'levle' is not known here.\n  Did you mean 'level'"),
        ("level: quote, many", "level: qoute, many", 7, "there is no level 'qoute'.\n  Did you mean 'quote'"),
        (", level: quote, many: true", "", 7, "question 'evidence' says neither its labels nor another level."),
        ("many: true}", "many: true, optional: true}", 7, "cannot be optional: an empty list says that there is none"),
        ("many: true}", "many: true, labels: [a, b]}", 7, "question 'evidence' is quote and takes no labels"),
        ("many: true}", "many: sometimes}", 7, "'many' must be true or false, not 'sometimes'"),
        ("      problem:", "      the.problem:", 6, "'the.problem' may have letters, digits and '_' only"),
        ("      problem:", "      evidence:", 7, "'evidence' is here a second time (first on line 6)"),
        (
            "    each: criterion\n",
            "    each: sentence\n",
            10,
            "'each' knows no 'sentence'.\n  There is `each: criterion`",
        ),
        ("optional: true}", "each: criterion}", 12, "`each` cannot stand within another question"),
        (
            "    each: c",
            "    optional: true\n    each: c",
            8,
            "cannot be optional: let each of its questions be optional",
        ),
        ("    each: c", "    level: text\n    each: c", 10, "'criteria' is a group of questions and has no level"),
        ("    each: c", "    labels: [a, b]\n    each: c", 10, "is a group of questions and has no labels"),
        ("    ask: Does the text keep this criterion?\n", "", 8, "question 'criteria' has no wording"),
        ('{ask: "What does it make the problem?", level: text}', "", 6, "'problem' is a map here"),
        ('ask: "What does it make the problem?"', "ask: What is it?", 6, "text that has a '?' stands in quotes"),
    ],
)
def test_a_slip_within_a_question_is_named_with_its_line(
    before: str, after: str, line: int, says: str, tmp_path: Path
) -> None:
    assert before in NESTED
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, NESTED.replace(before, after, 1))
    assert caught.value.where == f"{tmp_path.name}/fair.yaml:{line}"
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("questions:\n  q:\n    ask: x\n    questions: {}\n", "fair.yaml:4: the group 'q' asks no questions"),
        ("questions:\n  q:\n    ask: x\n    questions: [a]\n", "fair.yaml:4: 'questions' is a map here"),
        ("questions: {q: {ask: x, level: group}}\n", "there is no level 'group'"),
        (
            "".join(f"questions: {{{name}: {{ask: x, " for name in "abcdef") + "level: text" + "}}" * 6,
            "questions stand within questions at most 4 deep",
        ),
    ],
)
def test_a_group_that_is_none_says_why(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)


# ---- in words


def test_nested_questions_read_well_for_people_and_models(tmp_path: Path) -> None:
    assert (
        instructions(read(tmp_path).of(STYLE))
        == """\
frames: Which frames does the text build? Leave out what it does not do.
Answer with a list, empty if there is nothing to name; each entry is an object with these keys:
  problem: What does it make the problem?
  Answer in your own words.

  evidence: The words that show it.
  Answer with a list of passages copied from the text exactly as they stand there, with [...] where you leave words \
out; an empty list if there is none.

criteria: Does the text keep this criterion?
Answer with an object that has these keys:
- c1: Use names as given.
- c2: Ask both sides.
Answer each with an object that has these keys:
  evidence: The words that decide, copied from the text.
  Answer with words copied from the text exactly as they stand there, with [...] where you leave words out.
  Where the question does not apply, answer null.

  verdict: Does the text keep to it?
  Answer with exactly one of these:
  - kept: It does.
  - broken
  - not_applicable: It is about something else.

topics: What is it about?
Answer with a list of every label below that fits, an empty list if none does:
- art
- law"""
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"level": "text", "many": True}, "Answer with a list of texts, each in your own words; an empty list if"),
        ({"level": "ratio", "many": True, "minimum": 0}, "Answer with a list of numbers of at least 0; an empty list"),
        ({"level": "quote"}, "Answer with words copied from the text exactly as they stand there"),
        (
            {"labels": (LabelDefinition(name="a"), LabelDefinition(name="b")), "level": "ordinal", "many": True},
            "every label below that fits, an empty list if none does, in order from lowest to highest:\n- a\n- b",
        ),
        (
            {"labels": (LabelDefinition(name="a"), LabelDefinition(name="b")), "each": "criterion"},
            "- c1: Use names as given.\n- c2: Ask both sides.\nAnswer each with exactly one of these:\n- a\n- b",
        ),
    ],
)
def test_each_kind_of_answer_is_asked_for_in_its_words(more: dict[str, object], says: str) -> None:
    question = Question.model_validate({"name": "q", "ask": "Which?", **more})
    assert says in instructions(Codebook(name="c", questions=(question,)).of(STYLE))


def test_a_template_may_write_out_a_group_itself(tmp_path: Path) -> None:
    template = (
        "{% for question in codebook.questions %}{{ question.name }}{{ '*' if question.many }}:"
        "{% for part in question.parts %} {{ part.name }}={{ part.level }}{% for label in part.labels %} "
        "{{ label.name }}{% endfor %}{% endfor %}; {% endfor %}"
    )
    prompt = Prompt(name="p", sections=(Section(role="user", template=template),))
    gives = {"record", "codebook"}
    check_prompt(prompt, step="s", gives=gives, columns={}, records=1, sent=(), dataset="d")
    (message,) = render(prompt, job(Agent(name="a", type="x"), codebook=read(tmp_path), prompt=prompt))
    assert message.text == (
        "frames*: problem=text evidence=quote; "
        "criteria: evidence=quote verdict=nominal kept broken not_applicable; topics*:; "
    )
    wrong = Prompt(name="p", sections=(Section(role="user", template=template.replace("part.level", "part.lable")),))
    with pytest.raises(Exception, match="part has no 'lable'"):
        check_prompt(wrong, step="s", gives=gives, columns={}, records=1, sent=(), dataset="d")


def test_the_codebooks_of_the_documentation_are_codebooks(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "reference" / "codebooks.md").read_text("utf-8")
    written = re.findall(r"```yaml\n(# codebooks/.*?)```", page, re.DOTALL)
    leaves = [[leaf.name for leaf in read(tmp_path, text).of(STYLE).leaves] for text in written]
    assert leaves == [
        ["frames.count"],
        ["criteria.c1.evidence", "criteria.c1.verdict", "criteria.c2.evidence", "criteria.c2.verdict"],
        ["topics.work", "topics.law"],
    ]
