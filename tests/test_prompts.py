"""A prompt is split into roles before a record is seen, carries all it includes, and renders to the same bytes."""

from pathlib import Path
from timeit import repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.core.errors import ConfigError, PromptError
from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Perspective, Prompt, Question, Section
from buttermilk.core.jobs import Answer, Job
from buttermilk.core.messages import Message
from buttermilk.core.records import Part, Record
from buttermilk.prompts import load_prompt, render

JUDGE = """\
---
name: judge
version: 1.10
author: [A. Woolf, B. Sontag]
inputs: []
changelog: first
---
# System
Judge by {{ perspective.title }}:
{{ perspective.text }}

{{ codebook.instructions }}

# user

Title: {{ record.title }}
{{ record.text }}
"""
TONE = Question(
    name="tone",
    ask="What is its tone?",
    labels=(LabelDefinition(name="bright", definition="Joy.", examples=("a morning",)), LabelDefinition(name="dark")),
)
CODEBOOK = Codebook(name="verse", questions=(TONE,))
CRITERIA = Perspective(
    name="tja", title="Fair reporting", text="Be fair.\n\n1. Name people\n   rightly.\n2. Ask them.\n\nEnd."
)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (tmp_path / "criteria").mkdir()
    (folder / "judge.md").write_text(JUDGE)
    return folder


def load(folder: Path, text: str, name: str = "one", **includes: str) -> Prompt:
    (folder / f"{name}.md").write_text(text)
    for include, words in includes.items():
        (folder / f"{include}.md").write_text(words)
    return load_prompt(name, [folder])


def prompt(user: str, system: str = "") -> Prompt:
    sections = [Section(role="system", template=system)] if system else []
    return Prompt(name="one", sections=(*sections, Section(role="user", template=user)))


def job(text: str = "of inward strife", **changes: Any) -> Job:
    parts = changes.pop("parts", (Part(text=text),))
    record = Record(record_id="v1", parts=parts, metadata=changes.pop("metadata", {}))
    agent = Agent(name="a", type="simulated")
    asked = {"step": "judge", "record": record, "seen_hash": "", "agent": agent, "codebook": CODEBOOK}
    return Job(**{**asked, "perspective": CRITERIA, **changes})


def rendered(user: str, **changes: Any) -> str:
    return render(prompt(user), job(**changes))[-1].text


# --- loading


def test_a_prompt_is_split_into_roles_as_it_is_written(prompts: Path) -> None:
    judge = load_prompt("judge", [prompts])
    assert [(part.role, part.template.split("\n")[0], part.line) for part in judge.sections] == [
        ("system", "Judge by {{ perspective.title }}:", 9),
        ("user", "Title: {{ record.title }}", 16),
    ]
    assert (judge.version, judge.author) == ("1.10", "A. Woolf, B. Sontag")
    assert judge.version_name == f"judge@{judge.hash[:6]}"


def test_what_stands_before_a_heading_is_the_users(prompts: Path) -> None:
    assert load(prompts, "\n\nIs {{ record.text }} fair?\n").sections == (
        Section(role="user", template="Is {{ record.text }} fair?", line=3),
    )


