"""Ids are functions of content: what decides an answer changes them, and nothing else does."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as some
from buttermilk.core.flows import Agent, Capabilities, Limits, Price, Prompt, Section
from buttermilk.core.jobs import Answer, Job, hash_of_inputs
from buttermilk.core.records import HumanLabel, Part, Record, id_from_content

RECORD = Record(
    record_id="v1",
    parts=(Part(text="of inward strife"), Part(kind="image", blob="0" * 64, media_type="image/png", alt="a page")),
    metadata={"row": 5, "poet": "Ann"},
    labels=(HumanLabel(question="tone", value="sad"),),
)
AGENT = Agent(name="reader", type="openai", model="m-1", parameters={"temperature": 0}, base_url="https://a.example")
PROMPT = Prompt(name="judge", sections=(Section(role="user", template="{{ record.text }}"),), includes={"a.md": "x"})

DECIDING: dict[str, Any] = {
    "type": "anthropic",
    "model": "m-2",
    "parameters": {"temperature": 0.1},
    "base_url": "https://b.example",
    "provider": "someone",
    "capabilities": Capabilities(answers="tool"),
}
NOT_DECIDING: dict[str, Any] = {
    "key": "secret://env/OTHER",
    "headers": {"x-project": "two"},
    "limits": Limits(concurrency=3, attempts=1),
    "price": Price(input=1, output=2, source="list", dated="2026-11-22"),
}


def job(**more: Any) -> Job:
    given: dict[str, Any] = {
        "step": "judge",
        "record": RECORD,
        "seen_hash": RECORD.seen_hash(()),
        "agent": AGENT,
        "prompt": PROMPT,
        "perspective": {"name": "tja", "text": "1. Be fair."},
        "codebook": {"name": "c", "questions": ({"name": "why", "ask": "Why?", "level": "text"},)},
        "sent_columns": (),
    }
    return Job.model_validate(given | more)


@pytest.mark.parametrize("field", DECIDING)
def test_what_decides_an_answer_makes_another_agent(field: str) -> None:
    assert AGENT.model_copy(update={field: DECIDING[field]}).hash != AGENT.hash


@pytest.mark.parametrize("field", NOT_DECIDING)
def test_keys_limits_and_prices_make_no_other_agent_and_no_other_job(field: str) -> None:
    other = AGENT.model_copy(update={field: NOT_DECIDING[field]})
    assert other.hash == AGENT.hash
    assert job(agent=other).job_id == job().job_id


def test_a_named_provider_stands_for_an_address_that_moves() -> None:
    here, there = (AGENT.model_copy(update={"provider": "campus", "base_url": url}) for url in ("http://a", "http://b"))
    assert here.hash == there.hash != AGENT.hash


CHANGES: dict[str, dict[str, Any]] = {
    "step": {"step": "other"},
    "record": {"seen_hash": RECORD.model_copy(update={"parts": (Part(text="of inward strifes"),)}).seen_hash(())},
    "record id": {"record": RECORD.model_copy(update={"record_id": "v2"})},
    "agent": {"agent": AGENT.model_copy(update={"model": "m-2"})},
    "agent's name": {"agent": AGENT.model_copy(update={"name": "other"})},
    "prompt": {"prompt": PROMPT.model_copy(update={"includes": {"a.md": "y"}})},
    "role": {"prompt": PROMPT.model_copy(update={"sections": (Section(role="system", template="{{ record.text }}"),)})},
    "criteria": {"perspective": {"name": "tja", "text": "1. Be fair!"}},
    "no criteria": {"perspective": None},
    "codebook": {"codebook": {"name": "c", "questions": ({"name": "why", "ask": "Why", "level": "text"},)}},
    "variant": {"variant": {"tone": "blunt"}},
    "a variant's type": {"variant": {"tone": 1}},
    "repeat": {"repeat": 2},
    "wave": {"wave": "2"},
    "arm": {"arm": "priors"},
    "seed": {"seed": 2},
    "inputs": {"inputs": {"answers": (Answer(job_id="0" * 32, step="judge", agent="a", status="refused"),)}},
    "no inputs": {"inputs": {"answers": ()}},
}


def test_whatever_decides_makes_another_job() -> None:
    ids = {name: job(**change).job_id for name, change in CHANGES.items()} | {"": job().job_id}
    assert len(set(ids.values())) == len(ids)
    assert len({job(**change).call_seed for change in CHANGES.values()}) == len(CHANGES)


@pytest.mark.parametrize(
    "change",
    [
        {"record": RECORD.model_copy(update={"labels": ()})},
        {"record": RECORD.model_copy(update={"metadata": {"row": 6}})},
        {"perspective": {"name": "tja", "text": "1. Be fair.", "title": "Code", "author": "TJA", "version": "3"}},
        {"prompt": PROMPT.model_copy(update={"author": "me", "description": "mended", "version": "2"})},
        {"prompt": PROMPT.model_copy(update={"sections": (PROMPT.sections[0].model_copy(update={"line": 9}),)})},
        {"codebook": {"name": "c", "author": "me", "questions": ({"name": "why", "ask": "Why?", "level": "text"},)}},
        {"planned_inputs": {"answers": 3}},
    ],
    ids=["labels", "metadata that is not sent", "criteria's credit", "prompt's credit", "line", "codebook's", "panel"],
)
def test_labels_credits_and_what_is_not_sent_ask_nobody_again(change: dict[str, Any]) -> None:
    assert job(**change).job_id == job().job_id


def test_a_tool_is_asked_once_whatever_the_prompt_and_the_perspective() -> None:
    tool = Agent(name="vader", type="vader", role="tool")
    bare = job(agent=tool, prompt=None, perspective=None)
    assert job(agent=tool).job_id == bare.job_id


def test_the_call_seed_is_of_31_bits_and_the_job_s_own() -> None:
    seeds = [job(repeat=repeat).call_seed for repeat in range(1, 200)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert job(seed=2).call_seed != job().call_seed


@settings(max_examples=60)
@given(one=some.jobs())
def test_an_id_is_the_same_whoever_works_it_out(one: Job) -> None:
    again = Job.model_validate_json(one.model_dump_json())
    by_parts = again.cell.job_id(one.record.record_id, one.seen_hash, one.repeat, hash_of_inputs(one.inputs))
    assert one.job_id == again.job_id == by_parts
    backwards = {name: dict(reversed(mapping.items())) for name, mapping in (("variant", one.variant),)}
    assert one.model_copy(update=backwards).job_id == one.job_id


@given(record=some.records, found_at=some.texts, columns=st.sets(some.texts))
def test_a_record_is_its_parts_and_the_columns_that_are_sent(record: Record, found_at: str, columns: set[str]) -> None:
    moved = tuple(part.model_copy(update={"path": found_at}) for part in record.parts)
    relabelled = (HumanLabel(question="new", value=True),)
    unsent = {**record.metadata, "a column nobody sends": 1}
    other = record.model_copy(update={"parts": moved, "labels": relabelled, "metadata": unsent})
    assert other.seen_hash(columns) == record.seen_hash(columns)
    assert record.seen_hash(record.metadata.keys()) == record.content_hash
    assert other.content_hash != record.content_hash
    assert other.record_hash != record.record_hash
    assert id_from_content(moved, record.metadata) == id_from_content(record.parts, record.metadata)


def test_one_character_makes_another_record() -> None:
    seen = {RECORD.seen_hash(())}
    for change in ({"text": "of inward strife."}, {"text": "of inward Strife"}, {"role": "title"}, {"alt": "x"}):
        part = RECORD.parts[0].model_copy(update=change)
        seen.add(RECORD.model_copy(update={"parts": (part, RECORD.parts[1])}).seen_hash(()))
    seen.add(RECORD.model_copy(update={"parts": RECORD.parts[::-1]}).seen_hash(()))
    seen.add(RECORD.seen_hash(("poet",)))
    seen.add(RECORD.seen_hash(("poet", "row")))
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("statuses", "planned", "partial"),
    [
        (["answered", "answered"], {"answers": 2}, False),
        (["answered", "refused"], {"answers": 2}, True),
        (["answered"], {"answers": 2}, True),
        ([], {}, False),
    ],
)
def test_a_panel_with_a_missing_or_refused_answer_is_partial(
    statuses: list[str], planned: dict[str, int], partial: bool
) -> None:
    panel = [{"job_id": "0", "step": "judge", "agent": "a", "status": status} for status in statuses]
    assert job(inputs={"answers": panel}, planned_inputs=planned).partial is partial
