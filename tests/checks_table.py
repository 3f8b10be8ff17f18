"""Every check that is shipped, on one line of the manual each, with an answer that passes and one that does not.

`python tests/checks_table.py` writes docs/reference/checks.md; tests/checks/test_checks_page.py fails where the page is
older, where a check is missing from it, and where an example does not do what its line says.
"""

from pathlib import Path
from typing import Any, NamedTuple

from buttermilk.checks.schema import KEYWORDS
from buttermilk.core.cases import Trial
from judging import REFUSED, labels, said, trial

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "checks.md"


class Row(NamedTuple):
    """`wrong` are arguments that it must refuse. Of an `event` something is known though nothing was answered."""

    name: str
    example: str
    says: str
    good: Trial
    bad: Trial
    wrong: tuple[Any, ...]
    event: bool = False


FRAMES = {"frames": [{"problem": "crime", "evidence": ["met with jeers", "The minister called them"], "sure": 0.8}]}
OTHERS = {"other_words": labels("no", "no"), "a_woman": labels("yes", "yes")}


def text(example: str, says: str, good: str, bad: str, *wrong: Any) -> Row:
    return Row(example.strip("{").partition(":")[0], example, says, trial(good), trial(bad), wrong)


def label(example: str, says: str, good: Any, bad: Any, *wrong: Any) -> Row:
    name = example.strip("{").partition(":")[0]
    cases = [trial(*labels(*values), others=OTHERS) for values in (good, bad)]
    return Row(name, example, says, *cases, wrong)


def event(example: str, says: str, good: Any, bad: Any, *wrong: Any) -> Row:
    return Row(example.partition(":")[0], example, says, trial(good), trial(bad), wrong, event=True)


