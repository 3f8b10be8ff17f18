"""`prompts test` as a function: cases asked live, recorded, judged again offline; what is not met, in plain words."""

import asyncio
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from answering import Asked, answering, chat, http
from buttermilk.cases.judging import Outcome
from buttermilk.core.errors import ConfigError, SecretError
from buttermilk.study.cases import Tried, try_prompts
from buttermilk.study.verdicts import lines
from scholar import Scholar

pytestmark = pytest.mark.anyio

MOMENT = datetime(2026, 11, 26, 9, tzinfo=UTC)
TEXT = "The minister called them vermin, the paper reported, and was met with jeers."
REPLY = {
    "reason": "The paper reports the word, and the jeers answer it; as an AI, I would add no more.",
    "harmful": "no",
    "confidence": 0.4,
    "evidence": "was met with cheers",
}
# Each of these is not met by the reply above: the check, what is expected, and what is said of it (@: what came).
NOT_MET: list[tuple[str, str, str]] = [
    ("equals", '{equals: "yes", question: harmful}', "'harmful' equals “yes” @ “no”"),
    ("contains", "{contains: vermin, question: reason}", "'reason' contains “vermin” @ “The paper reports the word"),
    ("not-icontains", '{not-icontains: "as an ai", question: reason}', "not wanted: 'reason' contains “as an ai”"),
    ("starts-with", "{starts-with: Because, question: reason}", "'reason' starts with “Because”"),
    ("regex", "{regex: '\\b\\d{4}\\b', question: reason}", r"'reason' matches \b\d{4}\b; came"),
    ("schema", "{schema: {type: object, required: [harmful, who]}}", "the form of the schema @ $ has no 'who'"),
    ("json-path", '{json-path: {path: "$.frames"}}', "the reply has $.frames, which exists @ nothing there"),
    ("one-of", '{one-of: ["yes", unclear], question: harmful}', "'harmful' is one of “yes”, “unclear” @ “no”"),
    ("label-in", '{label-in: {harmful: ["yes"]}}', "the reply answers 'harmful' “yes” @ 'harmful' “no”"),
    ("number", '{number: ">= 0.5", question: confidence}', "'confidence' is a number >= 0.5 @ 0.4"),
    ("word-count", "{word-count: {to: 5}, question: reason}", "to 5 @ 18 words"),
    ("levenshtein", '{levenshtein: {to: nor, "at most": 0}, question: harmful}', "at most 0 signs from “nor”"),
    ("rouge-l", "{rouge-l: {to: it rains}, question: reason, threshold: 0.5}", "a ROUGE-L of 0.5 with “it rains”"),
    ("refusal", "refusal: true", "the reply is a refusal"),
    ("finish-reason", "finish-reason: length", "ends by length @ stop"),
    ("latency", "latency: 0.000001", "takes at most 1e-06 s; came"),
    ("cost", "cost: 0.00001", "costs at most 1e-05 @ 0.0012 USD"),
    ("tokens", "tokens: {output: 3}", "at most 3 output tokens @ 100 input, 20 output"),
    ("quote", "quote: evidence", "“was met with cheers”, which is not in it"),
    ("agreement", "{agreement: 3, question: harmful}", "at least 3 of 2 repeats"),
    ("flip", "{flip: the_other_case, question: harmful}", "“no” in this_case, “no” in the_other_case"),
    ("calibration", "{calibration: {from: 0.6, to: 0.9}, question: confidence}", "0.6 to 0.9; came: 0.4 from 2 of 2"),
    ("assert-set", "assert-set: [{contains: vermin}, {contains: jeers}]", "all of contains, contains pass"),
]  # fmt: skip