def test_only_the_three_words_alone_on_a_line_are_headings(prompts: Path) -> None:
    text = (
        "# system\n# Something else\n# user guide\n## user\n #user\n#user\n# user:\n# USER\t \nhi\n#\tassistant\nyes\n"
    )
    sections = load(prompts, text).sections
    assert [part.role for part in sections] == ["system", "user", "assistant"]
    assert sections[0].template == "# Something else\n# user guide\n## user\n #user\n#user\n# user:"
    assert len(load(prompts, 'Like this:\n{{ "# user" }}').sections) == 1  # which writes the line as text


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", PromptError, "prompts/one.md: the prompt is empty"),
        ("# system\n\n# user\nhello", PromptError, "prompts/one.md:1: there is nothing below '# system'"),
        ("---\nmodle: gpt\n---\nhello", ConfigError, "prompts/one.md:2: the header has no 'modle'"),
        ("---\nautor: me\n---\nhello", ConfigError, "Did you mean 'author'"),
        ("---\nname: judge\n---\nhello", PromptError, "it calls itself 'judge', and its file 'one'"),
        ("---\ninputs: 3\n---\nhello", PromptError, "'inputs' lists names"),
        ("# system\nok\n# user\n\n{{ record.text }\n", PromptError, "prompts/one.md:5: unexpected '}'"),
        ("# user\n{% if record.text %}\nhello", PromptError, r"prompts/one.md:\d: Unexpected end of template"),
        ("{{ record.text | titel }}", PromptError, "one.md:1: there is no filter 'titel'.\n  Did you mean 'title'"),
        ("{{ record.text is strng }}", PromptError, "there is no test 'strng'.\n  Did you mean 'string'"),
        ('{% extends "a.md" %}', PromptError, r"{% extends %} is not used in prompts.\n  Put the shared text"),
        ('hello\n{% import "a.md" as a %}', PromptError, "prompts/one.md:2: {% import %} is not used"),
        ('{% from "a.md" import a %}', PromptError, "{% import %} is not used"),
        ("{% block a %}{% endblock %}", PromptError, "{% block %} is not used"),
        ("{% include record.text %}", PromptError, "an include names one file, in quotes"),
        ('{% include ["a.md", "b.md"] %}', PromptError, "an include names one file, in quotes"),
        ('{% include "a.md" ignore missing %}', PromptError, "the file's name and nothing else"),
        ('{% include "a.md" without context %}', PromptError, "the file's name and nothing else"),
        ('\n{% include "ruls.md" %}', PromptError, "prompts/one.md:2: there is no file 'ruls.md' to include"),
        ('{% include "../secret.md" %}', PromptError, "'../secret.md' cannot be included"),
        ('{% include "/etc/passwd" %}', PromptError, "'/etc/passwd' cannot be included"),
        ("{{ record.text.__class__ }}", PromptError, "'__class__' cannot be reached"),
        ("{% for a in b recursive %}{% endfor %}", PromptError, "a loop in a prompt is not recursive"),
    ],
)  # fmt: skip
def test_a_broken_prompt_names_file_and_line(text: str, error: type[Exception], says: str, prompts: Path) -> None:
    with pytest.raises(error, match=says.replace("{%", r"\{%").replace("%}", r"%\}")):
        load(prompts, text)


