"""Asking models behind an address: named or not, down, dear, or with a key that nobody else may see."""

import re
import time
from pathlib import Path

import pytest

from buttermilk.testing import MockProvider
from scholar import LAST_LINE, Scholar, is_plain

PLANTED = "planted-key-that-nobody-may-see-4711"
AGENT = """type: openai
model: mock
base_url: {url}
key: secret://env/SCHOLARS_KEY
headers: {{X-Project: secret://env/SCHOLARS_KEY}}
price: {{input: 1000000, output: 0, source: the test, dated: "2026-11-22"}}
limits: {{concurrency: 2, start: 2}}
"""


def test_a_servers_only_model_need_not_be_named(scholar: Scholar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buttermilk.testing.provider.MODELS", ("llama-9",))
    with MockProvider() as mock:
        plan = scholar.types("plan", "verse", f"agents=[{mock.url}]", "limit=2", "--json").json
        assert {row["planned"] for row in plan["rows"]} == {2, 8}
        assert mock.stats()["requests"] == 0  # a list of models is no question
        said = scholar.types("run", "verse", f"agents=[{mock.url}]", "limit=2")
        assert said.counts["answered"] == 10
        assert {one["body"]["model"] for one in mock.requests() if one["method"] == "POST"} == {"llama-9"}
    scholar.types("export", "a.csv")
    assert {row["model"] for row in scholar.table("a.csv")} == {"llama-9"}


def test_of_several_models_one_is_to_be_named(scholar: Scholar) -> None:
    with MockProvider() as mock:
        said = scholar.types("run", "verse", f"agents=[{mock.url}]", code=2)
        assert "serves 2 models" in said.err
        assert "gpt-4o-mini, mock" in said.err
        assert f"{mock.url}#gpt-4o-mini" in said.err
        assert is_plain(said.err)
        assert scholar.types("run", "verse", f"agents=[{mock.url}#mock]", "limit=1").counts["answered"] == 5


def test_the_demo_asks_a_server_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scholar = Scholar(tmp_path, monkeypatch.chdir)
    with MockProvider() as mock:
        said = scholar.types("demo", "--agents", f"{mock.url}#mock", "limit=3", "--into", "verses")
        shown = said.counts["answered"] - 3 * (
            2 + 6 + 1
        )  # of the second wave, by those who were shown what others said
        assert 0 < shown <= 3 * 6
        assert mock.stats()["answered"] == 2 * 3 * (6 + 1) + shown
    assert "Report: " in said.out
    again = scholar.types("demo", "--agents", "reader_a", "limit=3", "--into", "verses")
    assert again.counts["remaining"] == 0


@pytest.mark.parametrize("agents", ["nonsense", "!!", "http://", "gpt-5"])
def test_an_agent_that_is_none_is_named_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agents: str
) -> None:
    said = Scholar(tmp_path, monkeypatch.chdir).types("demo", "--agents", agents, code=2)
    assert agents in said.err
    assert is_plain(said.err), said.err


def test_a_server_that_is_down_and_names_no_model_is_exit_one(scholar: Scholar) -> None:
    said = scholar.types("run", "verse", "agents=[http://127.0.0.1:9/v1]", code=1)
    assert "cannot be reached" in said.err
    assert "http://127.0.0.1:9/v1#MODEL" in said.err
    assert is_plain(said.err), said.err
    assert scholar.asked() == 0


@pytest.mark.slow
def test_a_provider_that_is_down_ends_the_run_within_half_a_minute(scholar: Scholar) -> None:
    began = time.monotonic()
    said = scholar.types("run", "verse", "agents=[http://127.0.0.1:9/v1#m]", code=1)
    assert time.monotonic() - began < 30
    assert said.counts["answered"] == 0
    assert "http://127.0.0.1:9/v1 gives no answers" in said.err
    assert "Is the server running" in said.err
    assert is_plain(said.err + said.out), said.err
    scholar.types("export", "a.csv")
    assert {row["status"] for row in scholar.table("a.csv")} == {"failed"}
    assert {row["label"] for row in scholar.table("a.csv")} == {""}


def test_what_a_provider_cannot_take_is_said_once_and_in_its_words(scholar: Scholar) -> None:
    with MockProvider() as mock:
        scholar.writes(
            "conf/agent/odd.yaml", f"type: openai\nmodel: m\nbase_url: {mock.url}\nparameters: {{stream: true}}"
        )
        said = scholar.types("run", "verse", "agents=[odd]", code=1)
    assert said.err.count("the mock does not stream") == 1
    assert is_plain(said.err), said.err


