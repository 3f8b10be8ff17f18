"""Prior answers through the real engine: two arms, and what never is shown (METHODS 1.6)."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from buttermilk.core.flows import Agent
from buttermilk.core.people import Coding, Draw, Sample
from buttermilk.core.priors import Priors
from buttermilk.core.records import HumanLabel
from buttermilk.engine.assemble import assemble
from buttermilk.engine.plan import cells, panel_size, size
from buttermilk.stores.sqlite import SqliteStore
from keeping import NOON, result
from panels import (
    Asked,
    answers_of,
    flow,
    judge,
    opened,
    prompt,
    reader,
    synthesis,
)
from priors_study import RECORDS, SHOWS, collect, jobs_of, rows_of, shown, shows, study


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(opened(tmp_path)) as found:
        yield found


# ---- two arms


def test_the_first_wave_has_nothing_to_draw_from_and_is_the_control_arm_alone(store: SqliteStore) -> None:
    collect(store, study())
    assert Counter(row["arm"] for row in store.results("r1")) == {"control": 20 * (3 * 2 + 1)}
    plain = judge(agents=study().steps[0].agents, prompts=(SHOWS,), repeats=2)
    again = Asked()
    collect(store, study("1", plain), asked=again, run_id="plain")
    assert again.jobs == {}  # the control arm's jobs are those of a step without priors


def test_the_second_wave_asks_both_arms_about_the_same_records_with_equal_repeats(store: SqliteStore) -> None:
    collect(store, study())
    collect(store, study("2"))
    arms = Counter(row["arm"] for row in store.results("r2"))
    kept = sum(Priors().only_control(1, one.record_id) for one in RECORDS)
    assert 0 < kept < 10
    assert arms == {"control": 20 * 7, "priors": (20 - kept) * 3 * 2}
    assert {row["record_id"] for row in rows_of(store, "r2")} == {
        one.record_id for one in RECORDS if not Priors().only_control(1, one.record_id)
    }
    assert {row["agent"] for row in rows_of(store, "r2")} == {"ann", "bea", "cleo"}  # a tool sees no prompt


def test_about_a_fifth_of_the_records_are_control_only_whatever_the_step_and_the_wave() -> None:
    many = [f"r{number}" for number in range(10_000)]
    kept = {name for name in many if Priors().only_control(7, name)}
    assert 1_900 < len(kept) < 2_100
    assert kept == {name for name in many if Priors(n=1, scope="similar_records").only_control(7, name)}
    assert kept != {name for name in many if Priors().only_control(8, name)}


@pytest.mark.parametrize("arm", ["priors", "precedents", "synthesis"])
def test_the_control_arm_cannot_be_switched_off(arm: str) -> None:
    with pytest.raises(ValidationError, match="neither can be switched off"):
        judge(priors=Priors(), arm=arm)
    for one in ("priors", "precedents"):
        with pytest.raises(ValidationError, match="cannot be"):
            judge(arm=one)
    with pytest.raises(ValidationError):
        Priors(control_only=1)
    step = shows()
    assert {cell.arm for cell in cells(flow(step), step)} == {"control", "priors"}
    assert panel_size(flow(step), step) == 7
    assert size(flow(step), step, 1) == 13


def test_each_answer_of_the_arm_holds_what_it_was_shown_and_who_was_shown_what_stays_known(store: SqliteStore) -> None:
    collect(store, study())
    collect(store, study("2"))
    control = {row["job_id"]: row for row in rows_of(store, "r1", "control")}
    for job in jobs_of(store, "r2"):
        priors = job.inputs["priors"]
        assert 0 < len(priors) <= 3
        assert job.job_id == type(job).model_validate_json(job.model_dump_json()).job_id
        for prior in priors:
            row = control[prior.job_id]
            assert (prior.wave, prior.record_id, prior.model) == (
                "1",
                job.record.record_id,
                row["model"] or row["agent"],
            )
            assert prior.values == row["answers"]
            assert prior.agent != job.agent.name
            assert 0.5 <= (prior.weight or 0) <= 2
    with_other_priors = job.model_copy(update={"inputs": {"priors": priors[:1]}})
    assert with_other_priors.job_id != job.job_id


def test_the_repeats_of_a_cell_share_a_draw_and_agents_do_not(store: SqliteStore) -> None:
    collect(store, study())
    collect(store, study("2"))
    drawn = shown(store, "r2")
    for record_id, agent, repeat in drawn:
        assert drawn[record_id, agent, repeat] == drawn[record_id, agent, 1]
    assert any(drawn[one, "ann", 1] != drawn[one, "bea", 1] for one, agent, _ in drawn if agent == "ann")


def test_what_later_steps_read_is_the_control_arm(store: SqliteStore) -> None:
    steps = (shows(), synthesis())
    collect(store, study("1", *steps))
    collect(store, study("2", *steps))
    read = [job for job in map(store.job, (row["job_id"] for row in store.results("r2", "synthesis"))) if job]
    control = {row["job_id"] for row in rows_of(store, "r2", "control") if row["step"] == "judge"}
    assert len(read) == 20
    for job in read:
        assert {one.job_id for one in job.inputs["answers"]} <= control
        assert job.planned_inputs == {"answers": 7}


# ---- guardrails (METHODS 1.6)


def test_human_labels_never_enter_a_prompt_or_the_pool(store: SqliteStore) -> None:
    """Neither the labels of the records, nor codings, nor answers of a coder who is an agent."""
    secret = "glad, says the human coder Zuleika"
    labelled = [one.model_copy(update={"labels": (HumanLabel(question="tone", value=secret),)}) for one in RECORDS]
    store.file([Coding(about="verse", record_id="v0001", question="tone", value=secret, coder="z", coded_at=NOON)])
    collect(store, study(), labelled)
    human = Agent(name="zuleika", type="human", role="human")
    for job in jobs_of(store, "r1", "control")[:40]:
        coded = job.model_copy(update={"agent": human, "wave": "0"})
        store.put("people", [(coded, result(coded, answers={"tone": secret}))])
    collect(store, study("2", n=50), labelled)
    for job in jobs_of(store, "r2"):
        assert "zuleika" not in {one.agent for one in job.inputs["priors"]}
        assert secret not in str(job.inputs)
        assert secret not in " ".join(message.text for message in assemble(job).messages)


def test_answers_of_the_same_wave_are_never_priors_whatever_the_run(store: SqliteStore) -> None:
    collect(store, study())
    collect(store, study(), run_id="again")
    assert rows_of(store, "again") == []
    other = flow(shows(n=50), wave="1", variant={"try": 2})
    collect(store, other, run_id="other flow")
    assert rows_of(store, "other flow") == []


def test_a_wave_draws_from_no_later_one_when_it_is_gone_on_with(store: SqliteStore) -> None:
    collect(store, study("1"), RECORDS[:5])
    collect(store, study("2"))
    before = answers_of(store, "r1")
    collect(store, study("1"))  # the rest of the first wave, after the second
    assert rows_of(store, "r1") == []
    assert before.items() <= answers_of(store, "r1").items()
    collect(store, study("2"))
    assert {one["wave"] for row in rows_of(store, "r2") for one in row["priors"]} == {"1"}


def test_only_the_control_arm_is_drawn_from(store: SqliteStore) -> None:
    for wave in "123":
        collect(store, study(wave, n=50))
    control = {row["job_id"] for wave in "12" for row in rows_of(store, f"r{wave}", "control")}
    assert {job_id for ids in shown(store, "r3").values() for job_id in ids} <= control


def test_refused_and_unreadable_answers_are_no_priors(store: SqliteStore) -> None:
    agents = (reader("ann", refusal=0.5), reader("bea", malformed=1))
    collect(store, study(agents=agents, repeats=3))
    collect(store, study("2", n=50))
    told = {row["job_id"]: row["status"] for row in rows_of(store, "r1", "control")}
    assert set(told.values()) > {"answered"}
    assert {told[job_id] for ids in shown(store, "r2").values() for job_id in ids} == {"answered"}


def test_records_of_a_test_split_never_serve_as_precedents_nor_does_a_record_for_itself(store: SqliteStore) -> None:
    draws = [Draw(record_id=one.record_id, prob=0.5, split="test") for one in RECORDS[:10]]
    draws += [Draw(record_id=one.record_id, prob=0.5, split="dev") for one in RECORDS[10:15]]
    sample = Sample(
        about="verse", name="gold", dataset_fingerprint="d", codebook="tone@1", codebook_hash="h", how="random", seed=1,
        population=20, draws=tuple(draws), drawn_at=NOON,
    )  # fmt: skip
    store.file([sample])
    collect(store, study(scope="similar_records"))
    collect(store, study("2", scope="similar_records"))
    rows = rows_of(store, "r2", "precedents")
    assert len(rows) == 6 * len({row["record_id"] for row in rows}) > 0
    used = {one["record_id"] for row in rows for one in row["priors"]}
    assert used <= {one.record_id for one in RECORDS[10:]}
    assert used & {one.record_id for one in RECORDS[10:15]}
    assert all(one["record_id"] != row["record_id"] for row in rows for one in row["priors"])
    assert all(len({one["record_id"] for one in row["priors"]}) == len(row["priors"]) for row in rows)
    texts = {one.record_id: one.text for one in RECORDS}
    for job in jobs_of(store, "r2", "precedents"):
        assert all(one.text == texts[one.record_id] for one in job.inputs["priors"])
        assert all(one.text in assemble(job).messages[0].text for one in job.inputs["priors"])


KEYS: dict[str, dict[str, Any]] = {
    "repeat": {"repeat": 2},
    "wave": {"wave": "3"},
    "arm": {"arm": "control"},
    "prompt": {"prompt": prompt(text="Well? {{ record.text }} {{ priors }}")},
    "parameters": {"agent": reader("ann", accuracy=0.1)},
    "model": {"agent": reader("ann").model_copy(update={"model": "another"})},
    "priors": {"inputs": {}},
}


@pytest.mark.parametrize("change", KEYS)
def test_what_serves_as_a_cache_hangs_on_repeat_wave_arm_prompt_parameters_model_and_priors(
    store: SqliteStore, change: str
) -> None:
    collect(store, study())
    collect(store, study("2"))
    job = next(one for one in jobs_of(store, "r2") if one.agent.name == "ann" and one.repeat == 1)
    assert job.model_copy(update=KEYS[change]).job_id != job.job_id