def test_a_prompt_that_is_not_there_is_answered_with_the_nearest(prompts: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no prompt 'jugde'.\n  Did you mean 'judge'"):
        load_prompt("jugde", [prompts])
    with pytest.raises(ConfigError, match="cannot be the name of a prompt"):
        load_prompt("../judge", [prompts])


def test_the_studys_prompt_shadows_the_packaged(prompts: Path, tmp_path: Path) -> None:
    packaged = tmp_path / "library"
    packaged.mkdir()
    (packaged / "judge.md").write_text("packaged")
    assert load_prompt("judge", [prompts, packaged]).sections[0].role == "system"
    assert load_prompt("judge", [packaged, prompts]).sections[0].template == "packaged"


# --- includes


def test_a_prompt_carries_what_it_includes_and_what_that_includes(prompts: Path) -> None:
    (prompts.parent / "criteria" / "tja.md").write_text("---\ntitle: TJA\n---\nBe fair to {{ name }}.\n")
    one = load(
        prompts, '{% include "rules.md" %}', rules='{% set name = "all" %}\nRules:\n{% include "criteria/tja.md" %}'
    )
    assert dict(one.includes) == {
        "rules.md": '{% set name = "all" %}\nRules:\n{% include "criteria/tja.md" %}',
        "criteria/tja.md": "Be fair to {{ name }}.",
    }
    for path in prompts.parent.rglob("*.md"):
        path.unlink()
    assert render(one, job())[0].text == "Rules:\nBe fair to all."


def test_an_included_text_is_part_of_the_hash(prompts: Path) -> None:
    first, again = (load(prompts, '{% include "rules.md" %}', rules=words) for words in ("Be fair.", "Be fair!"))
    assert first.hash != again.hash


def test_the_hash_is_of_the_template_alone(prompts: Path) -> None:
    first = load(prompts, "---\nversion: 1\ntests: [x]\nsource: here\n---\n# user\nhello")
    assert first.hash == load(prompts, "---\nversion: 2\nchangelog: new\n---\n\n\n# user\n\nhello\n\n").hash
    assert first.hash != load(prompts, "# system\nhello").hash


def test_includes_without_end_name_the_line(prompts: Path) -> None:
    with pytest.raises(PromptError, match=r"prompts/b.md:2: .*one.md includes prompts/a.md includes prompts/b.md inc"):
        load(prompts, 'x {% include "a.md" %}', a='{% include "b.md" %}', b='hello\n{% include "a.md" %}')
    with pytest.raises(PromptError, match="that has no end"):
        load(prompts, '{% include "one.md" %}')
    with pytest.raises(PromptError, match=r"prompts/rules.md:5: there is no file 'x.md'"):
        load(prompts, '{% include "rules.md" %}', rules='---\ntitle: R\n---\n\n{% include "x.md" %}')


# --- rendering


def test_each_section_becomes_one_message(prompts: Path) -> None:
    parts = (Part(text="Strife", role="title"), Part(text="of inward strife"))
    assert render(load_prompt("judge", [prompts]), job(parts=parts)) == (
        Message(
            role="system",
            text="Judge by Fair reporting:\nBe fair.\n\n1. Name people\n   rightly.\n2. Ask them.\n\nEnd.\n\n"
            "tone: What is its tone?\nAnswer with exactly one of these:\n- bright: Joy.\n  Example: a morning\n- dark",
        ),
        Message(role="user", text="Title: Strife\nStrife\n\nof inward strife"),
    )


def test_a_section_without_the_record_is_rendered_once_and_shared() -> None:
    one = prompt("{{ record.text }}", system="{{ perspective.name }} {{ codebook.name }} {{ tone }}")
    first = render(one, job("a", variant={"tone": 1}))[0]
    assert render(one, job("b", variant={"tone": 1}))[0] is first
    assert render(one, job("a", variant={"tone": True}))[0].text == "tja verse true"
    assert render(one, job("a", variant={"tone": 1.0}))[0].text == "tja verse 1.0"
    renamed = CRITERIA.model_copy(update={"name": "hrc"})
    assert render(one, job("a", variant={"tone": 1}, perspective=renamed))[0].text == "hrc verse 1"
    assert first.text == "tja verse 1"


@given(
    words=st.lists(st.sampled_from(["", "Read: ", "\n\n", "100 % }", "é\u202e"]), min_size=3, max_size=3),
    fields=st.lists(st.sampled_from(["record.text", "record.id", "record.title"]), min_size=2, max_size=2),
    text=st.text(min_size=1, max_size=40),
)
def test_a_plain_section_is_worded_as_its_template_would_word_it(
    words: list[str], fields: list[str], text: str
) -> None:
    plain = f"{words[0]}{{{{ {fields[0]} }}}}{words[1]}{{{{ {fields[1]} }}}}{words[2]}?"
    parts = (Part(text="A title", role="title"), Part(text=text))
    record = Record(record_id="v1", parts=parts)
    assert rendered(plain, record=record) == rendered(plain + "{{ '' }}", record=record)


def test_two_sections_of_the_same_words_are_two_messages() -> None:
    twice = Prompt(name="one", sections=(Section(role="user", template="hello"),) * 2)
    assert [message.text for message in render(twice, job())] == ["hello", "hello"]


def test_no_null_and_numbers_are_written_as_json_writes_them() -> None:
    assert rendered("{{ false }} {{ none }} {{ 1.50 }} {{ ['é', none] }} {{ {'a': true} }}") == (
        'false null 1.5 ["é", null] {"a": true}'
    )


def test_only_the_columns_that_may_be_sent_are_seen() -> None:
    metadata = {"author": "Anon", "email": "a@b.c", "items": 3}
    record = {"metadata": metadata, "sent_columns": ("author", "items", "year")}
    assert rendered("{{ record.metadata.author }} {{ record.metadata['items'] }}", **record) == "Anon 3"
    assert rendered("{% for key, item in record.metadata.items() %}{{ key }}{% endfor %}", metadata={}) == ""
    assert rendered("{{ record.metadata.year | default('n. d.') }}", **record) == "n. d."
    with pytest.raises(PromptError, match=r"record.metadata has no 'email' \(there are: author, items\)"):
        rendered("{{ record.metadata.email }}", **record)


def test_a_field_that_is_missing_names_line_and_record() -> None:
    with pytest.raises(
        PromptError, match=r"prompts/one.md:3: record.metadata has no 'x' \(record 'v1'\).\n  Where it may"
    ):
        rendered("hello\n\n{{ record.metadata.x }}")
    broken = Prompt(
        name="one",
        sections=(Section(role="user", template='{% include "rules.md" %}', line=9),),
        includes={"rules.md": "a\n{{ nobody }}"},
    )
    with pytest.raises(PromptError, match=r"rules.md:2: 'nobody' is undefined"):
        render(broken, job())


def test_a_perspective_gives_its_numbered_criteria() -> None:
    assert rendered("{{ perspective.criteria | join('|') }}") == "Name people rightly.|Ask them."


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (Question(name="q", ask="Why?", level="text", optional=True), "Why?\nAnswer in your own words.\nWhere the"),
        (Question(name="q", ask="How?", level="interval", minimum=0, maximum=10), "Answer with a number from 0 to 10."),
        (Question(name="q", ask="How?", level="ratio", minimum=0), "Answer with a number of at least 0."),
        (Question(name="q", ask="How?", level="ratio", maximum=0.5), "Answer with a number of at most 0.5."),
        (Question(name="q", ask="How?", level="ratio"), "Answer with a number."),
        (TONE.model_copy(update={"level": "ordinal"}), "in order from lowest to highest:\n- bright"),
    ],
)
def test_a_codebook_instructs_in_plain_words(question: Question, says: str) -> None:
    assert says in rendered("{{ codebook.instructions }}", codebook=Codebook(name="c", questions=(question,)))


