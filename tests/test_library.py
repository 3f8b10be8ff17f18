"""The packaged demo: its verses are what their rule says, and each of its files can be read and composed."""

import csv
import hashlib
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from asking import blobs, keys
from buttermilk.core.flows import Agent, Codebook, Perspective, Prompt
from buttermilk.core.jobs import Answer, Job
from buttermilk.core.messages import Request
from buttermilk.core.records import DatasetSpec, HumanLabel, Part, Record
from buttermilk.plugins import find
from buttermilk.prompts import load_codebook, load_perspective, load_prompt, render
from buttermilk.tools.wordlist import words_of

PACKAGE = Path(__file__).parents[1] / "src" / "buttermilk"
LIBRARY, CONF = PACKAGE / "library", PACKAGE / "conf"
DATA = LIBRARY / "demo" / "data"
LABELS = ("negative", "no_impact", "positive", "mixed")
PERSPECTIVES = ("sound_and_image", "speaker_and_stance")


@cache
def rows() -> list[dict[str, str]]:
    with (DATA / "verse.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def conf(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def agent(name: str, role: str = "model") -> Agent:
    return Agent.model_validate({**conf(f"agent/{name}"), "name": name, "role": role})


@cache
def codebook() -> Codebook:
    return load_codebook("sentiment", [LIBRARY / "codebooks"])


@cache
def perspectives() -> list[Perspective]:
    return [load_perspective(name, [LIBRARY / "criteria"]) for name in PERSPECTIVES]


def prompt(name: str) -> Prompt:
    return load_prompt(name, [LIBRARY / "prompts"])


def record(row: dict[str, str]) -> Record:
    label = HumanLabel(question="sentiment", value=row["sentiment"])
    return Record(record_id=row["id"], parts=(Part(text=row["verse"]),), labels=(label,))


def job(row: dict[str, str], asked: Agent, **more: Any) -> Job:
    item = record(row)
    given = {"step": "judge", "record": item, "seen_hash": item.seen_hash(()), "agent": asked, "codebook": codebook()}
    return Job.model_validate({**given, **more})


# ---- the verses


def test_the_verses_are_two_hundred_in_the_shares_that_the_rule_states() -> None:
    assert Counter(row["sentiment"] for row in rows()) == {"negative": 55, "no_impact": 60, "positive": 50, "mixed": 35}


def test_each_verse_is_there_once_in_the_order_of_its_source() -> None:
    ids = [row["id"] for row in rows()]
    assert ids == sorted(set(ids))
    assert len({row["verse"] for row in rows()}) == 200
    assert all(row["verse"].strip() == row["verse"] != "" for row in rows())


def test_the_verses_are_those_that_come_first_by_hash() -> None:
    """Of n ids chosen as the smallest of N hashes, the largest lies near n/N: 55/155, 60/555, 50/133, 35/49."""
    for label, share in {"negative": 0.355, "no_impact": 0.108, "positive": 0.376, "mixed": 0.714}.items():
        ids = [int(row["id"][1:]) for row in rows() if row["sentiment"] == label]
        largest = max(int(hashlib.sha256(str(number).encode()).hexdigest()[:8], 16) for number in ids) / 2**32
        assert largest == pytest.approx(share, abs=0.15)


def test_the_file_is_the_one_that_its_design_page_vouches_for() -> None:
    page = (PACKAGE.parents[1] / "docs" / "design" / "demo-verses.md").read_text(encoding="utf-8")
    assert hashlib.sha256((DATA / "verse.csv").read_bytes()).hexdigest() in page


def test_the_verses_carry_their_licence_their_authors_and_what_was_changed() -> None:
    assert "Attribution 4.0 International" in (DATA / "LICENCE").read_text(encoding="utf-8")
    credit = (DATA / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for said in ("Emily Sheng and David Uthus", "arxiv.org/abs/2011.02686", "CC BY 4.0", "What was changed", "SHA-256"):
        assert said in credit


def test_the_dataset_is_described_for_those_who_will_cite_it() -> None:
    spec = DatasetSpec.model_validate({**conf("dataset/verse"), "name": "verse"})
    assert spec.path == "data/verse.csv"
    assert spec.columns.labels == {"sentiment": "sentiment"}
    assert spec.source
    assert spec.licence == "CC-BY-4.0"
    assert spec.consent
    assert spec.sensitivity
    assert {spec.columns.id, spec.columns.text, "sentiment"} == set(rows()[0])


# ---- what is asked, and how


def test_the_codebook_defines_every_label_that_the_verses_carry_with_examples_that_are_none_of_them() -> None:
    question = codebook().question("sentiment")
    assert question.label_names == LABELS
    verses = {row["verse"] for row in rows()}
    for label in question.labels:
        assert label.definition
        assert label.examples
        assert not verses & set(label.examples)
    assert codebook().question("reason").optional


def test_a_judge_is_told_meaning_then_criteria_then_conclusion_and_shown_the_verse_once() -> None:
    row, reading = rows()[0], perspectives()[0]
    system, user = render(prompt("judge"), job(row, agent("gpt"), prompt=prompt("judge"), perspective=reading))
    order = [system.text.index(word) for word in ("Meaning first", "Then the criteria", "Then conclude", reading.text)]
    assert order == sorted(order)
    assert (system.role, user.role) == ("system", "user")
    assert user.text.count(row["verse"]) == 1
    assert row["verse"] not in system.text
    assert "JSON" in system.text


def test_a_judge_without_a_perspective_is_asked_by_the_definitions_alone() -> None:
    system, _ = render(prompt("judge"), job(rows()[0], agent("gpt"), prompt=prompt("judge")))
    assert "criteria" not in system.text
    assert "Then the questions" in system.text


def test_a_synthesis_is_shown_every_answer_the_refused_and_the_null_too() -> None:
    given = [("vader", "answered", {"reason": None, "sentiment": "no_impact"}), ("reader_a", "refused", None)]
    answers = tuple(
        Answer(job_id=f"{number:032}", step="judge", agent=name, status=status, values=values)  # type: ignore[arg-type]
        for number, (name, status, values) in enumerate(given)
    )
    asked = job(rows()[0], agent("gpt"), prompt=prompt("synthesise"), inputs={"answers": answers})
    text = render(prompt("synthesise"), asked)[-1].text
    assert '{"reason": null, "sentiment": "no_impact"}' in text
    assert "no answer (refused)" in text


# ---- who is asked


def test_the_flow_names_only_what_the_package_has() -> None:
    steps = conf("flow/demo")["steps"]
    assert list(steps) == ["judge", "synthesis"]
    for step in steps.values():
        assert (LIBRARY / "prompts" / f"{step['prompt']}.md").is_file()
        assert (LIBRARY / "codebooks" / f"{step['codebook']}.yaml").is_file()
        assert all((CONF / "agent" / f"{name}.yaml").is_file() for name in step["agents"])
        assert all((LIBRARY / "criteria" / f"{name}.md").is_file() for name in step.get("perspectives", []))
    assert steps["judge"]["repeats"] == 3
    assert steps["judge"]["priors"] == {"n": 3}
    assert steps["synthesis"]["reads"] == {"answers": "judge"}


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["vader", "wordlist"])
async def test_the_tools_answer_every_verse_better_than_chance(name: str) -> None:
    asked = agent(name, role="tool")
    tool = find("tools", name)(asked, keys)
    outputs = [await tool.call(job(row, asked)) for row in rows()]
    right = sum(output.values["sentiment"] == row["sentiment"] for output, row in zip(outputs, rows(), strict=True))
    assert right > 80
    assert {output.values["sentiment"] for output in outputs} == set(LABELS)


@pytest.mark.anyio
async def test_the_simulated_readers_differ_flip_refuse_and_break_so_that_there_is_something_to_see() -> None:
    right: dict[str, int] = {}
    reading = perspectives()[0]
    for name in ("reader_a", "reader_b"):
        asked = agent(name)
        model = find("models", "simulated")(asked, keys, blobs)
        replies = []
        for row in rows():
            for repeat in (1, 2, 3):
                one = job(row, asked, repeat=repeat, perspective=reading)
                replies.append(await model.complete(Request(agent=asked, messages=(), job=one)))
        assert any(reply.refusal for reply in replies)
        assert any(reply.finish == "length" or reply.text[:1] != "{" for reply in replies if not reply.refusal)
        found = [_label(reply.text) for reply in replies]
        assert any(len(set(found[place : place + 3]) - {None}) > 1 for place in range(0, len(found), 3))
        right[name] = sum(label == rows()[place // 3]["sentiment"] for place, label in enumerate(found))
    assert right["reader_a"] > right["reader_b"] > 250


def _label(text: str) -> str | None:
    try:
        return str(json.loads(text)["sentiment"])
    except json.JSONDecodeError:
        return None


# ---- the word list


def test_the_affect_list_has_a_hundred_and_twenty_words_a_side_none_of_them_covered_twice() -> None:
    content = yaml.safe_load((LIBRARY / "wordlists" / "affect.yaml").read_text(encoding="utf-8"))
    assert content["licence"] == "CC0-1.0"
    assert not set(content["lists"]["positive"]) & set(content["lists"]["negative"])
    for words in content["lists"].values():
        assert len(set(words)) == 120
        assert all(words_of(word.rstrip("*")) == [word.rstrip("*")] for word in words)
        stems = [word[:-1] for word in words if word.endswith("*")]
        assert [word for word in words for stem in stems if word.startswith(stem) and word != f"{stem}*"] == []


def test_a_version_of_the_affect_list_never_changes() -> None:
    """Answers name the version they came from: to change a word, raise the version and write the new hash here."""
    asked = agent("wordlist", role="tool")
    assert find("tools", "wordlist")(asked, keys)._version == "wordlist 1, affect@1 6d5f6192"
