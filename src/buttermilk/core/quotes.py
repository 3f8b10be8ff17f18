"""Whether words that are said to be copied from a record are in it.

`exact`: as they stand. `near`: but for capitals, spaces, line ends, quotation marks, dashes, marks that nobody sees,
letters that look alike in print (`ﬁ`, `é` written as one or two), and words left out at `...` or `[...]`, where what
remains stands in its order. `earlier`: not in the record, but in an answer that the agent was given to read. Else
`missing`. The time it takes grows as the text does, whatever the text is.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from buttermilk.core.flows import leaves_of
from buttermilk.core.jobs import Job, Verdict

_QUOTES = '"`´‘’‚‛“”„‟«»‹›「」『』＂＇′″׳״'
_DASHES = "‐‑‒–—―−﹘﹣－"
_UNSEEN = (0, 0xAD, 0x61C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))
_TABLE = {**dict.fromkeys(map(ord, _QUOTES), "'"), **dict.fromkeys(map(ord, _DASHES), "-"), **dict.fromkeys(_UNSEEN)}
# Unicode orders the marks on a letter in the square of their number.
_PIECES = re.compile(r".{1,256}\S{0,64}", re.DOTALL)
_RUNS = re.compile(r" ?-+ ?|'{2,}")
_GAP = re.compile(r"\[ ?\.\.\. ?\]|\( ?\.\.\. ?\)|\.{3,}|(?:\. ){2,}\.")


def checked(job: Job, answers: Mapping[str, Any]) -> dict[str, Verdict]:
    """`{"criteria.c1.evidence": "exact", "frames.1.evidence.2": "missing"}`; of the id of an answer, whether that was
    among those read: `{"differences.1.positions.2.answers.1": "missing"}`.

    Where the agent was shown a picture or a PDF itself, nobody can say what is not in it: such a quote has no verdict.
    """
    read = [one for given in job.inputs.values() for one in given]
    text, earlier = shown_words(job), "\n\n".join(words for one in read for words in _texts_in(one.values))
    leaves = leaves_of(job.codebook, answers)
    said = [(leaf.level, leaf.name, value) for leaf, value in leaves if isinstance(value, str)]
    found = {name: verdict(value, text, earlier) for level, name, value in said if level == "quote"}
    if saw_more(job):
        found = {name: one for name, one in found.items() if one != "missing"}
    given = {one.shown_id for one in read}
    cited: dict[str, Verdict] = {
        name: "exact" if value in given else "missing" for level, name, value in said if level == "answer"
    }
    return found | cited


def shown_words(job: Job) -> str:
    """All that was to be read of the record: texts, what stands for media, and the metadata that were sent."""
    texts = [part.alt if part.text is None else part.text for part in job.record.parts]
    metadata = job.record.metadata
    texts += [str(metadata[name]) for name in job.sent_columns if name in metadata]
    return "\n\n".join(filter(None, texts))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(item)


def saw_more(job: Job) -> bool:
    """Whether the agent was shown media themselves."""
    return any(part.kind != "text" and part.kind in job.agent.capabilities.inputs for part in job.record.parts)


def verdict(quote: str, text: str, earlier: str = "") -> Verdict:
    """`verdict("the minister … vermin", "The minister called them vermin.")` is `near`. No words are no quote."""
    if not quote.strip():
        return "missing"
    if quote in text:
        return "exact"
    pieces = [piece for part in _GAP.split(_folded(quote)) if (piece := part.strip(" '"))]
    if pieces and _in_order(pieces, _folded_text(text)):
        return "near"
    return "earlier" if earlier and verdict(quote, earlier) != "missing" else "missing"


def _in_order(pieces: Iterable[str], text: str) -> bool:
    """Each is taken where it first comes after the one before: if that leaves no room for the rest, nothing does."""
    place = 0
    for piece in pieces:
        found = text.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _folded(text: str) -> str:
    return _RUNS.sub(lambda run: run[0].strip()[:1], " ".join("".join(map(_plain, _PIECES.findall(text))).split()))


def _plain(piece: str) -> str:
    """Caseless by Unicode's own definition of it (D146), and compatible: https://www.unicode.org/versions/latest/"""
    decomposed = unicodedata.normalize("NFKD", piece.translate(_TABLE)).casefold()
    return unicodedata.normalize("NFKD", decomposed)


@lru_cache(maxsize=16)
def _folded_text(text: str) -> str:
    """Of a record, which one agent after the other is asked about."""
    return _folded(text)
