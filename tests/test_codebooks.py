"""Codebooks and perspectives are read as scholars write them; a slip is named with its line."""

import io
import zipfile
from pathlib import Path

import pytest

from buttermilk.core.errors import ButtermilkError, ConfigError, DataError
from buttermilk.core.flows import Codebook, LabelDefinition, Perspective, Question
from buttermilk.prompts import load_codebook, load_perspective

SENTIMENT = """\
title: Sentiment of a verse
version: 1.10
author: [A. Woolf, B. Sontag]
questions:
  reason:
    ask: Which words decide?
    level: text
    optional: true
  tone:
    ask: >-
      What is
      its tone?
    labels:
      yes: Joy or hope.
      no:
        definition: Grief.
        examples: [a lamp went out, 1914]
      mixed:
  strength:
    ask: How strong is it?
    level: interval
    minimum: 0
    maximum: 10
"""


def read(tmp_path: Path, text: str) -> Codebook:
    (tmp_path / "fair.yaml").write_text(text)
    return load_codebook("fair", [tmp_path])


def test_a_codebook_is_read_as_it_is_written(tmp_path: Path) -> None:
    codebook = read(tmp_path, SENTIMENT)
    assert (codebook.name, codebook.version, codebook.author) == ("fair", "1.10", "A. Woolf, B. Sontag")
    assert codebook.questions == (
        Question(name="reason", ask="Which words decide?", level="text", optional=True),
        Question(
            name="tone",
            ask="What is its tone?",
            labels=(
                LabelDefinition(name="yes", definition="Joy or hope."),
                LabelDefinition(name="no", definition="Grief.", examples=("a lamp went out", "1914")),
                LabelDefinition(name="mixed"),
            ),
        ),
        Question(name="strength", ask="How strong is it?", level="interval", minimum=0, maximum=10),
    )


def test_a_list_of_names_is_enough(tmp_path: Path) -> None:
    codebook = read(tmp_path, "questions: {tone: {ask: 'Is it?', level: ordinal, labels: [no, 1, true-ish]}}")
    assert codebook.question("tone").label_names == ("no", "1", "true-ish")


def test_the_same_questions_have_the_same_hash_whoever_signs_them(tmp_path: Path) -> None:
    assert read(tmp_path, SENTIMENT).hash == read(tmp_path, SENTIMENT.replace("A. Woolf", "V. Woolf")).hash


