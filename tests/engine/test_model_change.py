"""Another model answers under an agent's name, in the midst of a wave: the two are never pooled in silence."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from studies import Study, agent, flow, step, study

from answering import Asked, answering, chat, http
from buttermilk.core.jobs import Budget
from buttermilk.core.waves import Returned, sub_wave
from buttermilk.engine.answerers import Answerers
from buttermilk.testing import MockProvider
from keeping import NOON, job, record, result

pytestmark = pytest.mark.anyio
OLD, NEW = "gpt-2026-08-06", "gpt-2026-11-20"
SOME = Budget(tokens=1_000)


def returned(one: Study, name: str = "run-1") -> set[str]:
    return {row["model_returned"] for row in one.rows(name)}


async def begun(one: Study, asked: Any, **more: Any) -> None:
    """The first day of a wave: some of it is answered, by the old model."""
    progress = await one.run(asked, budget=SOME, **more)
    assert 0 < progress.statuses["answered"] < 60
    assert progress.state == "stopped"


async def test_a_new_model_stops_the_run_and_goes_on_stopping_it_until_something_is_chosen(tmp_path: Path) -> None:
    with MockProvider(model_returned=OLD, latency_ms=5) as mock, study(tmp_path, 60) as one:
        asked = flow(step(agent(mock.url, concurrency=4, start=4)))
        await begun(one, asked)
        mock.configure(model_returned=NEW)
        stopped = await one.run(asked)
        assert (stopped.state, stopped.why) == ("stopped", "another model answers for gpt")
        assert stopped.remaining > 0
        assert returned(one) == {OLD, NEW}
        assert stopped.as_json()["models"][0]["agent"] == "gpt"
        assert [model["model"] for model in stopped.models[0]["models"]] == [OLD, NEW]
        assert one.events("model changed") == [{"wave": "1", "agent": "gpt", "to": NEW}]
        mock.reset()
        again = await one.run(asked)
        assert (again.state, again.remaining) == ("stopped", stopped.remaining)
        assert mock.stats()["requests"] == 0  # what was not chosen is not paid for


@pytest.mark.parametrize("choice", ["split", "note"])
async def test_with_a_choice_the_run_goes_on_to_its_end_and_the_choice_stays(tmp_path: Path, choice: Any) -> None:
    with MockProvider(model_returned=OLD, latency_ms=5) as mock, study(tmp_path, 60) as one:
        asked = flow(step(agent(mock.url, concurrency=4, start=4)))
        await begun(one, asked)
        mock.configure(model_returned=NEW)
        whole = await one.run(asked, model_change=choice)
        assert (whole.state, whole.remaining, whole.model_change) == ("finished", 0, choice)
        assert returned(one) == {OLD, NEW}
        silent = await one.run(asked)  # nothing is said, and nothing remains to be asked
        assert (silent.state, silent.model_change) == ("finished", choice)
        kept = one.store.run("run-1")
        assert kept is not None
        assert kept.progress["model_change"] == choice


async def test_a_new_wave_and_another_agent_begin_with_the_model_that_there_is(tmp_path: Path) -> None:
    with MockProvider(model_returned=OLD) as mock, study(tmp_path, 6) as one:
        await one.run(flow(step(agent(mock.url))))
        mock.configure(model_returned=NEW)
        other = flow(step(agent(mock.url, name="other")))
        assert (await one.run(flow(step(agent(mock.url)), wave="2"), name="run-2")).state == "finished"
        assert (await one.run(other, name="run-3")).state == "finished"


async def test_a_second_run_of_the_same_wave_knows_who_answered_the_first(tmp_path: Path) -> None:
    with MockProvider(model_returned=OLD) as mock, study(tmp_path, 6) as one:
        await one.run(flow(step(agent(mock.url))))
        mock.configure(model_returned=NEW)
        more = await one.run(flow(step(agent(mock.url), repeats=2)), name="run-2")
        assert (more.state, more.why) == ("stopped", "another model answers for gpt")


async def test_a_provider_that_says_nothing_of_its_model_stops_nobody(tmp_path: Path) -> None:
    said = iter([OLD, "", None, OLD] * 3)

    def tell(_: Asked) -> bytes:
        return http(chat('{"reason": "so", "harm": "no"}', model=next(said)))

    async with answering(tell) as server:
        with study(tmp_path, 12) as one:
            progress = await one.run(flow(step(agent(server.url, concurrency=1, start=1))))
            assert (progress.state, progress.models) == ("finished", [])


async def test_what_one_alias_hides_from_the_beginning_stops_the_run_at_the_second_model(tmp_path: Path) -> None:
    turns = iter([OLD, NEW] * 40)

    def tell(_: Asked) -> bytes:
        return http(chat('{"reason": "so", "harm": "no"}', model=next(turns)))

    async with answering(tell) as server:
        with study(tmp_path, 40) as one:
            progress = await one.run(flow(step(agent(server.url, concurrency=4, start=4))))
            assert progress.state == "stopped"
            assert progress.statuses["answered"] <= 8  # those that were on the wire come home
            assert len(progress.models[0]["models"]) == 2


def test_the_order_in_which_answers_arrive_changes_nothing_but_the_moment() -> None:
    jobs = [job(record(number)) for number in range(12)]
    given = [
        result(one, model_returned=OLD if number < 7 else NEW, ended_at=NOON + timedelta(seconds=number + 2))
        for number, one in enumerate(jobs)
    ]
    ends = []
    for seed in range(20):
        known = Answerers("note")
        pairs = random.Random(seed).sample(list(zip(jobs, given, strict=True)), 12)
        assert sum(known.saw(*pair) is not None for pair in pairs) == 1
        ends.append(known.as_json())
    assert all(end == ends[0] for end in ends)
    assert [(model["model"], model["answers"]) for model in ends[0][0]["models"]] == [(OLD, 7), (NEW, 5)]


def test_one_model_alone_is_no_change_and_another_wave_has_its_own() -> None:
    known = Answerers("stop")
    known.knows([Returned("1", "reader", job(record(1)).agent.hash, OLD, 3, NOON, NOON)])
    assert known.as_json() == []
    assert known.saw(job(record(1), wave="2"), result(job(record(1)), model_returned=NEW)) is None
    assert not known.forbids(job(record(1)).cell)
    assert known.saw(job(record(1)), result(job(record(1)), model_returned=NEW)) is not None
    assert known.forbids(job(record(1)).cell)


def test_sub_waves_are_named_by_letters() -> None:
    assert [sub_wave("2026-12", number) for number in (0, 1, 2, 25, 26)] == [
        "2026-12", "2026-12.b", "2026-12.c", "2026-12.z", "2026-12.27",
    ]  # fmt: skip
