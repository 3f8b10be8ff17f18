"""Deterministic records of about 300 words, as JSONL: `python bench/data.py 10000 > records.jsonl`.

{"id": "0000000", "text": "Harbour witness of letter ..."}
"""

import json
import random
import sys
from collections.abc import Iterator
from typing import TextIO

WORDS = (
    "the of and to in that was it for on with as his they at be this had from not but by were which her",
    (
        "archive border bishop canal census choir coast colony court diary editor engine famine garden guild harbour "
        "hymn island journal judge ledger letter market memoir miner mother museum orchard parish pilgrim poem port "
        "preacher printer quarrel railway record regiment river sermon settler song strike student teacher treaty "
        "village voyage weaver widow window winter witness"
    ),
    "argued asked believed bought carried denied feared found kept left praised recalled refused sang sold",
)
COMMON, NOUNS, VERBS = (words.split() for words in WORDS)
PATTERN = (COMMON, NOUNS, VERBS, COMMON, COMMON, NOUNS, COMMON)


def text(index: int) -> str:
    """The text of one record: the same for the same index, on every machine."""
    draw = random.Random(index)
    wanted, sentences, count = draw.randint(240, 360), [], 0
    while count < wanted:
        length = min(draw.randint(6, 20), wanted - count)
        words = [draw.choice(PATTERN[place % len(PATTERN)]) for place in range(length)]
        sentences.append(" ".join(words).capitalize() + ".")
        count += length
    return " ".join(sentences)


def records(count: int) -> Iterator[dict[str, str]]:
    """One at a time, so that a million of them take no memory."""
    for index in range(count):
        yield {"id": f"{index:07d}", "text": text(index)}


def write(out: TextIO, count: int) -> None:
    """One record a line."""
    for record in records(count):
        out.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    write(sys.stdout, int(sys.argv[1]))
