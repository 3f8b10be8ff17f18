"""Counts words from lists, and answers by rules on the counts.

    lists: {positive: [joy*, glad, "@affect.positive"], negative: ["@affect.negative"]}
    raw:   {"words": 8, "positive": 2, "positive_per_100": 25.0, "negative": 0, "negative_per_100": 0.0,
            "matched": {"positive": ["joyous", "glad"], "negative": []}}

A word is a run of letters (with its accents), hyphens and apostrophes inside; capitals do not count; `joy*` is any word
that begins so. `@affect.positive` is the list `positive` of the packaged file `library/wordlists/affect.yaml`. Of
negation it knows nothing.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from buttermilk.core.contracts import Keys
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import fingerprint
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.core.values import Json
from buttermilk.tools.scales import Scaled, scale_of, text_of

PACKAGED = files("buttermilk") / "library" / "wordlists"
RESERVED = ("words", "matched")


class WordList(NamedTuple):
    """What one list of an agent matches."""

    exact: frozenset[str]
    stems: tuple[str, ...]

    def has(self, word: str) -> bool:
        return word in self.exact or word.startswith(self.stems)


@lru_cache(maxsize=256)
def _word_pattern(marks: str) -> re.Pattern[str]:
    letter = rf"(?:[^\W\d_]|[{re.escape(marks)}])" if marks else r"[^\W\d_]"
    return re.compile(rf"{letter}+(?:['-]{letter}+)*")


def words_of(text: str) -> list[str]:
    """`"L'Été, o'er-JOYED"` -> `["l'été", "o'er-joyed"]`. Signs that belong to a letter, as in Hindi, stay with it."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
    plain = folded.replace("\u2019", "'").replace("\u2010", "-")
    marks = "".join(sorted(sign for sign in set(plain) if unicodedata.category(sign).startswith("M")))
    return _word_pattern(marks).findall(plain)


class Wordlist(Scaled):
    """Made once per agent: its lists are read and checked then."""

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self.endpoint = "wordlist"
        self._where = f"agent '{agent.name}'"
        self._from: set[str] = set()
        self._lists = self._read_lists(agent.parameters.get("lists"))
        scores = ["words", *self._lists, *(f"{name}_per_100" for name in self._lists)]
        self._scale = scale_of(agent, scores, also=["lists"])
        self._version = ", ".join(["wordlist 1", *sorted(self._from)])

    async def call(self, job: Job) -> Output:
        self.check(job.codebook)
        raw = self.count(text_of(job))
        return Output(values=self._scale.values(job.codebook, raw), raw=raw, version=self._version)

    def count(self, text: str) -> dict[str, Json]:
        """The counts, rates per hundred words and matched words of a text."""
        words = words_of(text)
        matched = {name: [word for word in words if listed.has(word)] for name, listed in self._lists.items()}
        raw: dict[str, Json] = {"words": len(words)}
        for name, found in matched.items():
            raw[name] = len(found)
            raw[f"{name}_per_100"] = round(100 * len(found) / len(words), 4) if words else 0.0
        raw["matched"] = {name: list(found) for name, found in matched.items()}
        return raw

    def _read_lists(self, given: Json) -> dict[str, WordList]:
        if not isinstance(given, dict) or not given:
            raise self._wrong(
                "`parameters.lists` names no list of words.", "Like this: lists: {positive: [joy*, glad]}"
            )
        for name in given:
            if name in RESERVED or name.endswith("_per_100") or not name.isidentifier():
                raise self._wrong(f"a list cannot be called '{name}'.", "Take one word of letters; 'words' is taken.")
        return {name: self._read_list(name, entries) for name, entries in given.items()}

    def _read_list(self, name: str, entries: Json) -> WordList:
        listed = [entries] if isinstance(entries, str) else entries
        if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
            hint = "Put words between quotes that YAML takes for something else: 'no', 'yes', 'null', '1914'."
            raise self._wrong(f"`lists.{name}` is not a list of words.", hint)
        whole: list[str] = []
        for entry in map(str, listed):
            whole += self._packaged(entry) if entry.startswith("@") else [entry]
        if not whole:
            raise self._wrong(f"`lists.{name}` is empty.", "Give it a word, or leave the list out.")
        return self._compile(name, whole)

    def _compile(self, name: str, entries: Iterable[str]) -> WordList:
        exact: set[str] = set()
        stems: set[str] = set()
        for entry in entries:
            found = words_of(entry.removesuffix("*"))
            if len(found) != 1 or "*" in entry[:-1]:
                hint = "One word an entry, with a star at its end at most: joy*."
                raise self._wrong(f"`lists.{name}` has the entry '{entry}', which is not one word.", hint)
            (stems if entry.endswith("*") else exact).add(found[0])
        return WordList(frozenset(exact), tuple(sorted(stems)))

    def _packaged(self, reference: str) -> list[str]:
        """The words of `@affect.positive`, and a note of which version of the file they came from."""
        known: dict[str, tuple[list[str], str]] = {}
        for file in PACKAGED.iterdir():
            if file.name.endswith(".yaml"):
                content: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
                name, lists = file.name.removesuffix(".yaml"), content["lists"]
                note = f"{name}@{content['version']} {fingerprint(lists)[:8]}"
                known |= {f"@{name}.{each}": (words, note) for each, words in lists.items()}
        if reference not in known:
            raise self._wrong(f"there is no packaged word list '{reference}'.", did_you_mean(reference, known))
        words, note = known[reference]
        self._from.add(note)
        return words

    def _wrong(self, message: str, hint: str) -> ConfigError:
        return ConfigError(message, where=self._where, hint=hint)