def study(scholar: Scholar, expected: list[str], repeats: int = 2, agents: str = "mock") -> Path:
    scholar.writes(
        "codebooks/view.yaml",
        'questions:\n  reason: {ask: "Why?", level: text}\n  harmful: {ask: "Harm?", labels: ["yes", "no"]}\n'
        '  confidence: {ask: "How sure?", level: interval}\n  evidence: {ask: "Which words?", level: text}\n',
    )
    listed = "".join(f"        - {one}\n" for one in expected)
    scholar.writes(
        "prompts/view.tests.yaml",
        f"codebook: view\nagents: [{agents}]\nrepeats: {repeats}\ncases:\n  this_case:\n    text: {TEXT}\n"
        f"    expect:\n{listed}  the_other_case:\n    text: The bridge was opened.\n    expect: [is-json: true]\n",
    )
    scholar.writes("prompts/view.md", "# user\n{{ record.text }}\n{{ codebook.instructions }}\n")
    return scholar.folder


def agent(scholar: Scholar, url: str, **more: Any) -> None:
    said = {"type": "openai", "model": "m", "base_url": url, **more}
    said["price"] = {"input": 10, "output": 10, "source": "the test", "dated": "2026-11-26"}
    scholar.writes("conf/agent/mock.yaml", json.dumps(said))


def of(tested: list[Tried], case: str = "this_case") -> Outcome:
    (one,) = tested
    return next(outcome for outcome in one.outcomes if outcome.case == case)


def reply(asked: Asked) -> bytes:
    return http(chat(json.dumps(REPLY)))


async def test_twenty_three_kinds_of_expectation_fail_readably_one_by_one(scholar: Scholar) -> None:
    async with answering(reply) as server:
        agent(scholar, server.url)
        root = study(scholar, [expected for _, expected, _ in NOT_MET])
        tested = await try_prompts("view", live=True, root=root)
    outcome = of(tested)
    assert outcome.passed is False
    assert len({name for name, _, _ in NOT_MET}) == len(NOT_MET) == 23
    for (name, _, said), judged, (mark, words) in zip(NOT_MET, outcome.judged, lines(outcome), strict=True):
        assert (mark, judged.expectation.name, judged.verdict.passed) == ("✗", name, False)
        assert said.replace(" @ ", "; came in 2 of 2 repeats: ") in words
        assert "\n" not in words
        assert len(words) < 420
    assert of(tested, "the_other_case").passed is True


async def test_what_is_met_passes_and_is_judged_again_offline_from_what_was_recorded(scholar: Scholar) -> None:
    met = ['{label-in: {harmful: ["no"]}}', "{contains: jeers, question: reason}", "{agreement: 2, question: harmful}"]
    async with answering(reply) as server:
        agent(scholar, server.url)
        root = study(scholar, met)
        live = await try_prompts("view", live=True, root=root)
        asked = len(server.asked)
        offline = await try_prompts("view", root=root)
        assert len(server.asked) == asked == 4
    assert [one.passed for tested in (live, offline) for one in tested[0].outcomes] == [True] * 4
    assert (live[0].run, offline[0].run) == (f"test-view-{live[0].run[-10:]}", "")
    whys = [[one.verdict.why for one in of(tested).judged] for tested in (live, offline)]
    assert whys[0] == whys[1]


async def test_two_live_tests_of_one_moment_each_ask(scholar: Scholar) -> None:
    async with answering(reply) as server:
        agent(scholar, server.url)
        root = study(scholar, ["is-json: true"])
        tried = [await try_prompts("view", live=True, root=root, now=lambda: MOMENT) for _ in range(2)]
        assert len(server.asked) == 2 * 4
    assert [one.run for (one,) in tried] == ["test-view-2026-11-26", "test-view-2026-11-26-2"]


async def test_an_edited_expectation_is_judged_offline_without_asking_again(scholar: Scholar) -> None:
    async with answering(reply) as server:
        agent(scholar, server.url)
        root = study(scholar, ['{label-in: {harmful: ["no"]}}'])
        await try_prompts("view", live=True, root=root)
    scholar.changes("prompts/view.tests.yaml", '["no"]', '["yes"]')
    assert of(await try_prompts("view", root=root)).passed is False


async def test_a_changed_prompt_has_no_recording_and_says_so(scholar: Scholar) -> None:
    async with answering(reply) as server:
        agent(scholar, server.url)
        root = study(scholar, ["is-json: true"])
        await try_prompts("view", live=True, root=root)
    scholar.changes("prompts/view.md", "{{ record.text }}", "Read: {{ record.text }}")
    (tested,) = await try_prompts("view", root=root)
    assert tested.unrecorded == ("mock",)
    assert not tested.passed
    assert "the call failed (not_recorded)" in of([tested]).judged[0].verdict.why