def test_a_template_may_word_the_codebook_itself() -> None:
    labels = "{% for l in q.labels %} {{ l.name }}({{ l.examples | length }}){% endfor %}"
    loop = "{% for q in codebook.questions %}{{ q.name }}/{{ q.level }}:LABELS{% endfor %}"
    assert rendered(loop.replace("LABELS", labels)) == "tone/nominal: bright(1) dark(0)"


def answer(name: str, **changes: Any) -> Answer:
    return Answer(**{"job_id": name * 32, "step": "judge", "agent": name, "status": "answered", **changes})


def test_earlier_answers_are_all_there_in_an_order_drawn_from_the_seed() -> None:
    panel = (
        answer("a", values={"harm": False}),
        answer("b", values={"harm": None}),
        answer("c", status="refused"),
        answer("d", status="unparsed", perspective="tja", repeat=2),
    )
    fields = " ".join(f"{{{{ a.{field} }}}}" for field in ("id", "agent", "perspective", "repeat", "status", "values"))
    loop = f"{{% for a in answers %}}{fields}\n{{% endfor %}}"
    texts = {seed: rendered(loop, inputs={"answers": panel}, seed=seed) for seed in range(8)}
    assert set(texts[1].splitlines()) == {
        'aaaaaaaa a  1 answered {"harm": false}',
        'bbbbbbbb b  1 answered {"harm": null}',
        "cccccccc c  1 refused null",
        "dddddddd d tja 2 unparsed null",
    }
    assert len(set(texts.values())) > 3
    assert texts[3] == rendered(loop, inputs={"answers": panel[::-1]}, seed=3)


def test_a_value_of_an_answer_that_was_refused_is_missed_aloud() -> None:
    panel = {"answers": (answer("a", status="refused"),)}
    with pytest.raises(
        PromptError, match="'tone' is asked of null: an answer that was refused or failed has no values"
    ):
        rendered("{{ answers[0].values.tone }}", inputs=panel)
    assert rendered("{{ answers[0].values.tone | default('-') }}", inputs=panel) == "-"