def test_a_budget_stops_the_run_and_a_larger_one_lets_it_go_on(
    scholar: Scholar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHOLARS_KEY", PLANTED)
    with MockProvider(prompt_tokens=1, completion_tokens=1, latency_ms=20) as mock:
        scholar.writes("conf/agent/dear.yaml", AGENT.format(url=mock.url))
        scholar.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [dear]")
        plan = scholar.types("plan", "verse")
        assert "Price of dear: the test (2026-11-22)." in plan.out
        said = scholar.types("run", "verse", "run.budget.money=5", code=3)
        assert 5 <= mock.stats()["answered"] <= 5 + 2  # what it costs is one for each, and two are asked at a time
        assert "the budget of 5.00 USD is reached" in said.out
        assert "type the same command again" in said.err + said.out
        assert said.counts["remaining"] > 0
        scholar.types("report")
        assert scholar.types("run", "verse", "run.budget.money=500").counts["remaining"] == 0
        assert mock.stats()["answered"] == 16


def test_a_run_that_goes_on_goes_by_the_key_and_the_limits_that_are_written_now(
    scholar: Scholar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHOLARS_KEY", PLANTED)
    monkeypatch.setenv("NEW_KEY", "a-key-that-was-changed-2222")
    with MockProvider(prompt_tokens=1, completion_tokens=1) as mock:
        scholar.writes("conf/agent/dear.yaml", AGENT.format(url=mock.url))
        scholar.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [dear]")
        scholar.types("run", "verse", "run.budget.money=2", code=3)
        scholar.changes("conf/agent/dear.yaml", "SCHOLARS_KEY", "NEW_KEY")
        scholar.types("run", "verse", "run.budget.money=500")
        assert mock.requests()[0]["headers"]["authorization"].endswith(PLANTED[-4:])
        assert mock.requests()[-1]["headers"]["authorization"].endswith("2222")
        assert mock.stats()["answered"] == 16


@pytest.mark.parametrize("cap", ["money=5", "tokens=1000"])
def test_a_batch_is_not_handed_over_under_a_cap_that_could_not_hold(
    scholar: Scholar, monkeypatch: pytest.MonkeyPatch, cap: str
) -> None:
    monkeypatch.setenv("SCHOLARS_KEY", PLANTED)
    with MockProvider() as mock:
        scholar.writes("conf/agent/dear.yaml", AGENT.format(url=mock.url))
        said = scholar.types("run", "verse", "agents=[dear]", "run.mode=batch", f"run.budget.{cap}", code=2)
        assert mock.stats()["requests"] == 0
    assert "a batch cannot be stopped by a budget" in said.err
    assert is_plain(said.err), said.err


def test_a_key_in_dot_env_is_sent_and_kept_nowhere(scholar: Scholar) -> None:
    scholar.writes(".env", f"# mine\nexport SCHOLARS_KEY='{PLANTED}'\n")
    with MockProvider() as mock:
        scholar.writes("conf/agent/dear.yaml", AGENT.format(url=mock.url))
        scholar.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [dear]")
        said = [scholar.types("plan", "verse"), scholar.types("run", "verse", "--json"), scholar.types("doctor")]
        assert mock.requests()[-1]["headers"]["authorization"].endswith(PLANTED[-4:])  # it shows no more of a key
        mock.configure(p500=100)
        said.append(scholar.types("run", "verse", "wave=2", "limit=1", "agent.dear.limits.attempts=1", code=1))
    job = scholar.answers()["jobs"][0][0]
    said += [scholar.types(*words) for words in (["show", job], ["show", job, "--json"], ["status", "--json"])]
    for kind in ("csv", "jsonl"):
        scholar.types("export", f"a.{kind}")
    said.append(scholar.types("report"))
    assert [one for one in said if PLANTED in one.out + one.err] == []
    holding = [
        name.name for name in scholar.folder.rglob("*") if name.is_file() and PLANTED.encode() in name.read_bytes()
    ]
    assert holding == [".env"]


def test_a_plan_without_the_key_says_so_and_a_run_does_not_begin(scholar: Scholar) -> None:
    said = scholar.types("plan", "verse", "agents=[gpt]", "limit=1")
    assert "agent 'gpt' cannot be asked yet: there is no secret 'OPENAI_API_KEY'" in said.out
    assert "USD" in said.out
    files = scholar.files()
    scholar.types("run", "verse", "agents=[gpt]", code=2)
    assert scholar.asked() == 0
    assert scholar.answers()["runs"] == []
    assert scholar.files() == files


def test_an_unknown_price_is_not_nothing(scholar: Scholar) -> None:
    said = scholar.types("plan", "verse", "agents=[local]").out
    assert "Cost: what local takes." in said
    assert "price unknown" in said
    both = scholar.types("plan", "verse", "agents=[local,gpt]").out
    assert re.search(r"Cost: [\d.]+ – [\d.]+ USD and what local takes\.", both)


def test_status_counts_what_the_last_line_of_the_run_counted(scholar: Scholar) -> None:
    with MockProvider(prefuse=30) as mock:
        ran = scholar.types("run", "verse", f"agents=[{mock.url}#mock]")
    said = scholar.types("status")
    assert LAST_LINE.search(said.out)
    assert {**said.counts, "skipped": 0} == {**ran.counts, "skipped": 0}
    assert ran.counts["refused"] > 0
