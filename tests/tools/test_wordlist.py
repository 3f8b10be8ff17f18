"""Counting words: what a word is, what a list may hold, and which version of a packaged list was used."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import job, keys, verse
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent
from buttermilk.tools.wordlist import Wordlist, words_of

RULES = [
    {"label": "mixed", "when": {"glad": ">= 1", "sad": ">= 1"}},
    {"label": "positive", "when": {"glad_per_100": "> sad_per_100"}},
    {"label": "negative", "when": {"sad": ">= 1"}},
    {"label": "no_impact"},
]


def agent(lists: Any) -> Agent:
    parameters = {"lists": lists, "answers": {"feeling": RULES}}
    return Agent(name="counter", type="wordlist", role="tool", parameters=parameters)


def wordlist(glad: Any = ("joy*", "glad"), sad: Any = ("grief", "l'été")) -> Wordlist:
    given_lists = {"glad": list(glad) if isinstance(glad, tuple) else glad, "sad": list(sad)}
    return Wordlist(agent(given_lists), keys)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("O'er-JOYED, lov’d; and_so 3 times--on", ["o'er-joyed", "lov'd", "and", "so", "times", "on"]),
        ("L'Été E\u0301te\u0301 Straße", ["l'été", "été", "strasse"]),
        ("हिन्दी में प्रेम।", ["हिन्दी", "में", "प्रेम"]),  # vowel signs stay with their letters
        ("", []),
        ("-- ' --", []),
    ],
)
def test_a_word_is_a_run_of_letters_in_any_script(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_words_are_the_same_in_capitals_and_in_any_unicode_form(text: str) -> None:
    assert words_of(text.casefold()) == words_of(text)
    assert all(word == word.casefold() and word for word in words_of(text))


def test_counts_rates_and_the_words_themselves_are_kept() -> None:
    assert wordlist().count("Joyous and glad, glad, without grief: eight words.") == {
        "words": 8,
        "glad": 3,
        "glad_per_100": 37.5,
        "sad": 1,
        "sad_per_100": 12.5,
        "matched": {"glad": ["joyous", "glad", "glad"], "sad": ["grief"]},
    }


def test_a_star_stands_for_any_ending_and_a_word_without_one_for_itself() -> None:
    counted = wordlist().count("joy joyless gladly griefs enjoy")
    assert counted["matched"] == {"glad": ["joy", "joyless"], "sad": []}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "label"),
    [("joy and grief", "mixed"), ("glad", "positive"), ("L’ÉTÉ", "negative"), ("and so on", "no_impact")],
)
async def test_the_label_follows_from_the_counts(text: str, label: str) -> None:
    asked = job(agent({"glad": ["joy*", "glad"], "sad": ["grief", "l'été"]}), verse(text))
    assert (await Wordlist(asked.agent, keys).call(asked)).values["feeling"] == label


@pytest.mark.anyio
async def test_a_packaged_list_joins_words_of_ones_own_and_its_version_is_kept() -> None:
    counter = wordlist(glad=("@affect.positive", "buttermilk"))
    assert counter.count("buttermilk and happiness")["glad"] == 2
    output = await counter.call(job(agent({"glad": ["@affect.positive"], "sad": ["grief"]})))
    assert output.version.startswith("wordlist 1, affect@1 ")


@pytest.mark.parametrize(
    ("lists", "said", "hint"),
    [
        (None, "`parameters.lists` names no list", "Like this: lists:"),
        ({"words": ["joy"]}, "a list cannot be called 'words'", "Take one word of letters"),
        ({"glad": ["joy", False]}, "`lists.glad` is not a list of words", "Put words between quotes"),
        ({"glad": []}, "`lists.glad` is empty", "Give it a word"),
        ({"glad": ["great joy"]}, "the entry 'great joy', which is not one word", "joy*"),
        ({"glad": ["j*y*"]}, "the entry 'j*y*', which is not one word", "a star at its end"),
        ({"glad": ["*"]}, "the entry '*', which is not one word", "a star at its end"),
        ({"glad": ["@afect.positive"]}, "no packaged word list '@afect.positive'", "Did you mean '@affect.positive'?"),
        ({"glad": "@affect.positiv"}, "no packaged word list '@affect.positiv'", "Did you mean '@affect.positive'?"),
        ({"glad": ["@../../secrets.positive"]}, "no packaged word list", "There are: @affect.negative"),
    ],
)
def test_a_list_that_cannot_be_used_is_named_with_its_agent(lists: Any, said: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="agent 'counter'") as caught:
        Wordlist(agent(lists), keys)
    assert said in str(caught.value)
    assert hint in str(caught.value)
