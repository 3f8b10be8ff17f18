"""Points that are expected, ids that are cited, and which models are of one family."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import answer, job
from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Question, Step
from buttermilk.core.kinship import family, only_family, scored_by_kin
from buttermilk.core.points import Point, expected_points, point, points_of
from buttermilk.core.quotes import checked
from buttermilk.engine.plan import blinded

VERDICT = Question(
    name="verdict", ask="Is it met?", level="ordinal", labels=tuple(LabelDefinition(name=n) for n in ("missed", "met"))
)
WORDS = Question(name="point", ask="Which?", level="text")
POINTS = Codebook(
    name="points", questions=(Question(name="all", ask="All?", level="group", many=True, parts=(WORDS, VERDICT)),)
)
CITES = Codebook(
    name="cites",
    questions=(
        Question(name="one", ask="Which?", level="answer", optional=True),
        Question(name="held", ask="Who?", level="answer", many=True),
        Question(name="words", ask="What?", level="quote"),
    ),
)
TONE = Codebook(name="tone", questions=(VERDICT,))


def model(name: str, **more: str) -> Agent:
    return Agent.model_validate({"name": name.rsplit("/", maxsplit=1)[-1], "type": "openai", "model": name, **more})


@pytest.mark.parametrize(
    ("line", "words", "weight"),
    [
        ("1. The doctor could not cross. [weight 2]", "The doctor could not cross.", 2),
        ("- The doctor could not cross.", "The doctor could not cross.", 1),
        ("The doctor [who was late] could not cross", "The doctor [who was late] could not cross", 1),
        ("12) It  cost 3 [weight 0.5]", "It cost 3", 0.5),
        ("1911 was dry.", "1911 was dry.", 1),
        ("[weight 2]", "", 2),
        ("As Nelson argues [12]", "As Nelson argues [12]", 1),
        ("", "", 1),
    ],
)
def test_a_line_is_a_point_with_its_weight(line: str, words: str, weight: float) -> None:
    assert point(line) == Point(words, weight)


def test_a_point_is_known_again_as_a_scorer_copies_it() -> None:
    assert point("2. The Ferryman  was not informed. [weight 3]").key == point("the ferryman was not informed").key


@given(st.text())
def test_any_text_is_a_point_and_no_blank_line_is_one(text: str) -> None:
    assert isinstance(point(text.replace("\n", " ")), Point)
    assert all(one.words for one in expected_points({}, {"points": text}))


@pytest.mark.parametrize("hostile", [" ", "[", "[weight 1", "- ", "1. "])
def test_a_hostile_line_takes_no_time(hostile: str) -> None:
    began = time.process_time()
    point(f"a{hostile * 50_000}b")
    assert time.process_time() - began < 1


def test_the_points_of_the_step_go_before_those_of_the_record() -> None:
    assert [one.words for one in expected_points({"points": "1. a\n\n2. b"}, {"points": "c"})] == ["a", "b"]
    assert [one.words for one in expected_points({}, {"points": "c"})] == ["c"]
    assert expected_points({}, {}) == []


def test_a_codebook_scores_points_where_its_entries_have_a_point_and_a_verdict() -> None:
    assert points_of(POINTS) == POINTS.questions[0]
    assert points_of(TONE) is None
    assert points_of(CITES) is None


# ---- ids


def test_an_id_is_found_only_among_the_answers_that_this_job_read() -> None:
    read = {
        "answers": (answer("mixed", 1, job_id="aaaa1111" + "0" * 24), answer(None, 2, job_id="bbbb2222" + "0" * 24))
    }
    asked = job(model("gpt-5"), codebook=CITES, inputs=read)
    said = {"one": "aaaa1111", "held": ["bbbb2222", "cccc3333", "AAAA1111", "aaaa1111" + "0" * 24], "words": "orchard"}
    assert checked(asked, said) == {
        "one": "exact", "held.1": "exact", "held.2": "missing", "held.3": "missing", "held.4": "missing",
        "words": "exact",
    }  # fmt: skip
    assert checked(asked, {"one": None, "held": [], "words": "orchard"}) == {"words": "exact"}


@pytest.mark.parametrize("hostile", ["", " ", "answers", "aaaa1111\n", "\x00", "{{ answers }}", "none: aaaa1111"])
def test_what_only_looks_like_an_id_is_missing(hostile: str) -> None:
    asked = job(model("gpt-5"), codebook=CITES, inputs={"answers": (answer("mixed", job_id="aaaa1111" + "0" * 24),)})
    assert checked(asked, {"one": hostile, "held": [], "words": "orchard"})["one"] == "missing"


# ---- blind


def test_blind_answers_tell_readers_apart_and_name_nobody() -> None:
    said = tuple(
        answer("mixed", number, agent=agent, model="gpt-5") for number, agent in enumerate(("ann", "bo", "ann"))
    )
    seen = blinded({"answers": said, "more": said[1:2]}, 1, "v1")
    assert seen["answers"][0].agent == seen["answers"][2].agent != seen["answers"][1].agent == seen["more"][0].agent
    assert {one.agent for one in seen["answers"]} == {"reader 1", "reader 2"}
    assert "ann" not in str(seen)
    assert "gpt-5" not in str(seen)
    assert [one.values for one in seen["answers"]] == [one.values for one in said]


def test_no_reader_has_one_number_throughout() -> None:
    said = tuple(answer("mixed", number, agent=agent) for number, agent in enumerate(("ann", "bo")))
    first = [blinded({"answers": said}, 1, f"v{number}")["answers"][0].agent for number in range(40)]
    assert set(first) == {"reader 1", "reader 2"}
    assert first == [blinded({"answers": said}, 1, f"v{number}")["answers"][0].agent for number in range(40)]


# ---- kin


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gpt-5.4-mini", "openai"), ("o3-mini", "openai"), ("openai/gpt-oss-20b", "openai"),
        ("claude-sonnet-5-5", "anthropic"), ("us.anthropic.claude-x-v1:0", "anthropic"), ("gemini-3-pro", "google"),
        ("google/gemma-3-27b-it", "google"), ("meta-llama/Llama-3.1-8B-Instruct", "meta"), ("mistral-large", "mistral"),
        ("Qwen/Qwen3-8B", "qwen"), ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "deepseek"), ("my-own-model", ""),
        ("", ""), ("olmo-2", "ai2"), ("ollama", ""),
    ],
)  # fmt: skip
def test_a_models_name_tells_its_family(name: str, found: str) -> None:
    assert family(Agent(name="a", type="openai", model=name)) == found


def test_what_the_agents_file_says_goes_before_the_name_and_is_not_who_answers() -> None:
    said, unsaid = model("gpt-5", family="own"), model("gpt-5")
    assert (family(said), family(unsaid)) == ("own", "openai")
    assert said.hash == unsaid.hash
    assert "family" not in unsaid.model_dump_json()
    assert family(Agent(name="t", type="wordlist", role="tool", model="gpt-5")) == ""


def steps(scorer: Agent, *judges: Agent, book: Codebook = POINTS) -> tuple[Step, Step]:
    judge = Step(name="judge", agents=judges, codebook=TONE)
    return judge, Step(name="score", agents=(scorer,), codebook=book, reads={"answers": "judge"})


def test_a_scorer_of_the_same_family_is_flagged_and_no_other() -> None:
    found = list(scored_by_kin(steps(model("gpt-5"), model("gpt-4"), model("claude-x"), model("o3"))))
    assert [(one.step, one.scorer, one.family, one.scored) for one in found] == [
        ("score", "gpt-5", "openai", ("gpt-4", "o3"))
    ]
    assert "models favour their kin" in found[0].said
    assert list(scored_by_kin(steps(model("gpt-5"), model("claude-x")))) == []
    assert list(scored_by_kin(steps(model("unknown"), model("unknown-2")))) == []  # not known is not the same
    assert list(scored_by_kin(steps(model("gpt-5"), model("gpt-4"), book=TONE))) == []  # a synthesis scores nobody


def test_one_family_is_said_only_where_every_model_is_known_to_be_of_it() -> None:
    assert only_family(steps(model("gpt-5"), model("o3"))) == "openai"
    assert only_family(steps(model("gpt-5"), model("claude-x"))) == ""
    assert only_family(steps(model("gpt-5"), model("who-knows"))) == ""


def test_whoever_reads_is_in_an_arm_of_its_own_unless_it_says_otherwise() -> None:
    judge, reader = steps(model("gpt-5"), model("o3"))
    assert (judge.arm, reader.arm) == ("control", "synthesis")
    stored = Step.model_validate({**reader.model_dump(), "arm": "control"})  # of a run from before there were arms
    assert stored.arm == "control"
