"""A word diff marks what a reader would, loses no character of either text, and takes no longer than reading them."""

import random
from collections.abc import Iterable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as some
from buttermilk.documents.differences import Piece, differences, shortened, words

lines = st.lists(st.sampled_from(["a", "bee", "see,", " ", "\n", "\n\n", "é", "don’t", "-"]), max_size=40).map("".join)
either = some.texts | lines


def one_side(pieces: Iterable[Piece], sign: str) -> str:
    """The whole first text (`-`) or second (`+`) again."""
    return "".join(piece.text for piece in pieces if piece.sign in ("=", sign))


def marked(old: str, new: str) -> str:
    marks = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
    return "".join(marks[piece.sign].format(piece.text) for piece in differences(old, new))


@given(old=either, new=either)
def test_both_texts_come_back_to_the_last_character(old: str, new: str) -> None:
    pieces = differences(old, new)
    assert one_side(pieces, "-") == old
    assert one_side(pieces, "+") == new


@given(old=either, new=either)
def test_pieces_are_never_empty_and_never_two_of_a_kind_in_a_row(old: str, new: str) -> None:
    signs = "".join(piece.sign for piece in differences(old, new))
    assert all(piece.text for piece in differences(old, new))
    assert not any(twice in signs for twice in ("==", "--", "++", "+-"))


@given(text=either)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert differences(text, text) == ((Piece("=", text),) if text else ())


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a red door", "a blue door", "a [-red-]{+blue+} door"),
        ("a red door", "a door", "a [-red -]door"),
        ("a door", "a red, open door", "a {+red, open +}door"),
        ("Go. Stop.", "Go! Stop.", "Go[-.-]{+!+} Stop."),
        ("one\ntwo\n", "one\ntwo\nthree\n", "one\ntwo\n{+three\n+}"),
        ("one two\nthree", "one\ntwo three", "one[- -]{+\n+}two[-\n-]{+ +}three"),
        ("", "all of it", "{+all of it+}"),
        ("CC0-1.0, 3.5", "CC-BY-4.0, 3.6", "[-CC0-1.0-]{+CC-BY-4.0+}, [-3.5-]{+3.6+}"),
        ("don’t", "do not", "[-don’t-]{+do not+}"),
    ],
)
def test_words_are_marked_and_not_letters(old: str, new: str, shown: str) -> None:
    assert marked(old, new) == shown


def test_words_are_counted_and_punctuation_is_not() -> None:
    pieces = differences("Be fair, always; name people.", "Be fair. Name all the people.")
    assert (words(pieces, "-"), words(pieces, "+")) == (2, 3)
    assert words(differences("a, b", "a b"), "-") == 0


def test_lines_far_from_a_change_are_left_out() -> None:
    old = [f"line {number}" for number in range(20)]
    new = [*old[:10], "another line", *old[11:]]
    pieces = shortened(differences("\n".join(old), "\n".join(new)))
    said = "".join(f"<{piece.text}>" if piece.sign == "…" else piece.text for piece in pieces if piece.sign != "-")
    assert said == "<8 lines>\nline 8\nline 9\nanother line\nline 11\nline 12\n<7 lines>"


def test_of_two_changes_the_lines_between_them_are_kept_where_they_are_few() -> None:
    pieces = differences("x\n1\n2\n3\n4\ny", "a\n1\n2\n3\n4\nb")
    assert shortened(pieces) == pieces
    assert [piece.sign for piece in shortened(differences("x" + "\n=" * 20 + "\ny", "a" + "\n=" * 20 + "\nb"))] == [
        *"-+=…=-+"
    ]


def style_guide(seed: int, broken: bool) -> str:
    """A hundred thousand characters in the frequencies of a language (Zipf's law), in lines of sixty words, or one."""
    drawn = random.Random(seed)
    chosen = (f"word{min(int(drawn.paretovariate(0.8)), 4000)}" for _ in range(17_000))
    return "".join(f"{word}{chr(10) if broken and place % 60 == 59 else ' '}" for place, word in enumerate(chosen))


@pytest.mark.parametrize("broken", [True, False])
def test_a_long_style_guide_is_compared_within_two_seconds(broken: bool) -> None:
    guide, drawn = style_guide(1, broken), random.Random(2)
    assert len(guide) > 100_000
    edited = guide.split(" ")
    for _ in range(30):
        edited[drawn.randrange(len(edited))] = "edited"
    began = process_time()
    pieces = differences(guide, " ".join(edited))
    assert words(pieces, "+") <= 31
    assert one_side(differences(guide, style_guide(3, broken)), "-") == guide
    assert differences(guide, guide.replace("\n", " "))
    assert process_time() - began < 2
