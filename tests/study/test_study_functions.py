"""The functions behind the verbs, as a notebook calls them."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from buttermilk.core.errors import ButtermilkError, ConfigError, DataError, SecretError, StoreError, Unavailable
from buttermilk.core.jobs import Job
from buttermilk.engine.assemble import assemble
from buttermilk.engine.progress import Progress
from buttermilk.study.doctor import doctor
from buttermilk.study.keys import keys_of
from buttermilk.study.looking import bring_in, export, replay, report, show, status, store_of
from buttermilk.study.making import demo_overrides, demo_study
from buttermilk.study.opening import open_study
from buttermilk.study.planning import plan
from buttermilk.study.running import control, find_run, git_state, is_alive, prepare, rescue, run, versions
from buttermilk.testing import MockProvider
from scholar import Scholar


def seen(prefix: str, scholar: Scholar) -> str:
    """The id of a job of an agent, from the table."""
    export(scholar.folder / "ids.csv", root=scholar.folder)
    return next(row["job_id"] for row in scholar.table("ids.csv") if row["agent"] == prefix)


@pytest.mark.anyio
async def test_a_notebook_awaits_a_run_and_watches_it(scholar: Scholar) -> None:
    seen: list[Progress] = []
    progress = await run("verse", "limit=2", root=scholar.folder, watch=seen.append)
    assert (progress.state, progress.remaining, progress.planned) == ("finished", 0, 22)
    assert seen[-1] is progress
    again = await run("verse", "limit=2", root=scholar.folder)
    assert (again.run_id, again.skipped) == (progress.run_id, 22)


@pytest.mark.anyio
async def test_two_runs_of_two_limits_are_two_runs(scholar: Scholar) -> None:
    first = await run("verse", "limit=1", root=scholar.folder)
    second = await run("verse", "limit=2", root=scholar.folder)
    assert second.run_id == f"{first.run_id}-2"
    assert second.skipped == 11


@pytest.mark.anyio
async def test_a_run_may_be_given_a_name_once(scholar: Scholar) -> None:
    named = await run("verse", "run.name=pilot", "limit=1", root=scholar.folder)
    assert named.run_id == "pilot"
    with pytest.raises(ConfigError, match="belongs to an earlier run"):
        prepare("verse", ["run.name=pilot", "limit=2"], root=scholar.folder)
    assert (await run("verse", "run.name=pilot", "limit=1", root=scholar.folder)).skipped == 11


def test_a_plan_is_a_value_with_its_sums(scholar: Scholar) -> None:
    found = plan("verse", root=scholar.folder)
    assert (found.planned, found.to_ask, found.records) == (44, 44, 4)
    assert found.cost == (0.0, 0.0)
    assert found.unpriced == []
    assert json.loads(json.dumps(found.as_json()))["rows"][0]["why"] == {"not asked yet": 4}


def test_a_plan_estimates_tokens_and_money_and_says_by_which_price(scholar: Scholar) -> None:
    found = plan("verse", "agents=[gpt]", root=scholar.folder)
    row = found.rows[0]
    low, high = found.cost
    assert 0 < low < high < 1
    assert 16 * 100 < row.input_tokens[0] < row.input_tokens[1] < 16 * 3_000
    assert re.search(r"OpenAI.* \(\d{4}-\d\d-\d\d\)", row.price)
    assert any("OPENAI_API_KEY" in warning for warning in found.warnings)


def test_a_model_of_unknown_price_is_named_and_not_free(scholar: Scholar) -> None:
    found = plan("verse", "agents=[local]", root=scholar.folder)
    assert found.unpriced == ["local"]
    assert found.rows[0].cost is None


def test_status_show_and_report_say_what_is_stored(asked: Scholar) -> None:
    found = status(root=asked.folder)
    assert sum(found[name] for name in ("answered", "refused", "unparsed")) == 44
    assert {row["step"] for row in found["by_step"]} == {"judge", "synthesis"}
    job_id = seen("reader_a", asked)
    whole = show(job_id[:12], root=asked.folder)
    job = Job.model_validate(whole["job"])
    assert job.job_id == whole["job_id"] == job_id
    messages = assemble(job).messages
    assert [message.role for message in messages] == ["system", "user"]
    assert job.record.text in messages[1].text
    assert show(seen("vader", asked), root=asked.folder)["job"]["prompt"] is None
    assert report(root=asked.folder).is_file()


@pytest.mark.anyio
async def test_a_job_is_replayed_with_the_same_answer_and_nothing_is_stored(asked: Scholar) -> None:
    before = asked.answers()
    for agent in ("vader", "wordlist", "reader_b"):
        job_id = seen(agent, asked)
        stored = show(job_id, root=asked.folder)["results"][-1]
        _, result = await replay(job_id, root=asked.folder)
        assert result.answers == stored["answers"]
    assert asked.answers() == before


def test_answers_of_a_rescue_file_are_stored_once(asked: Scholar, scholar: Scholar, tmp_path: Path) -> None:
    job_id = seen("vader", asked)
    store, _ = store_of(asked.folder)
    job, result = store.job(job_id), store.attempts(job_id)[0]
    store.close()
    assert job
    said = rescue([(job, result)])
    file = Path(said.rpartition("buttermilk import ")[2])
    assert said.startswith("Safe in a file: 1 answer that had just come.")
    before = asked.answers()
    assert bring_in(file, root=asked.folder) == 1
    assert asked.answers() == before
    plan("verse", root=scholar.folder)  # a store in which that run never was
    assert bring_in(file, root=scholar.folder) == 1
    file.unlink()
    assert plan("verse", root=scholar.folder).to_ask == 43


def test_a_damaged_rescue_file_names_its_line(asked: Scholar) -> None:
    asked.writes("rescue.jsonl", '{"job": 1}\n')
    with pytest.raises(DataError, match=r"rescue\.jsonl line 1"):
        bring_in(asked.folder / "rescue.jsonl", root=asked.folder)


# ---- runs


def test_a_run_knows_who_where_and_with_what(asked: Scholar) -> None:
    store, _ = store_of(asked.folder)
    found = find_run(store, None)
    store.close()
    assert set(versions()) >= {"python", "buttermilk", "pydantic"}
    assert found.versions == versions()
    assert found.user
    assert found.config["flow"] == "verse"
    assert not is_alive(found)
    assert find_run.__doc__


def test_the_commit_of_a_study_is_kept_with_its_run(tmp_path: Path) -> None:
    assert git_state(tmp_path) == {} or "commit" in git_state(tmp_path)
    assert set(git_state(Path(__file__).parent)) <= {"commit", "dirty"}


def test_an_unknown_run_is_named_with_those_there_are(asked: Scholar) -> None:
    store, _ = store_of(asked.folder)
    try:
        with pytest.raises(ConfigError, match=r"there is no run 'verse-2020'(?s:.*)There are: verse-"):
            find_run(store, "verse-2020")
        with pytest.raises(ConfigError, match="is not going on"):
            control(store, None, "pause")
        with pytest.raises(ConfigError, match=r"is not going on \(finished\)"):
            control(store, None, "cancel")
    finally:
        store.close()


@pytest.mark.anyio
async def test_a_cancelled_run_is_over_and_the_next_has_its_own_name(scholar: Scholar) -> None:
    stopped = await run("verse", "run.budget.tokens=1", root=scholar.folder)
    assert stopped.state == "stopped"
    store, _ = store_of(scholar.folder)
    control(store, None, "cancel")
    assert find_run(store, None).state == "cancelled"
    store.close()
    running = prepare("verse", root=scholar.folder)
    running.study.close()
    assert not running.resumed
    assert running.run.run_id == f"{stopped.run_id}-2"


@pytest.mark.anyio
async def test_a_run_that_is_stopped_at_once_raises_and_keeps_what_came(scholar: Scholar) -> None:
    with MockProvider(latency_ms=5_000) as mock:
        running = prepare("verse", [f"agents=[{mock.url}#m]"], root=scholar.folder)
        asking = asyncio.create_task(running.go())
        await asyncio.sleep(0.5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert status(root=scholar.folder)["state"] != "finished"


# ---- making


@pytest.mark.parametrize(
    ("agents", "overrides"),
    [
        ((), []),
        (("gpt",), ["steps.judge.agents=[vader,wordlist,gpt]", "steps.synthesis.agents=[gpt]"]),
        (("gpt,local",), ["steps.judge.agents=[vader,wordlist,gpt,local]", "steps.synthesis.agents=[gpt]"]),
        (
            ("http://127.0.0.1:1/v1#m",),
            [
                "steps.judge.agents=[vader,wordlist,'http://127.0.0.1:1/v1#m']",
                "steps.synthesis.agents=['http://127.0.0.1:1/v1#m']",
            ],
        ),
    ],
)
def test_real_models_take_the_place_of_the_simulated_ones(agents: tuple[str, ...], overrides: list[str]) -> None:
    assert demo_overrides(agents) == overrides


def test_the_demo_study_is_written_once(tmp_path: Path) -> None:
    folder = demo_study(tmp_path / "demo")
    (folder / "conf" / "flow" / "verse.yaml").unlink()
    assert demo_study(folder) == folder
    assert not (folder / "conf" / "flow" / "verse.yaml").exists()


def test_doctor_finds_what_is_wrong_and_says_what_to_do(scholar: Scholar) -> None:
    assert all(one.well for one in doctor(scholar.folder))
    scholar.changes("conf/flow/verse.yaml", "reader_b]", "gpt]")
    scholar.writes("conf/flow/other.yaml", "dataset: verse\nsteps: {judge: {promt: judge}}\n")
    found = {one.what: one for one in doctor(scholar.folder)}
    assert "OPENAI_API_KEY" in found["flow verse"].said
    assert "export OPENAI_API_KEY" in found["flow verse"].hint
    assert not found["flow other"].well
    assert found["flow demo"].well
    elsewhere = {one.what: one for one in doctor(None)}
    assert elsewhere["study"].hint == "buttermilk init mystudy"


def test_doctor_survives_a_flow_that_asks_a_server_that_is_down(scholar: Scholar) -> None:
    scholar.changes("conf/flow/verse.yaml", "reader_b]", "'http://127.0.0.1:9/v1']")
    found = {one.what: one for one in doctor(scholar.folder)}
    assert "cannot be reached" in found["flow verse"].said


# ---- opening


def test_a_server_that_is_down_is_told_apart_from_a_wrong_configuration(scholar: Scholar) -> None:
    with pytest.raises(Unavailable) as raised:
        open_study(scholar.folder, "verse", ["agents=[http://127.0.0.1:9/v1]"])
    assert raised.value.where == "http://127.0.0.1:9/v1"
    with pytest.raises(ConfigError, match="not an address"):
        open_study(scholar.folder, "verse", ["agents=[http://]"])


def test_what_the_server_calls_its_model_is_kept_with_the_run(
    scholar: Scholar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buttermilk.testing.provider.MODELS", ("llama-9",))
    with MockProvider() as mock:
        study = open_study(scholar.folder, "verse", [f"agents=[{mock.url}]"])
        study.close()
        monkeypatch.setattr("buttermilk.testing.provider.MODELS", ())
        with pytest.raises(ConfigError, match="serves no model"):
            open_study(scholar.folder, "verse", [f"agents=[{mock.url}]"])
    assert {agent.model for step in study.flow.steps for agent in step.agents} == {"llama-9"}
    written = study.composed.resolved["agent"]
    assert isinstance(written, dict)
    assert [data["model"] for data in written.values() if data["base_url"] == mock_url(written)] == ["llama-9"]


def mock_url(written: dict[str, dict[str, str]]) -> str:
    return next(data["base_url"] for data in written.values() if "127.0.0.1" in data.get("base_url", ""))


@pytest.mark.parametrize("reference", ["OPENAI_API_KEY", "env/KEY", "secret://env", "secret://env/", "https://env/KEY"])
def test_a_key_is_a_reference_and_nothing_else(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretError, match="written as a reference"):
        keys_of(tmp_path)(reference)


def test_an_unknown_vault_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ButtermilkError, match="env"):
        keys_of(tmp_path)("secret://evn/KEY")


def test_a_record_id_given_twice_late_in_a_long_file_leaves_nothing_behind(scholar: Scholar) -> None:
    rows = "".join(f"w{number},verse number {number},mixed\n" for number in range(1_200))
    scholar.writes("data/verse.csv", f"id,verse,sentiment\n{rows}w7,again,mixed\n")
    with pytest.raises(DataError, match="'w7' is there twice"):
        plan("verse", root=scholar.folder)
    scholar.writes("data/verse.csv", f"id,verse,sentiment\n{rows}")
    assert plan("verse", root=scholar.folder).records == 1_200


def test_formulas_in_rejected_rows_are_not_run_by_a_spreadsheet(scholar: Scholar) -> None:
    scholar.writes("data/verse.csv", "id,verse,sentiment\nv1,a verse,mixed\n=1+1,\n")
    with pytest.raises(DataError, match="1 row is no record"):
        plan("verse", root=scholar.folder)
    assert [row["content"][0] for row in scholar.table(".buttermilk/rejects/verse.csv")] == ["'"]


def test_a_store_that_is_a_folder_is_an_error_of_the_store(scholar: Scholar) -> None:
    (scholar.folder / ".buttermilk" / "jobs.db").mkdir(parents=True)
    with pytest.raises(StoreError):
        plan("verse", root=scholar.folder)
