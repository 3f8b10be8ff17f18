"""`prompts watch`: a provider that changes under a name, on the day it does, and nobody crying wolf on the others."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from answering import answering, http
from buttermilk.core.errors import ConfigError
from buttermilk.study.cases import try_prompts
from buttermilk.study.watching import Seen, pin, watch_prompts
from buttermilk.testing import MockProvider
from scholar import Scholar

pytestmark = pytest.mark.anyio

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
NOUNS = (
    "bridge",
    "harbour",
    "orchard",
    "ferry",
    "market",
    "school",
    "bell",
    "river",
    "tower",
    "garden",
    "mill",
    "road",
)


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    """A model that answers as models do: mostly the same, now and then something else."""
    with MockProvider(pwaver=20, model_returned="m-0801", system_fingerprint="fp_1") as mock:
        yield mock


def study(scholar: Scholar, mock: MockProvider) -> Path:
    cases = {
        f"the_{noun}": {"text": f"They spoke of the {noun}.", "expect": [{"label-in": {"harmful": ["no"]}}]}
        for noun in NOUNS
    }
    scholar.writes("codebooks/view.yaml", 'questions:\n  harmful: {ask: "Harm?", labels: ["yes", "no"]}\n')
    scholar.writes("prompts/view.md", "# user\n{{ record.text }}\n{{ codebook.instructions }}\n")
    tests = {"codebook": "view", "agents": ["mock"], "repeats": 5, "cases": cases}
    scholar.writes("prompts/view.tests.yaml", json.dumps(tests))
    said = {"type": "openai", "model": "m", "base_url": mock.url, "limits": {"start": 64}}
    scholar.writes("conf/agent/mock.yaml", json.dumps(said))
    return scholar.folder


async def seen_on(root: Path, day: int) -> Seen:
    (seen,) = await watch_prompts("view", live=True, root=root, now=lambda: MONDAY + timedelta(days=day))
    return seen


async def first_day(root: Path) -> None:
    with pytest.raises(ConfigError, match="no baseline"):
        await watch_prompts("view", root=root)
    await try_prompts("view", live=True, root=root, now=lambda: MONDAY)
    pin("view", root=root)


async def test_a_provider_that_changes_silently_on_the_third_day_of_five_is_caught_on_that_day(
    scholar: Scholar, mock: MockProvider
) -> None:
    root = study(scholar, mock)
    await first_day(root)
    quiet = await seen_on(root, 1)
    assert (quiet.found.alarms, quiet.found.moved) == ((), ())

    mock.configure(character=1, model_returned="m-1101", system_fingerprint="fp_2")
    loud = await seen_on(root, 2)
    assert {alarm.kind for alarm in loud.found.alarms} >= {"model", "labels"}
    assert {alarm.cause for alarm in loud.found.alarms} == {"model"}
    assert loud.found.moved == ("model",)
    told = next(alarm.said for alarm in loud.found.alarms if alarm.kind == "labels")
    assert told.startswith("Since the baseline of 2026-11-23, mock says '")
    assert "changed from m-0801 to m-1101; prompt, cases and buttermilk are the same: the model moved." in told

    pin("view", root=root)  # the scholar has heard, and goes on from here
    for day in (3, 4):
        later = await seen_on(root, day)
        assert (later.found.alarms, later.found.moved) == ((), ())
    assert [run["kind"] for run in runs(scholar)] == ["test"] * 5


async def test_a_model_that_changes_without_a_new_name_is_caught_by_its_answers(
    scholar: Scholar, mock: MockProvider
) -> None:
    root = study(scholar, mock)
    await first_day(root)
    mock.configure(character=1)
    found = (await seen_on(root, 1)).found
    assert {alarm.cause for alarm in found.alarms} == {"model"}
    assert "does not say so" in found.alarms[0].said


async def test_a_new_fingerprint_alone_is_a_note_and_no_alarm(scholar: Scholar, mock: MockProvider) -> None:
    root = study(scholar, mock)
    await first_day(root)
    mock.configure(system_fingerprint="fp_9")
    found = (await seen_on(root, 1)).found
    assert found.alarms == ()
    assert any("fp_9" in note for note in found.notes)


async def test_what_the_scholar_changed_is_no_alarm(scholar: Scholar, mock: MockProvider) -> None:
    root = study(scholar, mock)
    await first_day(root)
    scholar.changes("prompts/view.md", "{{ record.text }}", "Think of a bad day.\n{{ record.text }}")
    found = (await seen_on(root, 1)).found
    assert found.alarms == ()
    assert found.moved == ("prompt",)
    assert {alarm.cause for alarm in found.changed} == {"prompt"}


async def test_an_edited_case_is_not_compared_and_named(scholar: Scholar, mock: MockProvider) -> None:
    root = study(scholar, mock)
    await first_day(root)
    scholar.changes("prompts/view.tests.yaml", "They spoke of the bell.", "They rang the bell.")
    found = (await seen_on(root, 1)).found
    assert (found.alarms, found.moved) == ((), ("data",))
    assert any("the_bell" in note for note in found.notes)


async def test_an_alarm_is_told_where_the_study_says_and_a_quiet_day_is_not(
    scholar: Scholar, mock: MockProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = study(scholar, mock)
    async with answering(lambda asked: http("ok")) as hook:
        monkeypatch.setenv("HOOK", f"{hook.url}/T0/secret-path")
        scholar.writes("conf/config.yaml", "notify: secret://env/HOOK\n")
        await first_day(root)
        await seen_on(root, 1)
        assert hook.asked == []
        mock.configure(character=1, model_returned="m-1101")
        await seen_on(root, 2)
    (told,) = hook.asked
    assert told.json["text"].startswith("view (test-view-2026-11-25):\nSince the baseline of 2026-11-23, mock ")
    assert not any(b"secret-path" in path.read_bytes() for path in root.rglob("*") if path.is_file())


def runs(scholar: Scholar) -> list[dict[str, str]]:
    """As they lie in the store."""
    return [json.loads(row[3]) for row in scholar.answers()["runs"]]