async def test_recordings_alone_test_a_prompt_on_another_machine(scholar: Scholar, tmp_path: Path) -> None:
    """In a fresh clone there is no store, no key and no server."""
    async with answering(reply) as server:
        agent(scholar, server.url)
        root = study(scholar, ["is-json: true"])
        await try_prompts("view", live=True, root=root)
    scholar.changes("conf/agent/mock.yaml", '"model": "m"', '"model": "m", "key": "secret://env/NOBODY_HAS_IT"')
    clone = tmp_path / "clone"
    shutil.copytree(root, clone, ignore=shutil.ignore_patterns(".buttermilk"))
    assert [one.passed for one in await try_prompts("view", root=clone)] == [True]
    assert not (clone / ".buttermilk").exists()


async def test_a_down_model_turns_no_light_green(scholar: Scholar) -> None:
    expected = ["not-contains: vermin", "not-refusal: true", "{not-regex: x, question: reason}"]
    async with answering(lambda asked: http({"error": {"message": "no such model"}}, 404)) as server:
        agent(scholar, server.url)
        (tested,) = await try_prompts("view", live=True, root=study(scholar, expected))
    assert [one.verdict.passed for one in of([tested]).judged] == [False] * 3
    assert not (scholar.folder / "prompts" / "recordings").exists()


async def test_a_rubrics_judge_is_asked_recorded_and_stored_with_the_run(scholar: Scholar) -> None:
    def judged(asked: Asked) -> bytes:
        if "You judge the answer" in asked.json["messages"][0]["content"]:
            return http(chat('{"reason": "It says why.", "verdict": "pass", "score": 0.9}'))
        return reply(asked)

    async with answering(judged) as server:
        agent(scholar, server.url)
        root = study(scholar, ['{rubric: {agent: mock, criteria: "It says why."}, question: reason, metric: reasons}'])
        live = await try_prompts("view", live=True, root=root)
        count = len(server.asked)
        offline = await try_prompts("view", root=root)
        assert len(server.asked) == count == 4 + 2
    for tested in (live, offline):
        assert (of(tested).passed, of(tested).judged[0].verdict.score) == (True, pytest.approx(0.9))
    scholar.types("export", "a.csv", live[0].run)
    steps = [row["step"] for row in scholar.table("a.csv")]
    assert (steps.count("rubric"), steps.count("test")) == (2 * 3, 4 * 4)


async def test_nearness_in_meaning_is_asked_of_an_embedder_recorded_and_judged_again(scholar: Scholar) -> None:
    def told(asked: Asked) -> bytes:
        if "/embeddings" not in asked.head:
            return reply(asked)
        vectors = [[1.0, 0.2 if "jeers" in text else 0.1] for text in asked.json["input"]]
        return http({"model": "e", "data": [{"index": n, "embedding": one} for n, one in enumerate(vectors)]})

    async with answering(told) as server:
        agent(scholar, server.url)
        embeds = {"type": "similarity", "model": "e", "base_url": server.url}
        embeds["parameters"] = {"references": {"a": ["b"]}, "answers": {"harmful": [{"label": "no"}]}}
        scholar.writes("conf/agent/near.yaml", json.dumps(embeds))
        root = study(scholar, ["{similar: {to: They mocked her.}, question: reason, threshold: 0.9}"])
        scholar.changes("prompts/view.tests.yaml", "repeats: 2", "repeats: 2\nembedder: near")
        live = await try_prompts("view", live=True, root=root)
        count = len(server.asked)
        offline = await try_prompts("view", root=root)
        assert len(server.asked) == count
    scores = [of(tested).judged[0].verdict.score for tested in (live, offline)]
    assert scores[0] == scores[1] == pytest.approx(0.995229, abs=1e-6)  # 1.02 / (sqrt(1.01) sqrt(1.04))


