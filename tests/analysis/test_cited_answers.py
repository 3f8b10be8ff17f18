"""Differences with who holds what, and key points: through the real engine, by a model that says anything."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from buttermilk.analysis.evidence import Evidence, evidence
from buttermilk.analysis.page import Grid, Text
from buttermilk.analysis.report import render
from buttermilk.analysis.sections.differing import differing
from buttermilk.analysis.sections.key_points import key_points
from buttermilk.core.flows import Agent, Flow, Step
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Reply, Request
from buttermilk.engine.run import Engine
from buttermilk.prompts import load_codebook, load_prompt
from buttermilk.stores.sqlite import SqliteStore
from buttermilk.study import looking
from buttermilk.verbs.looking import READ
from keeping import CODEBOOK, record, run
from panels import Asked, ask, flow, judge, keep, opened, reader

pytestmark = pytest.mark.anyio
LIBRARY = Path(looking.__file__).parents[1] / "library"
DIFFERENCES = load_codebook("differences", [LIBRARY / "codebooks"])
KEY_POINTS = load_codebook("key_points", [LIBRARY / "codebooks"])
RECORDS = [record(number, f"line {number}: what a generous master.") for number in range(1, 4)]
Say = Callable[[Job], Any]


class Told:
    """Says what the test tells it."""

    simulated = local = True
    endpoint = "told"

    def __init__(self, say: Say) -> None:
        self._say = say

    async def complete(self, request: Request) -> Reply:
        job = request.job
        said = {"tone": "sad" if job.agent.name == "ann" else "glad"} if job.step == "judge" else self._say(job)
        return Reply(text=json.dumps(said), finish="stop", simulated=True)

    async def close(self) -> None:
        """Nothing is held open."""


def reading(name: str, **more: Any) -> Step:
    book = DIFFERENCES if name == "differences" else KEY_POINTS
    asks = load_prompt({"differences": "differences", "points": "score"}[name], [LIBRARY / "prompts"])
    given = {
        "name": name,
        "agents": (reader("eve"),),
        "prompts": (asks,),
        "codebook": book,
        "reads": {"answers": "judge"},
    }
    return Step(**given | more)


async def told(folder: Path, step: Step, say: Say, records: Any = RECORDS, judges: tuple[Agent, ...] = ()) -> Evidence:
    """The whole of a small study: two judges who disagree, and a step that reads them."""
    method: Flow = flow(judge(agents=judges or (reader("ann"), reader("bo"))), step)
    store: SqliteStore = opened(folder)
    dataset = keep(store, records)
    asked = run("r1", flow=method.name, method=(method,), dataset_fingerprint=dataset.fingerprint)
    store.begin(asked)
    await Engine(store, asked, dataset, lambda agent: Told(say)).go()
    return evidence(store, asked)


def ids(job: Job) -> list[str]:
    """Ann's and Bo's."""
    return [one.shown_id for one in sorted(job.inputs["answers"], key=lambda one: one.agent)]


def difference(passage: str | None, *positions: tuple[str, list[str]], **more: Any) -> dict[str, Any]:
    held = [{"answers": cited, "words": "w", "why": None, "position": said} for said, cited in positions]
    return {"topic": "is it meant?", "passage": passage, "positions": held, "kind": "sense"} | more


def table(section: Any) -> Grid:
    (found,) = [block for block in section.blocks if isinstance(block, Grid)]
    return found


async def test_each_position_is_linked_to_the_agents_who_hold_it_and_ids_of_no_answer_are_named(tmp_path: Path) -> None:
    def say(job: Job) -> Any:
        ann, bo = ids(job)
        lost = ["00000000", "<script>alert(1)</script>"]
        return {"differences": [difference("a generous master", ("it is", [ann]), ("it mocks", [bo, *lost]))]}

    found = await told(tmp_path, reading("differences"), say)
    section = differing(found)
    first, second = table(section).rows[:2]
    (ann,) = [one for one in found.store.answers("r1", "judge", ["v0001"])["v0001"] if one.agent == "ann"]
    assert first[3] == f"ann (simulated) · tja, time 1: {ann.job_id[:8]}"
    assert first[1] == "is it meant? (sense)"
    assert first[5] == "“a generous master” (from sign 14 of the text)"
    assert second[3].splitlines()[1:] == ["none: 00000000", "none: <script>alert(1)</script>"]
    came = found.tally.by["differences", "eve"].cited
    assert (came["exact"], came["missing"]) == (6, 6)
    assert found.tally.whole.quotes == {"exact": 3}  # ids are not mixed with passages
    page = render(found)
    assert "<script>alert(1)" not in page
    assert "Of 12 cited answers, 6 do not exist." in page
    found.store.close()


@pytest.mark.parametrize(
    ("passage", "shown"),
    [
        ("A GENEROUS master", "“A GENEROUS master” (nearly so in the record)"),
        ("a mean master", "“a mean master” (not in the record)"),
        (None, "—"),
        ("glad", "“glad” (not in the record, in an answer)"),
    ],
)
async def test_the_passage_has_its_verdict_beside_it(tmp_path: Path, passage: str | None, shown: str) -> None:
    def say(job: Job) -> Any:
        return {"differences": [difference(passage, ("it is", ids(job)[:1]))]}

    found = await told(tmp_path, reading("differences"), say, RECORDS[:1])
    assert table(differing(found)).rows[0][5] == shown
    found.store.close()


async def test_readers_who_do_not_differ_fill_no_table_and_a_long_one_is_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir(), (tmp_path / "many").mkdir()
    silent = await told(tmp_path / "none", reading("differences"), lambda job: {"differences": []})
    section = differing(silent)
    assert [block.words for block in section.blocks if isinstance(block, Text)] == [
        "Named in 3 answers: 0 differences, on 0 records."
    ]
    assert not [block for block in section.blocks if isinstance(block, Grid)]
    many = await told(
        tmp_path / "many",
        reading("differences"),
        lambda job: {"differences": [difference(None, positions=[])]},
        [record(number) for number in range(1, 21)],
    )
    cut = table(differing(many))
    assert len(cut.rows) == 15
    assert cut.rows[0][2:4] == ("none named", "nobody")
    assert "on the first 15 of 20 records" in cut.caption
    silent.store.close(), many.store.close()


async def test_what_is_cited_is_shown_with_its_names_though_the_job_is_blind(tmp_path: Path) -> None:
    def say(job: Job) -> Any:
        assert {one.agent for one in job.inputs["answers"]} == {"reader 1", "reader 2"}
        shown = [one.shown_id for one in job.inputs["answers"]]
        return {"differences": [difference(None, ("it is", shown), ("it mocks", ["00000000"]))]}

    found = await told(tmp_path, reading("differences", blind=True), say, RECORDS[:1])
    (row,) = found.store.results("r1", "differences")
    job = found.store.job(row["job_id"])
    cited = list(looking._cited(found.store, job, found.store.attempts(row["job_id"])))
    assert {(one["agent"], one["values"]["tone"]) for one in cited} == {("ann", "sad"), ("bo", "glad")}
    assert set(row["quotes"].values()) <= READ.keys()
    held = table(differing(found)).rows[0][3]
    assert re.findall(r"(\w+) \(simulated\)", held) in (["ann", "bo"], ["bo", "ann"])
    found.store.close()


# ---- key points

EXPECTED = "1. The master is called generous. [weight 3]\n2. Somebody is turned out.\n3. Aprons are kept."


def verdict(answer: str | None, point: str, said: str, evidence: str | None = None) -> dict[str, Any]:
    return {"answer": answer, "point": point, "evidence": evidence, "verdict": said}


def points(**more: Any) -> Step:
    return reading("points", variables={"points": (EXPECTED,)}, **more)


async def test_a_score_is_the_weighted_share_of_the_points_made_by_agent(tmp_path: Path) -> None:
    """Ann: met × 3, partly × 1, missed × 1: 3.5/5 = .7. Bo: missed × 3, met × 1, the third not scored: 1/4."""

    def say(job: Job) -> Any:
        ann, bo = ids(job)
        return {
            "points": [
                verdict(ann, "The master is called generous.", "met", "a generous master"),
                verdict(ann, "somebody is  turned out", "partly"),
                verdict(ann, "3. Aprons are kept.", "missed"),
                verdict(bo, "The master is called generous. [weight 3]", "missed"),
                verdict(bo, "Somebody is turned out.", "met", "words that are not there"),
                verdict(bo, "The moon is green.", "met", "a generous master"),
            ]
        }

    found = await told(tmp_path, points(), say)
    ann, bo = table(key_points(found)).rows
    assert ann == ("ann (simulated)", "eve (simulated)", "70.0% [70.0, 70.0]", "3", "9", "0", "0", "3")
    assert bo == ("bo (simulated)", "eve (simulated)", "25.0% [25.0, 25.0]", "3", "9", "3", "3", "3")
    found.store.close()


async def test_an_item_is_scored_where_nothing_is_read_and_a_made_up_answer_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    alone = points(reads={}, arm="control")
    item = await told(
        tmp_path / "a",
        alone,
        lambda job: {"points": [verdict(None, EXPECTED.split("\n", maxsplit=1)[0], "met", "line")]},
    )
    assert [cells[0] for cells in table(key_points(item)).rows] == ["the item"]
    lost = await told(
        tmp_path / "b", points(), lambda job: {"points": [verdict("00000000", "Aprons are kept", "met", "line")]}
    )
    assert [cells[0] for cells in table(key_points(lost)).rows] == ["an answer that does not exist"]
    item.store.close(), lost.store.close()


async def test_a_scorer_without_verdicts_gives_nobody_a_score_and_no_nought(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    none = await told(tmp_path / "a", points(), lambda job: {"points": []})
    assert [block.words for block in key_points(none).blocks if isinstance(block, Text)] == ["No points were scored."]
    other = await told(
        tmp_path / "b", points(), lambda job: {"points": [verdict(ids(job)[0], "The moon is green.", "met", "line")]}
    )
    (ann,) = table(key_points(other)).rows
    assert ann[2] == "undefined: nothing to compare"
    none.store.close(), other.store.close()


async def test_the_report_flags_a_scorer_of_the_same_family(tmp_path: Path) -> None:
    judges = (
        reader("ann").model_copy(update={"model": "gpt-5"}),
        reader("bo").model_copy(update={"model": "claude-x"}),
    )
    scorer = reader("eve").model_copy(update={"model": "gpt-5-mini"})
    found = await told(tmp_path, points(agents=(scorer,)), lambda job: {"points": []}, judges=judges)
    (flag,) = [block.words for block in key_points(found).blocks if isinstance(block, Text) and block.kind == "caution"]
    assert flag.startswith(
        "eve in the step “points” scores answers of its own family (openai: ann): models favour their kin"
    )
    found.store.close()


async def test_a_simulated_scorer_goes_through_every_point_of_every_answer(tmp_path: Path) -> None:
    store = opened(tmp_path)
    method = flow(judge(agents=(reader("ann"), reader("bo"))), points())
    await ask(store, method, RECORDS, Asked())
    for row in store.results("r1", "points"):
        entries = row["answers"]["points"]
        assert len(entries) == 6
        assert len({(one["answer"], one["point"]) for one in entries}) == 6
        assert {row["quotes"][f"points.{n}.answer"] for n in range(1, 7)} == {"exact"}
    store.close()


async def test_a_simulated_reader_cites_answers_that_exist_but_for_its_errors(tmp_path: Path) -> None:
    store = opened(tmp_path)
    eve = reader("eve", accuracy=0.8)
    method = flow(judge(agents=(reader("ann"), reader("bo")), codebook=CODEBOOK), reading("differences", agents=(eve,)))
    await ask(store, method, [record(number) for number in range(60)], Asked())
    verdicts = [
        said
        for row in store.results("r1", "differences")
        for path, said in row["quotes"].items()
        if ".answers." in path
    ]
    assert 0.02 < verdicts.count("missing") / len(verdicts) < 0.25
    store.close()
