"""What a step said of each record becomes records of their own, linked to what they describe."""

import json
from typing import Any

import pytest
import yaml

from buttermilk.core.errors import ConfigError
from buttermilk.study.deriving import derive
from buttermilk.study.looking import store_of
from buttermilk.study.running import find_run
from scholar import Scholar

FLOW = "dataset: reasons\nsteps:\n  judge: {prompt: judge, codebook: sentiment, agents: [reader_b]}\n"


def lines(scholar: Scholar, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in scholar.reads(f"data/{name}.jsonl").splitlines()]


def test_each_description_says_of_which_record_by_whom_and_in_which_run(asked: Scholar) -> None:
    store, _ = store_of(asked.folder)
    run = find_run(store, None)
    refs = {ref.record_id: ref for page in store.refs(run.dataset_fingerprint) for ref in page}
    answered = [row for row in store.results(run.run_id, "synthesis") if row["status"] == "answered"]
    store.close()
    said = asked.types("derive", "reasons", "--step", "synthesis").out
    made = lines(asked, "reasons")
    assert said.startswith(f"{len(made)} records in data/reasons.jsonl")
    assert {one["id"] for one in made} == {row["record_id"] for row in answered}
    for one in made:
        assert one["source_record"] == one["id"]
        assert one["source_hash"] == refs[one["id"]].record_hash
        (source, *_) = [row for row in answered if row["job_id"] == one["job_id"]]
        assert one["text"] == source["answers"]["reason"]
        assert (one["run"], one["step"], one["agent"]) == (run.run_id, "synthesis", "reader_a")
        assert one["simulated"] is True


def test_the_next_flow_asks_about_them_and_knows_whence_they_came(asked: Scholar) -> None:
    count = derive("reasons", step="synthesis", root=asked.folder)
    written = yaml.safe_load(asked.reads("conf/dataset/reasons.yaml"))
    assert written["licence"] == "CC-BY-4.0"
    assert "of each record of verse (synthesis, run verse-" in written["source"]
    asked.writes("conf/flow/next.yaml", FLOW)
    planned = asked.types("plan", "next", "--json").json
    assert planned["planned"] == count
    assert asked.types("run", "next").counts["remaining"] == 0


def test_where_several_answered_one_must_be_named_and_of_repeats_the_first_is_taken(asked: Scholar) -> None:
    with pytest.raises(ConfigError, match="answered by several") as caught:
        derive("reasons", step="judge", root=asked.folder)
    assert "--agent" in caught.value.hint
    with pytest.raises(ConfigError, match=r"reader_a from .*, reader_a from "):  # two perspectives are two readings
        derive("reasons", step="judge", agent="reader_a", root=asked.folder)
    asked.types("run", "verse", "steps.judge.perspectives=[speaker_and_stance]")
    derive("reasons", step="judge", agent="reader_a", root=asked.folder)
    made = lines(asked, "reasons")
    assert len({one["id"] for one in made}) == len(made)


def test_nothing_is_written_over(asked: Scholar) -> None:
    derive("reasons", step="synthesis", root=asked.folder)
    before = asked.reads("data/reasons.jsonl")
    said = asked.types("derive", "reasons", "--step", "synthesis", code=2)
    assert "it is there already; nothing was written" in said.err
    assert asked.reads("data/reasons.jsonl") == before


@pytest.mark.parametrize("name", ["../verse", "a/b", "-x", "a\n", "", "con fig"])
def test_a_name_that_is_a_path_is_no_name(asked: Scholar, name: str) -> None:
    before = asked.files()
    with pytest.raises(ConfigError, match="is no name for a dataset"):
        derive(name, step="synthesis", root=asked.folder)
    assert asked.files() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--step", "judg"), "has no step 'judg'"),
        ((), "several steps have answers in words"),
        (("--step", "synthesis", "--agent", "nobody"), "described nothing"),
    ],
)
def test_what_cannot_be_derived_is_said_in_words(asked: Scholar, words: tuple[str, ...], said: str) -> None:
    assert said in asked.types("derive", "reasons", *words, code=2).err
    assert "reasons.jsonl" not in "".join(asked.files())


def test_a_step_without_a_question_in_words_has_nothing_to_derive(asked: Scholar) -> None:
    book = 'name: short\nquestions:\n  mood: {ask: "Which?", labels: {negative: {}, positive: {}}}\n'
    asked.writes("codebooks/short.yaml", book)
    asked.writes("conf/flow/short.yaml", FLOW.replace("reasons", "verse").replace("sentiment", "short"))
    assert asked.types("run", "short").counts["remaining"] == 0
    assert "one question of `level: text`" in asked.types("derive", "reasons", code=2).err


def test_a_run_that_is_not_finished_describes_nothing_yet(asked: Scholar) -> None:
    store, _ = store_of(asked.folder)
    store.update(find_run(store, None).run_id, {"state": "stopped"})
    store.close()
    said = asked.types("derive", "reasons", "--step", "synthesis", code=2)
    assert "is not finished" in said.err
    assert "buttermilk run verse" in said.err