async def test_the_budget_of_the_study_ends_a_test(scholar: Scholar) -> None:
    async with answering(reply) as server:
        agent(scholar, server.url, limits={"concurrency": 1, "start": 1})
        root = study(scholar, ["is-json: true"], repeats=20)
        scholar.writes("conf/config.yaml", "run: {budget: {money: 0.003}}\n")
        (tested,) = await try_prompts("view", live=True, root=root)
        asked = len(server.asked)
        assert asked < 10
        assert "budget" in tested.over
        assert not tested.outcomes  # some repeats of a case are not the case
        scholar.writes("conf/config.yaml", "run: {budget: {money: 1}}\n")
        (whole,) = await try_prompts("view", live=True, root=root)
        assert whole.run == tested.run
        assert len(server.asked) == 40  # two cases, and none of them twice
        assert [len(one.answers) for one in whole.outcomes] == [20, 20]
        (offline,) = await try_prompts("view", root=root)
        assert not offline.unrecorded
    assert offline.passed


async def test_a_test_that_was_stopped_goes_on_where_it_stopped(scholar: Scholar) -> None:
    third = asyncio.Event()

    def silent_once(asked: Asked) -> bytes | None:
        if len(server.asked) == 3:
            third.set()
            return None
        return reply(asked)

    async with answering(silent_once) as server:
        agent(scholar, server.url, limits={"concurrency": 1, "start": 1})
        root = study(scholar, ["is-json: true"])
        testing = asyncio.ensure_future(try_prompts("view", live=True, root=root))
        await third.wait()
        testing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await testing
        (tested,) = await try_prompts("view", live=True, root=root)
        assert len(server.asked) == 5  # four, and again the one that was on its way
        (offline,) = await try_prompts("view", root=root)
    assert len(scholar.answers()["runs"]) == 1
    assert [len(one.answers) for one in tested.outcomes] == [2, 2]
    assert not offline.unrecorded


async def test_a_test_run_is_not_the_studys_latest_run(asked: Scholar) -> None:
    (tested,) = await try_prompts("view", agents=["rehearsal"], live=True, root=study(asked, ["is-json: true"]))
    assert tested.simulated
    assert asked.types("status", "--json").json["flow"] == "verse"
    assert asked.types("status", tested.run, "--json").json["answered"] == 4


async def test_a_missing_key_or_agent_is_told_before_a_run_begins(scholar: Scholar) -> None:
    root = study(scholar, ["is-json: true"])
    with pytest.raises(ConfigError, match=r"no agent 'mock'"):
        await try_prompts("view", live=True, root=root)
    agent(scholar, "http://127.0.0.1:9/v1", key="secret://env/NOBODY_HAS_IT")
    with pytest.raises(SecretError):
        await try_prompts("view", live=True, root=root)
    scholar.changes("prompts/view.tests.yaml", "repeats: 2", "repeats: 2\nembedder: wordlist")
    with pytest.raises(ConfigError, match="'wordlist' embeds nothing"):
        await try_prompts("view", agents=["rehearsal"], root=root)
    scholar.changes("prompts/view.tests.yaml", "\nembedder: wordlist", "")
    with pytest.raises(ConfigError, match="'wordlist' is a tool"):
        await try_prompts("view", agents=["wordlist"], root=root)
    assert not scholar.store.exists() or not scholar.answers()["runs"]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("{metamorphic: nobody, question: harmful}", "no other case 'nobody'"),
        ("{flip: this_case, question: harmful}", "no other case 'this_case'"),
        ("{contains: a, question: harmfull}", "no question 'harmfull'"),
        ("regex: '('", "regex"),
        ("{similar: {to: They jeered.}, threshold: 0.9}", "no embedder is named"),
        ("assert-set: [{similar: {to: They jeered.}, threshold: 0.9}]", "no embedder is named"),
        ('label-in: {harmful: ["nope"]}', "'harmful' has no label 'nope'"),
    ],
)
async def test_an_expectation_that_cannot_be_used_is_told_with_its_line(
    scholar: Scholar, expected: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        await try_prompts("view", agents=["rehearsal"], root=study(scholar, [expected]))
    assert said in str(error.value)
    assert "prompts/view.tests.yaml:8" in error.value.where