@pytest.mark.parametrize(
    ("before", "after", "where", "says"),
    [
        ("    ask: Which words decide?\n", "", ":5", "question 'reason' has no wording.\n  Add `ask: What is ...?`"),
        ("optional: true", "optional: perhaps", ":8", "'optional' must be true or false, not 'perhaps'"),
        ("optional: true", "optinal: true", ":8", "'optinal' is not known here.\n  Did you mean 'optional'"),
        ("level: interval", "level: intervall", ":21", "there is no level 'intervall'.\n  Did you mean 'interval'"),
        ("    level: interval\n", "", ":19", "question 'strength' says neither its labels nor another level"),
        ("minimum: 0", "minimum: low", ":22", "'minimum' must be a number, not 'low'"),
        ("minimum: 0", "minimum: 11", ":22", "the minimum (11) is above the maximum (10)"),
        (
            "  tone:\n",
            "  my tone:\n",
            ":9",
            "'my tone' may have letters, digits and '_' only, and does not begin with a digit.",
        ),
        ("      no:\n", "      yes:\n", ":15", "'yes' is here a second time (first on line 14)"),
        ("examples: [a lamp went out, 1914]", "exmples: []", ":17", "Did you mean 'examples'"),
        ("1914]", "1.5]", ":17", "text is wanted here, not 1.5.\n  If it is meant as text, put it in quotes"),
        ("yes: Joy or hope.", "yes: true", ":14", "text is wanted here, not true"),
        ("yes: Joy or hope.", "yes: [Joy]", ":14", "text is wanted here, not a list or a map"),
        ("    level: text\n", "    level: text\n    labels: [a, b]\n", ":5", "is text and takes no labels"),
        ("title:", "titel:", ":1", "'titel' is not known here.\n  Did you mean 'title'"),
        ("title: Sentiment", "name: other\ntitle: Sentiment", "", "it calls itself 'other', and its file 'fair'"),
        ("questions:\n", "questions:\n  reason: {ask: x}\n", ":6", "'reason' is here a second time"),
    ],
)
def test_a_slip_is_named_with_its_line(before: str, after: str, where: str, says: str, tmp_path: Path) -> None:
    assert before in SENTIMENT
    with pytest.raises(ButtermilkError) as caught:
        read(tmp_path, SENTIMENT.replace(before, after, 1))
    assert caught.value.where == f"{tmp_path.name}/fair.yaml{where}"
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a codebook is a map here"),
        ("title: x\n", "the codebook asks no questions.\n  Add `questions:`"),
        ("questions: {}\n", "fair.yaml:1: the codebook asks no questions"),
        ("questions: tone\n", "fair.yaml:1: 'questions' is a map here"),
        ("questions:\n  tone: What is it?\n", "fair.yaml:2: 'tone' is a map here"),
        ("questions:\n- ask: x\n", "fair.yaml:1: 'questions' is a map here"),
        ("questions: {q: {ask: x, labels: [only]}}\n", "needs at least two labels"),
        ("questions: {q: {ask: x, labels: [a, a]}}\n", "names a label twice"),
        ("questions: {q: {ask: x, labels: [true, false]}}\n", "text is wanted here, not true"),
        ("questions:\n\tq: 1\n", "fair.yaml:2: there is a character"),
    ],
)
def test_a_codebook_that_is_none_says_why(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)


# --- perspectives


def test_a_perspective_is_its_text_with_its_credits(tmp_path: Path) -> None:
    (tmp_path / "tja.md").write_text(
        "---\ntitle: Trans Journalists Association\nretrieved: 2026-11-22\nversion: 2.10\nlicence: CC BY 4.0\n"
        "source: https://example.org/guide\nauthor: TJA\n---\n\n1. Use {{ names }} as given.\n\n"
    )
    assert load_perspective("tja", [tmp_path]) == Perspective(
        name="tja",
        text="1. Use {{ names }} as given.",
        title="Trans Journalists Association",
        author="TJA",
        source="https://example.org/guide",
        retrieved="2026-11-22",
        licence="CC BY 4.0",
        version="2.10",
    )


def test_plain_text_and_word_documents_are_perspectives_too(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("Be fair.\n")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        body = "<w:p><w:r><w:t>Be fair.</w:t></w:r></w:p>"
        archive.writestr("word/document.xml", f'<w:document xmlns:w="urn:w"><w:body>{body}</w:body></w:document>')
    (tmp_path / "guide.docx").write_bytes(whole.getvalue())
    (tmp_path / "broken.docx").write_bytes(b"no")
    plain, guide = (load_perspective(name, [tmp_path]) for name in ("plain", "guide"))
    assert plain.text == guide.text == "Be fair."
    assert plain.hash == guide.hash
    with pytest.raises(DataError, match=f"{tmp_path.name}/broken.docx: this is no .docx file"):
        load_perspective("broken", [tmp_path])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("---\ntitel: x\n---\nhello", "tja.md:2: the header has no 'titel'.\n  Did you mean 'title'"),
        ("---\ntitle: x\n---\n \n", "tja.md: this perspective has no text"),
        ("---\ntitle: x\n", "tja.md:1: the header that begins with '---' has no end"),
    ],
)
def test_a_perspective_with_a_slip_is_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "tja.md").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_perspective("tja", [tmp_path])
    assert says in str(caught.value)


def test_a_perspective_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "glaad.txt").write_text("x")
    with pytest.raises(ConfigError, match=r"there is no perspective 'glad'.\n  Did you mean 'glaad'"):
        load_perspective("glad", [tmp_path])
