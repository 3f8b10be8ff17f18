"""Before any call: what a template asks for and its step does not give is named, with the line and the way out."""

from pathlib import Path
from typing import Any

import pytest

from buttermilk.core.errors import PromptError
from buttermilk.core.flows import Prompt, Section
from buttermilk.prompts import check_prompt, load_prompt

COLUMNS = {"author": 200, "year": 188, "email": 200, "items": 200}


def check(template: str, includes: dict[str, str] | None = None, inputs: tuple[str, ...] = (), **changes: Any) -> None:
    sections = (Section(role="system", template="hello"), Section(role="user", template=template, line=12))
    prompt = Prompt(name="judge", sections=sections, includes=includes or {}, inputs=inputs)
    usual: dict[str, Any] = {
        "step": "judge",
        "gives": ("record", "codebook", "answers", "tone"),
        "columns": COLUMNS,
        "records": 200,
        "sent": ("author", "year", "items"),
        "dataset": "verse",
    }
    check_prompt(prompt, **{**usual, **changes})


@pytest.mark.parametrize(
    "template",
    [
        "{{ record.text }} {{ record.id }} {{ record['title'] }} {{ record.metadata.author }} {{ record.image }}",
        "{{ record.metadata['author'] }} {{ record['metadata']['author'] | upper }} {{ record.metadata | tojson }}",
        "{{ record.metadata['items'] }}{% for k, v in record.metadata.items() %}{{ k }}{% endfor %}",
        "{{ record.metadata.year | default('n. d.') }} {{ record.metadata['year'] | d('') | upper }}",
        "{% if record.metadata.year is defined %}{{ record.metadata.year }}{% endif %}",
        "{% for q in codebook.questions %}{% for l in q.labels %}{{ l.name }}{% endfor %}{{ q.ask }}{% endfor %}",
        "{% for a in answers | sort(attribute='agent') %}{{ a.values.tone }}{{ loop.index }}{% endfor %}",
        "{% for part in record.parts %}{{ part.alt }}{% endfor %}",
        "{% for x in answers %}{{ x.agent }}{% endfor %}{% for x in codebook.questions %}{{ x.ask }}{% endfor %}",
        "{% for x in answers %}{{ x.agent }}{% endfor %}{% for x in [{'own': 1}] %}{{ x.own }}{% endfor %}",
        "{% for name, group in answers | groupby('agent') %}{{ name }}{{ group | length }}{% endfor %}",
        "{{ tone }}{% set mine = 1 %}{{ mine }}{% macro m(x) %}{{ x }}{% endmacro %}{{ m(range(2) | list) }}",
        "{% if perspective is defined %}{{ perspective.text }}{% endif %}",
        "{% if tone is defined %}{{ tone }}{% else %}{{ record.metadata.tone }}{% endif %}",
    ],
)
def test_a_prompt_that_asks_for_what_it_is_given_passes(template: str) -> None:
    check(template)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("hello\n{{ recrod.text }}", r"judge.md:13: the template asks for 'recrod', which step 'judge' does not"),
        ("{{ anwers }}", r"Did you mean 'answers'\? There are: answers, codebook, record, tone."),
        ("{% if anwers is defined %}{% endif %}", "the template asks for 'anwers'"),
        ("{{ perspective.text }}", "'perspective', which step 'judge' does not give. It has no perspectives."),
        ("\n\n{{ record.txt }}", r"prompts/judge.md:14: record has no 'txt'.\n  Did you mean 'text'"),
        ("{{ record.author }}", r"record has no 'author'.\n  'author' is a column: write record.metadata.author"),
        ("{% if mood is defined %}{{ mood }}{% else %}{{ record.metadata.mood }}{% endif %}", "has a column 'mood'"),
        ("{% if tone is defined %}{{ record.txt }}{% endif %}", "record has no 'txt'"),
        ("{{ codebook.instruction }}", "codebook has no 'instruction'.\n  Did you mean 'instructions'"),
        ("{% for a in answers %}\n{{ a.agnt }}{% endfor %}", "judge.md:13: a has no 'agnt'.\n  Did you mean 'agent'"),
        ("{% for q in codebook.questions %}{{ q.wording }}{% endfor %}", "q has no 'wording'"),
        ("{{ record.metadata.autor }}", "no record of dataset 'verse' has a column 'autor'.\n  Did you mean 'author'"),
        ("{{ record.metadata.autor | default('') }}", "has a column 'autor'"),
        ("{{ record.metadata['email'] }}", "column 'email' of dataset 'verse' is not sent to agents."),
        ("{{ record.metadata['email'] }}", r"`policy: \{email: send\}` to conf/dataset/verse.yaml"),
        ("{{ record.metadata.year }}", "12 of 200 records have no 'year'.\n  For those, write"),
        ("{{ record.metadata.year }}{{ record.metadata.year | default('') }}", "12 of 200 records have no 'year'"),
        ("{{ record.text", "prompts/judge.md:12: unexpected end of template"),
    ],
)  # fmt: skip
def test_what_is_not_given_is_named_with_its_line_and_the_way_out(template: str, says: str) -> None:
    with pytest.raises(PromptError, match=says):
        check(template)


def test_one_record_that_lacks_a_column_is_one() -> None:
    with pytest.raises(PromptError, match="1 of 200 record has no 'year'"):
        check("{{ record.metadata.year }}", columns={"year": 199})


def test_perspectives_are_there_where_the_step_has_some() -> None:
    gives = ("record", "perspective")
    check("{{ perspective.criteria }}", gives=gives)
    with pytest.raises(PromptError, match="perspective has no 'rules'"):
        check("{{ perspective.rules }}", gives=gives)


def test_an_include_is_checked_too_and_may_use_what_its_prompt_sets() -> None:
    check(
        "{% set who = 1 %}{% for a in answers %}{% include 'rules.md' %}{% endfor %}",
        {"rules.md": "{{ who }} {{ a.agent }}"},
    )
    with pytest.raises(PromptError, match=r"rules.md:2: the template asks for 'whom'"):
        check("{% include 'rules.md' %}", {"rules.md": "hello\n{{ whom }}"})


def test_what_a_header_says_it_needs_must_be_given() -> None:
    check("hello", inputs=("answers",))
    with pytest.raises(PromptError, match=r"prompts/judge.md: the prompt's header says it needs 'priors'"):
        check("hello", inputs=("priors",))


def test_the_line_is_that_of_the_file_as_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "judge.md").write_text("---\nauthor: me\n---\n# system\n\nhello\n\n# user\n\n\nfirst\n{{ recrod }}\n")
    prompt = load_prompt("judge", [tmp_path])
    with pytest.raises(PromptError, match=r"prompts/judge.md:12: "):
        check_prompt(prompt, step="s", gives=["record"], columns={}, records=0, sent=[], dataset="d")
