"""Whether words that are said to be copied from a record are in it."""

import time
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from asking import answer, job
from buttermilk.core.flows import Agent, Capabilities, Codebook, Question
from buttermilk.core.quotes import checked, verdict
from buttermilk.core.records import Part, Record

TEXT = "“The minister — it’s said — called\nthem  vermin,” the paper reported… and was met with jeers."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("called\nthem  vermin", "exact"),
        ("called them vermin", "near"),
        ("CALLED THEM VERMIN", "near"),
        ('"The minister - it\'s said - called them vermin," the paper', "near"),
        ("The minister—it's said—called them", "near"),
        ("the paper reported...", "near"),
        ("“called them vermin”", "near"),
        ("The minister ... called them vermin", "near"),
        ("The minister […] vermin [...] met with jeers.", "near"),
        ("…met with jeers", "near"),
        ("The minister (...) jeers", "near"),
        ("The minister . . . jeers", "near"),
        ("minister\u200b it\u00ads said", "missing"),  # no dash, no apostrophe
        ("vermin ... The minister", "missing"),
        ("minister … minister", "missing"),  # it is there once
        ("called those vermin", "missing"),
        ("", "missing"),
        (" \n", "missing"),
        ("...", "missing"),
        ("“”", "missing"),
        ("\u200b", "missing"),
    ],
)
def test_a_quote_is_exact_near_or_missing(quote: str, found: str) -> None:
    assert verdict(quote, TEXT) == found


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("caf\u00e9 cr\u00e8me", "un cafe\u0301 cre\u0300me"),
        ("un cafe\u0301", "un caf\u00e9"),
        (
            "\u05e9\u05c1\u05b8\u05dc",
            "\u202b\u05e9\u05b8\u05c1\u05dc\u202c",
        ),  # points in another order, and marks for direction
        (
            "\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645",
            "\u0633\u0644\u0627\u0645\u00a0\u200f\u0639\u0644\u064a\u0643\u0645",
        ),
        ("the office", "the o\ufb03ce"),
        ("STRASSE", "die straße"),
        ("after the nul", "after\x00 the nul"),
        ("ab\u00adsurd", "absurd"),
        ("full width", "\uff26\uff35\uff2c\uff2c \uff37\uff29\uff24\uff34\uff28"),
    ],
)
def test_what_looks_alike_in_print_is_near(quote: str, text: str) -> None:
    assert verdict(quote, text) == "near"


texts = st.text(max_size=60) | st.text(alphabet="abÉé\u0301 \n\t'“”\"—-.…[]\x00\u202e\u05d0\u05b8", max_size=60)


@given(texts, st.data())
@example("\x00\u202eab", None)
def test_whatever_stands_in_the_record_is_exact(text: str, data: Any) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2))) if data else (0, len(text))
    assume(text[start:end].strip())
    assert verdict(text[start:end], text) == "exact"


words = st.lists(st.text(alphabet="abcdé’-", min_size=1, max_size=6).filter(lambda word: word.strip("’-")), min_size=3)


@given(words, st.data())
def test_capitals_spaces_and_gaps_leave_it_near(said: list[str], data: Any) -> None:
    text = " ".join(said)
    first, second = sorted(data.draw(st.tuples(*[st.integers(1, len(said) - 1)] * 2)))
    assert verdict("\n ".join(said).upper(), text) in ("near", "exact")
    gapped = " [...] ".join(filter(None, (" ".join(said[:first]), " ".join(said[second:]))))
    assert verdict(gapped, text) == "near"


@given(texts, texts)
def test_any_two_texts_get_a_verdict_and_the_same_one_each_time(quote: str, text: str) -> None:
    found = verdict(quote, text)
    assert found == verdict(quote, text)
    assert (found == "exact") == (bool(quote.strip()) and quote in text)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("the quick brown fox jumps " * 40_000, "THE LAZY DOG " * 20),
        ("a" * 1_000_000, "A" * 5_000 + "b"),
        ("é\u0301\u0323" * 350_000, "E" + "\u0301\u0323" * 400),  # marks that Unicode sorts, a million in one word
        ("\u0323\u0301" * 500_000, "x" + "\u0301\u0323" * 500),
        ("- ' " * 250_000, "nothing ... of ... this"),
        ("a ... " * 170_000, "a ... " * 2_000 + "b"),
    ],
)
def test_a_megabyte_is_gone_through_in_a_moment(text: str, quote: str) -> None:
    began = time.perf_counter()
    assert verdict(quote, text) == "missing"
    assert time.perf_counter() - began < 3.0  # some 0.2 s on an idle laptop; the square of a megabyte would take hours


# ---- of a job

SAID = Codebook(
    name="said",
    questions=(
        Question(name="why", ask="Why?", level="text"),
        Question(name="words", ask="In its words?", level="quote", many=True),
        Question(name="one", ask="And one?", level="quote", optional=True),
    ),
)
ANSWERS = {"why": "not in it", "words": ["a lamp", "by Ana", "of a moon", "secret"], "one": None}


def asked(*inputs: str, sent: tuple[str, ...] = ("author",)) -> Any:
    record = Record(
        record_id="r",
        parts=(
            Part(text="there was a lamp"),
            Part(kind="image", blob="0" * 64, media_type="image/png", alt="of a moon"),
        ),
        metadata={"author": "by Ana", "notes": "secret", "year": 1912},
    )
    agent = Agent(name="a", type="openai", capabilities=Capabilities(inputs=("text", *inputs)))
    return job(agent, record, codebook=SAID, sent_columns=sent)


def test_quotes_are_looked_for_in_texts_alternatives_and_columns_that_were_sent() -> None:
    found = {"words.1": "exact", "words.2": "exact", "words.3": "exact", "words.4": "missing"}
    assert checked(asked(), ANSWERS) == found
    assert checked(asked(sent=()), ANSWERS) == found | {"words.2": "missing"}
    assert checked(asked(sent=("year",)), ANSWERS | {"words": ["in 1912", "1912"]}) == {
        "words.1": "missing",
        "words.2": "exact",
    }


def test_of_whoever_saw_the_picture_itself_nobody_says_that_words_are_missing() -> None:
    assert checked(asked("image"), ANSWERS) == {"words.1": "exact", "words.2": "exact", "words.3": "exact"}


def test_what_only_an_earlier_answer_says_is_told_apart_from_what_is_in_the_record() -> None:
    """A panel that hands on what one judge made up has not found it in the record."""
    book = Codebook(name="q", questions=(Question(name="said", ask="Which words?", level="quote"),))
    read = {"answers": [answer(None, values={"feeling": "mixed", "words": ["a moon, made up", "them vermin"]})]}
    one = job(
        Agent(name="a", type="simulated"), Record(record_id="r", parts=(Part(text=TEXT),)), codebook=book, inputs=read
    )
    found = {
        quote: checked(one, {"said": quote})["said"] for quote in ("met with jeers", "made up", "them vermin", "sun")
    }
    assert found == {"met with jeers": "exact", "made up": "earlier", "them vermin": "near", "sun": "missing"}