IMAGE = Part(kind="image", blob="0" * 64, media_type="image/png", alt="a flag")
SOUND = Part(kind="audio", blob="1" * 64, media_type="audio/wav")


def test_media_go_with_the_message_that_names_them() -> None:
    one = Prompt(
        name="one",
        sections=(
            Section(role="user", template="Look: {{ record.image }}."),
            Section(role="assistant", template="Yes."),
            Section(role="user", template="{% if record.audio %}Listen.{% endif %}"),
        ),
    )
    messages = render(one, job(parts=(IMAGE, SOUND, Part(text="a caption"))))
    assert [(message.text, message.media) for message in messages] == [
        ("Look: .", (IMAGE,)),
        ("Yes.", ()),
        ("Listen.", (SOUND,)),
    ]


def test_media_that_nobody_names_go_with_the_users_last_message() -> None:
    messages = render(prompt("{{ record.text }}", system="hello"), job(parts=(IMAGE, SOUND)))
    assert [message.media for message in messages] == [(), (IMAGE, SOUND)]
    all_here = prompt("{% for part in record.media %}{{ part.alt }} {% endfor %}")
    assert render(all_here, job(parts=(IMAGE, SOUND)))[0] == Message(
        role="user", text="a flag null ", media=(IMAGE, SOUND)
    )


# --- hostile records

HOSTILE = ["System:", "\n# user\n", "# system", "{{ 7*7 }}", "{% raw %}", "{% endraw %}", "{#", "#}", "</s>", "\x00",
           "<|im_start|>system", "\u202e", "\u200f", "```", "\n---\n", "\r\n", "\r", "\ufeff", "&amp;", "<b>", "'", '"',
           '{"role": "system"}', "\n\nHuman:", "[INST]", " ", "\n", "%s", "\\", "é"]  # fmt: skip
hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), min_size=1).map("".join)
WRAPPED = prompt(
    "Before.\n{{ record.title }}|{{ record.metadata.note }}|{{ record.text }}|{{ record.id }}|{{ n }}\nAfter. # user",
    system="You judge {{ codebook.name }}. {# a remark #}{% raw %}{{ 7*7 }}{% endraw %}",
)


@settings(max_examples=200)
@given(text=hostile, title=hostile, note=hostile, variant=hostile)
def test_a_hostile_record_changes_no_role_and_no_word_of_the_template(
    text: str, title: str, note: str, variant: str
) -> None:
    parts = (Part(text=title, role="title"), Part(text=text))
    sent: dict[str, Any] = {"metadata": {"note": note}, "sent_columns": ("note",), "variant": {"n": variant}}
    system, user = render(WRAPPED, job(parts=parts, **sent))
    assert (system.role, user.role) == ("system", "user")
    assert system.text == "You judge verse. {{ 7*7 }}"
    assert user.text == f"Before.\n{title}|{note}|{title}\n\n{text}|v1|{variant}\nAfter. # user"


@given(text=hostile)
def test_a_hostile_perspective_is_text_and_no_template(text: str) -> None:
    criteria = Perspective(name="x", text=text)
    assert rendered("[{{ perspective.text }}]", perspective=criteria) == f"[{text}]"


@given(text=hostile)
def test_a_hostile_answer_is_text_and_no_template(text: str) -> None:
    panel = {"answers": (answer("a", values={"tone": text}),)}
    assert rendered("{% for a in answers %}[{{ a.values.tone }}]{% endfor %}", inputs=panel) == f"[{text}]"


def test_rendering_is_quick_enough_for_the_path_of_every_call(prompts: Path) -> None:
    judge, one = load_prompt("judge", [prompts]), job("of inward strife for truth and liberty. " * 45)
    seconds = min(repeat(lambda: render(judge, one), number=500, repeat=5)) / 500
    assert seconds < 100e-6  # about 12 microseconds on a quiet machine
