"""What a notebook calls: the functions of `buttermilk.study.library`, and how the three kinds of text are read."""

from pathlib import Path

import pytest
from hypothesis import given

import strategies as some
from buttermilk.config import compose_dataset
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Citable, Codebook, LabelDefinition, Perspective, Prompt, Question, Section
from buttermilk.prompts import load_codebook, load_perspective, load_prompt
from buttermilk.prompts.reading import as_read, as_written, goes_through, header_of, needs
from buttermilk.study import library
from buttermilk.study.rendering import scalar
from scholar import Scholar

CREDITS = {
    "title": "The title",
    "description": "What it is",
    "version": "1.10",
    "author": "A. Woolf, B. Sontag",
    "source": "a book",
    "licence": "CC0-1.0",
    "changelog": "third\nsecond",
}
HEADER = (
    "title: The title\ndescription: What it is\nversion: 1.10\nauthor: [A. Woolf, B. Sontag]\nsource: a book\n"
    "licence: CC0-1.0\nchangelog: [third, second]\n"
)


def prompt(*templates: str, **includes: str) -> Prompt:
    sections = tuple(Section(role="user", template=template) for template in templates)
    return Prompt(name="one", sections=sections, includes={f"{name}.md": text for name, text in includes.items()})


# ---- from a notebook


def test_each_verb_has_its_function(asked: Scholar) -> None:
    before = library.show("judge", root=asked.folder).found.text
    asked.changes("prompts/judge.md", "You are not asked", "You are not told")
    names = [entry.name for entry in library.list_("prompt", root=asked.folder) if entry.changed]
    assert names == ["judge"]
    shown = library.show("judge", root=asked.folder)
    assert [use.hash for use in shown.uses] == [before.hash]
    found = library.diff("judge", root=asked.folder)
    assert (found.old.text, found.new.text) == (before, shown.found.text)
    assert "".join(piece.text for piece in found.text if piece.sign != "+") == as_written(before)
    rendered = library.render(before.version_name, record="v2", variables={"unused": 1}, root=asked.folder)
    assert rendered.job.prompt == before
    assert "it flows so long as falls the rain," in rendered.messages[-1].text
    file = asked.folder / "one.prompty"
    file.write_text("---\nname: one\n---\nuser:\n{{word}}", "utf-8")
    target, made = library.import_(file, root=asked.folder)
    assert load_prompt("one", [target.parent]) == made.prompt


def test_nothing_is_written_by_looking(scholar: Scholar) -> None:
    before = scholar.files()
    library.list_(root=scholar.folder)
    library.show("judge", root=scholar.folder)
    library.diff("sound_and_image", "speaker_and_stance", root=scholar.folder)
    assert scholar.files() == before


def test_a_kind_that_is_none_is_met_with_the_nearest(scholar: Scholar) -> None:
    with pytest.raises(ConfigError, match="there is no kind 'prompts'") as caught:
        library.list_("prompts", root=scholar.folder)
    assert "Did you mean 'prompt'?" in caught.value.hint


def test_a_dataset_is_composed_without_a_flow(scholar: Scholar) -> None:
    assert compose_dataset(scholar.folder, "verse").path == "data/verse.csv"
    scholar.writes("conf/dataset/mine.yaml", "type: cvs\npath: data/verse.csv")
    with pytest.raises(ConfigError, match="there is no source of type 'cvs'") as caught:
        compose_dataset(scholar.folder, "mine")
    assert caught.value.where == "conf/dataset/mine.yaml:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1912", 1912),
        ("2.5", 2.5),
        ("true", True),
        ("yes", "yes"),
        ("a: b", "a: b"),
        ("[a", "[a"),
        ("", ""),
        ("'7'", "7"),
    ],
)
def test_what_is_set_is_read_as_a_flow_would_read_it(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


# ---- how texts are read


def test_every_kind_of_text_takes_the_same_credits(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text(f"---\n{HEADER}---\nRead {{{{ record.text }}}}", "utf-8")
    (tmp_path / "c.md").write_text(f"---\n{HEADER}---\nBe fair.", "utf-8")
    (tmp_path / "b.yaml").write_text(f"{HEADER}questions: {{why: {{ask: 'Why?', level: text}}}}", "utf-8")
    texts: list[Citable] = [
        load_prompt("p", [tmp_path]),
        load_perspective("c", [tmp_path]),
        load_codebook("b", [tmp_path]),
    ]
    assert [header_of(text) for text in texts] == [CREDITS] * 3
    bare = [text.model_copy(update=dict.fromkeys(CREDITS, "")) for text in texts]
    assert [text.hash for text in bare] == [text.hash for text in texts]
    assert [text.version_name for text in texts] == [f"{text.name}@{text.hash[:6]}" for text in texts]


def test_a_changelog_may_be_a_map_of_versions(tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text("---\nchangelog: {1.1: shorter, '1.0': first}\n---\nBe fair.", "utf-8")
    assert load_perspective("c", [tmp_path]).changelog == "1.1: shorter\n1.0: first"


def test_includes_are_read_where_they_stand_and_marked() -> None:
    nested = prompt('A{% include "b.md" %}D {%- include "none.md" %}', b="B\n{% include 'c.md' -%}", c="C")
    assert as_read(nested) == (
        '# user\n\nA⟨b.md⟩\nB\n⟨c.md⟩\nC\n⟨end of c.md⟩\n⟨end of b.md⟩D {%- include "none.md" %}'
    )


def test_what_a_prompt_asks_for_is_known() -> None:
    one = prompt(
        "{{ record.text }}{% set x = 1 %}{{ x }}", "{% for a in answers | sort(attribute='agent') %}{{ a }}{% endfor %}"
    )
    assert needs(one.model_copy(update={"inputs": ("year",)})) == ("answers", "record", "year")
    assert goes_through(one) == {"answers"}


@given(one=some.codebooks, other=some.codebooks)
def test_two_codebooks_read_alike_only_where_they_are(one: Codebook, other: Codebook) -> None:
    assert (as_written(one) == as_written(other)) == (one.hash == other.hash)


@given(one=some.perspectives, other=some.perspectives)
def test_two_sets_of_criteria_read_alike_only_where_they_are(one: Perspective, other: Perspective) -> None:
    assert (as_written(one) == as_written(other)) == (one.hash == other.hash)


def test_what_makes_two_codebooks_differ_is_seen_in_their_words() -> None:
    labels = (LabelDefinition(name="a"), LabelDefinition(name="b", definition="B.", examples=("bee",)))
    base = Question(name="q", ask="Which?", labels=labels)
    number = Question(name="q", ask="Which?", level="ratio", minimum=0)
    changed = [
        base,
        base.model_copy(update={"level": "ordinal"}),
        base.model_copy(update={"optional": True}),
        base.model_copy(update={"labels": labels[::-1]}),
        number,
        number.model_copy(update={"level": "interval"}),
        number.model_copy(update={"minimum": None}),
    ]
    assert len({as_written(Codebook(name="c", questions=(one,))) for one in changed}) == len(changed)