GROUPS = {
    "The words": (
        text("equals: harmless", "it is this text or number", " harmless\n", "Harmless", True, [], {"a": 1}, ""),
        text('one-of: ["yes", "no"]', "it is one of these", "no", "yes and no", [], None, [True]),
        text(
            "contains: the minister", "the text is in it", "It quotes the minister.", "It quotes him.", "", None, ["a"]
        ),
        text("contains-any: [he said, she said]", "one of the texts is", "so she said", "it is said", [], [None]),
        text(
            "contains-all: [minister, paper]",
            "all of them are; the score is the share that is",
            "the paper and the minister",
            "the paper",
            [],
            {"a": 1},
        ),
        text("icontains: jeers", "as `contains`, capitals or not", "JEERS", "cheers", "", None),
        text("icontains-any: [jeers, boos]", "capitals or not", "Boos were heard", "cheers", []),
        text("icontains-all: [jeers, boos]", "capitals or not", "Boos and JEERS", "boos", []),
        text("starts-with: The text", "it begins so", "\n The text quotes.", "In the text", "", None, [""]),
        text(
            "regex: '\\b1\\d\\d\\d\\b'",
            "the pattern occurs; a search ends after a second",
            "in 1912, in May",
            "in 12, not 11912",
            "(",
            "a{2,1}",
            None,
            True,
        ),
        text(
            "word-count: {to: 5}",
            "so many words, between blank spaces",
            "It quotes him.",
            "a b c d e f",
            {},
            "x",
            {"at": 1},
        ),
    ),
    "Their form": (
        text(
            "is-json: true",
            "JSON and nothing else",
            '{"label": "no"}',
            '```json\n{"label": "no"}\n```',
            "x",
            False,
            {"a": 1},
        ),
        text(
            'schema: {type: object, required: [label], properties: {label: {enum: ["yes", "no"]}}}',
            "its JSON has this form, in [the keywords that are checked](#schema-and-json-path)",
            '{"label": "no"}',
            '{"label": "perhaps"}',
            None,
            {"tpye": "object"},
            {"type": "text"},
            {"oneOf": []},
            {"enum": []},
            {"pattern": "("},
            {"properties": {"a": {"minimum": "1"}}},
            {"items": {"required": "a"}},
        ),
        Row(
            "json-path",
            'json-path: {path: "$.frames[0].problem", equals: crime}',
            "something stands there: this (`equals`), a number (`is`), or anything",
            trial(said(answers=FRAMES)),
            trial(said(answers={"frames": []})),
            (None, "frames", "$.frames[?(@.a)]", "$.a[1:2]", "$...a", {"equals": 1}, {"path": "$.a", "eqals": 1}),
        ),
        Row(
            "number",
            "{number: {from: 0, to: 1}, question: confidence}",
            'a number within bounds: `3`, `">= 0.5"`, `{from: 0, to: 1}` or `{is: 0.5, within: 0.1}`',
            trial(*labels(0.5, 1, question="confidence")),
            trial(*labels(1.5, 2, question="confidence")),
            ({}, "x", None, {"from": 1, "to": 0}, {"is": "a"}, {"from": 0, "too": 1}, [1]),
        ),
    ),
    "The answers": (
        label(
            'label-in: {harmful: ["no", unclear]}',
            "each question has one of its labels",
            ("no",),
            ("yes",),
            {},
            "no",
            {"a": [False]},
            {"a": []},
        ),
        Row(
            "quote",
            "quote: frames.evidence",
            "what is quoted stands in the record: but for blank space, capitals, typography and `…`, or `exactly`",
            trial(said(answers=FRAMES)),
            trial(said(answers={"frames": [{"evidence": ["met with cheers"]}]})),
            (None, {}, {"of": "a", "exactly": "very"}, [], True),
        ),
    ),
    "How near they come": (
        text(
            "levenshtein: {to: harmless, at most: 2}",
            "so few signs to insert, delete or change; or a `threshold` for the score, the share that stays",
            "harmles",
            "harmful",
            {"at most": 2},
            {"to": "a"},
            {"to": "a", "at most": "x"},
            "",
        ),
        text(
            "{rouge-l: {to: police killed the gunman}, threshold: 0.7}",
            "so much of the longest common subsequence of words (F1; Lin 2004)",
            "police kill the gunman",
            "the gunman kill police",
            {"of": "a"},
            None,
            "…",
        ),
        text(
            "{similar: {to: they were angry}, threshold: 0.9}",
            "so near in meaning: the cosine of embeddings, where the tests name a model for them",
            "angry they were",
            "joy",
            {},
            None,
        ),
    ),
    "Several answers": (
        label(
            "{agreement: 2, question: harmful}",
            "at least 2 repeats say the same, and no other answer is as frequent",
            ("no", "yes", "no"),
            ("no", "yes"),
            1,
            2.5,
            "two",
            None,
        ),
        label(
            '{calibration: {of: "yes", from: 0.2, to: 0.5}, question: harmful}',
            "the share of the repeats that say so, or without `of` the mean of their numbers",
            ("yes", "no", "no"),
            ("yes", "yes", "no"),
            None,
            {},
            {"of": True, "from": 0},
            {"of": "yes"},
        ),
        label(
            "{metamorphic: other_words, question: harmful}",
            "the most frequent answer is that of another case, or of each in a list",
            ("no", "no"),
            ("yes", "yes"),
            None,
            [],
        ),
        label(
            "{flip: a_woman, question: harmful}", "it differs from theirs", ("no", "no"), ("yes", "yes"), None, [], {}
        ),
    ),
    "The reply": (
        event("refusal: true", "it is a refusal", REFUSED, said("It quotes him."), "x", False),
        event(
            "finish-reason: stop",
            "stop, length, refusal, filter or other",
            said("a"),
            said("a", finish="length"),
            "stopped",
            [],
            None,
        ),
        event(
            "latency: 10", "seconds at most", said("a"), said("a", ended_at="2026-11-22T09:01:00Z"), None, "10 s", True
        ),
        event(
            "cost: 0.01",
            "at most, in the currency of the price; an unknown one passes neither way",
            said("a", cost=0.002),
            said("a", cost=0.2),
            None,
            "cheap",
        ),
        event(
            "tokens: {output: 300}",
            "at most, `input`, `output` or, as a number alone, both together",
            said("a", usage={"input_tokens": 900, "output_tokens": 20}),
            said("a", usage={"input_tokens": 900, "output_tokens": 400}),
            None,
            {},
            {"in": 1},
            {"output": "x"},
        ),
    ),
    "Somebody's judgement": (
        text(
            "rubric: {agent: claude, criteria: It gives its reason.}",
            "another agent says so; it sees the record's words and the answer, which can give it no order",
            "Harmless, because it quotes.",
            "Harmless.",
            {"agent": "claude"},
            "It gives its reason.",
            {"criteria": "x"},
        ),
        text(
            'human: {asked: "Is the tone right?", said: "yes", of: [tb0a6aa2]}',
            "a person says so, of these texts or without `of` of any; open as long as nobody has",
            "Quite.",
            "Quite otherwise.",
            {},
            {"asked": "?", "said": "maybe"},
            None,
        ),
        text(
            "python: judging:is_short",
            "a function of yours says so, or gives a score for a `threshold`",
            "It quotes.",
            "a " * 20,
            "no_such_module:f",
            "judging",
            "judging:is_shrot",
            None,
        ),
        text(
            "assert-set: [{contains: he}, {regex: e}]",
            "all of them pass; with a `threshold`, so much of their weight",
            "he",
            "yes",
            [],
            "contains",
            [{"cotnains": "a"}],
            [{}],
        ),
    ),
}

