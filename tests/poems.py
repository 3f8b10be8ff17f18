"""A study of twelve verses in two genres, that nobody has labelled, and a sample of them."""

import csv
from typing import Any

from scholar import Scholar

LABELS = ("negative", "no_impact", "positive", "mixed")
VERSES = [(f"v{n}", f"line {n} of the poem,", LABELS[n % 3], ("ode", "elegy")[n % 2]) for n in range(12)]


def poems_of(scholar: Scholar) -> Scholar:
    """Twelve verses in two genres, that nobody has labelled; one question of words and one of labels."""
    with (scholar.folder / "data" / "verse.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "verse", "secret", "genre"), *VERSES])
    scholar.changes("conf/dataset/verse.yaml", "  labels: {sentiment: sentiment}\n", "")
    scholar.changes("conf/dataset/verse.yaml", "type: csv", "policy: {genre: send}\ntype: csv")
    return scholar


def draw(scholar: Scholar, *more: str) -> dict[str, Any]:
    given = ("--size", "12", "--coders", "ana,ben", "--double", "1", "--dev", "0.5", "--name", "gold", "--json")
    found: dict[str, Any] = scholar.types("label", "sample", "verse", *given, *more).json
    return found
