"""Which words one text has and another has not, as a reader would mark them: no screen and no page is known here."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, starmap
from typing import Literal, NamedTuple

Sign = Literal["=", "-", "+", "…"]
Token = tuple[str, str]  # a word or a sign, and the space behind it
Match = tuple[bool, slice, slice]  # whether these of the one are those of the other

LINES_KEPT = 2  # around a change
EXACTLY = 40_000  # pairs of words: so many are all compared with each other
_TOKEN = re.compile(r"(\w+(?:[-’'.]\w+)*|[^\w\s]|)(\s*)")
_WORD = re.compile(r"\w")


class Piece(NamedTuple):
    """Words that both texts have (`=`), that only the first has (`-`), or only the second (`+`); `…` are lines that
    both have and that are left out."""

    sign: Sign
    text: str


def differences(old: str, new: str) -> tuple[Piece, ...]:
    """`differences("a red door", "a blue door")` -> `= "a "`, `- "red"`, `+ "blue"`, `= " door"`.

    Lines are matched first, and words within what is left.
    """
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces: list[Piece] = []
    for same, one, other in _matched(before, after):
        first, second = "".join(before[one]), "".join(after[other])
        pieces += [Piece("=", first)] if same else _by_words(first, second)
    return tuple(_joined(pieces))


def words(pieces: Iterable[Piece], sign: Literal["-", "+"]) -> int:
    """How many were taken out, or put in; punctuation is none."""
    texts = (piece.text for piece in pieces if piece.sign == sign)
    return sum(bool(_WORD.search(word)) for text in texts for word, _ in _TOKEN.findall(text))


def shortened(pieces: Sequence[Piece], kept: int = LINES_KEPT) -> tuple[Piece, ...]:
    """With the lines left out that are far from any change: `… "12 lines"`."""
    out: list[Piece] = []
    for place, piece in enumerate(pieces):
        lines = piece.text.split("\n")
        head = kept + (pieces[place - 1].text[-1:] != "\n") if place else 0
        tail = kept + 1 if place < len(pieces) - 1 else 0
        left_out = len(lines) - head - tail
        if piece.sign != "=" or left_out < 2:
            out.append(piece)
            continue
        out += [Piece("=", "".join(f"{line}\n" for line in lines[:head]))] if head else []
        out.append(Piece("…", f"{left_out} lines"))
        out += [Piece("=", "\n" + "\n".join(lines[len(lines) - tail :]))] if tail else []
    return tuple(out)


def _matched(before: Sequence[str], after: Sequence[str], first: int = 0, other: int = 0) -> Iterator[Match]:
    """Common words find no place by themselves in a long text (difflib's `autojunk`); they do in what is left of it."""
    rough = len(before) * len(after) > EXACTLY
    for tag, one, to, two, end in SequenceMatcher(None, before, after, autojunk=rough).get_opcodes():
        if tag == "replace" and rough and (to - one) * (end - two) <= EXACTLY:
            yield from _matched(before[one:to], after[two:end], first + one, other + two)
        else:
            yield tag == "equal", slice(first + one, first + to), slice(other + two, other + end)


def _by_words(old: str, new: str) -> Iterator[Piece]:
    before, after = _tokens(old), _tokens(new)
    for same, one, other in _matched([word for word, _ in before], [word for word, _ in after]):
        if same:
            for (word, space), (_, new_space) in zip(before[one], after[other], strict=True):
                yield Piece("=", word)
                yield from [Piece("=", space)] if space == new_space else (Piece("-", space), Piece("+", new_space))
        else:
            yield from _changed(before[one], after[other])


def _changed(old: Sequence[Token], new: Sequence[Token]) -> Iterator[Piece]:
    """The space behind both stays where it is."""
    space = old[-1][1] if old and new and old[-1][1] == new[-1][1] else ""
    yield Piece("-", _text(old).removesuffix(space))
    yield Piece("+", _text(new).removesuffix(space))
    yield Piece("=", space)


def _tokens(text: str) -> list[Token]:
    return [token for token in _TOKEN.findall(text) if token != ("", "")]


def _text(tokens: Iterable[Token]) -> str:
    return "".join(word + space for word, space in tokens)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Between two things that both have, what went stands before what came, each in one piece."""
    for same, run in groupby(filter(_has_text, pieces), key=lambda piece: piece.sign == "="):
        texts: dict[Sign, str] = {"=": ""} if same else {"-": "", "+": ""}
        for piece in run:
            texts[piece.sign] += piece.text
        yield from filter(_has_text, starmap(Piece, texts.items()))


def _has_text(piece: Piece) -> bool:
    return piece.text != ""