ROWS = [row for rows in GROUPS.values() for row in rows]

INTRODUCTION = """# Checks: what a prompt's test may expect

This page is written from the checks that are registered and from examples that the tests run, by
`python tests/checks_table.py`. Each line has an example of one entry under `expect:`; each check has an opposite,
`not-` and its name, as in `not-contains: as an AI`.

"""
NOTES = """
## What stands beside a check

```yaml
expect:
  - not-contains: as an AI          # the check, and what it wants
    question: reason                # about this answer, dotted: frames.1.problem; without it, the reply's verbatim text
    share: 0.6                      # of the repeats must pass; without it, all of them
    weight: 2                       # in the score of the case; 1 without it, and 0 for what is only watched
    metric: voice                   # scores are gathered under this name
  - rouge-l: {to: police killed the gunman}
    threshold: 0.7                  # the score that passes, where a check gives one
```

## Where there is nothing to judge

What was refused, could not be read or failed has no content. It passes no check of content, **and not its opposite
either**: `not-contains` does not pass because the model was down. The same holds where a judge did not answer, a price
is not known, a search took too long, or a question has no answer. The opposite is taken of each repeat: `not-contains`
passes where no repeat has the text, unless `share` says otherwise. A refusal and a reply that cannot be read still
have a `refusal`, `finish-reason`, `latency`, `cost` and `tokens`; a call that failed has none. A null says that a
question does not apply: `equals`, `label-in`, `schema` and `json-path` judge it; other checks, and
their opposites, fail.

`agreement` counts a repeat without an answer as one that agrees with nobody, and a tie as no agreement. `metamorphic`
and `flip` compare most frequent answers, and only those that would be so whatever the missing repeats had said.
`calibration` wants an answer from every repeat, or from a `share` of them.

## schema and json-path

Both read the reply's JSON; where the engine had to mend it, as it was mended. Checked are the keywords KEYWORDS; any
other is refused. A path is made of `$`, `.name`, `['name']`, `[0]`, `[-1]`, `[*]`, `.*` and `..name`; where it leads to
several places, all of them must fit.

## Your own

A function of yours is a check by its name, as `python: my_checks.verse:scans`. A check with a name of its own is a
class in a package of yours that is registered under `buttermilk.checks`; its door is `core.contracts.Check`, and
`tests/contracts/test_checks.py` holds it to what is said here.
"""


def page() -> str:
    lines = []
    for title, rows in GROUPS.items():
        lines += [f"## {title}", "", "| example | passes where |", "| --- | --- |"]
        lines += [f"| `{row.example}` | {row.says} |" for row in rows]
        lines.append("")
    words = [f"`{word}`" for word in KEYWORDS]
    return INTRODUCTION + "\n".join(lines) + NOTES.replace("KEYWORDS", f"{', '.join(words[:-1])} and {words[-1]}")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
