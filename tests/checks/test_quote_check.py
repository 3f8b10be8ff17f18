"""The check that what an answer quotes stands in the record."""

from typing import Any

import pytest

from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Capabilities
from buttermilk.core.records import Part, Record
from judging import NEWS, check, expected, judged, passes, record, said, trial

pytestmark = pytest.mark.anyio


def quoting(*quotes: Any, about: Record | None = None) -> Any:
    return said("{}", answers={"evidence": list(quotes)}, about=about)


@pytest.mark.parametrize(
    ("expectation", "quotes", "passed"),
    [
        ("quote: evidence", ["met with jeers"], True),
        ("quote: evidence", ['called them "vermin"', "the paper … jeers"], True),
        ("quote: evidence", ["met with jeers", "met with cheers"], False),
        ("{quote: evidence, threshold: 0.5}", ["met with jeers", "met with cheers"], True),
        ("quote: {of: evidence, exactly: true}", ["called them “vermin”"], True),
        ("quote: {of: evidence, exactly: true}", ['called them "vermin"'], False),
        ("quote: {of: evidence, exactly: false}", ['called them "vermin"'], True),
        ("quote: evidence.2", ["met with cheers", "met with jeers"], True),
        ("not-quote: evidence", ["met with cheers"], True),
        ("not-quote: evidence", ["met with jeers"], False),
    ],
)
async def test_what_is_quoted_stands_in_the_record(expectation: str, quotes: list[str], passed: bool) -> None:
    assert await passes(expectation, quoting(*quotes)) is passed


@pytest.mark.parametrize("quotes", [[], [None], [[]], [{"evidence": "met with jeers"}]], ids=range(4))
async def test_where_nothing_is_quoted_neither_way_passes(quotes: list[Any]) -> None:
    for name in ("quote", "not-quote"):
        verdict = await judged(f"{name}: evidence", trial(quoting(*quotes)))
        assert (verdict.passed, "no quotation in 'evidence'" in verdict.why) == (False, True)


async def test_the_first_that_is_not_there_is_shown_and_the_score_is_the_share_that_is() -> None:
    verdict = await judged("quote: evidence", trial(quoting("met with jeers", "met with cheers", "", "vermin")))
    assert verdict.score == 0.5
    assert verdict.why == (
        "wanted: the reply quotes in 'evidence' what stands in the record; came: “met with cheers”, which is not in it"
    )


async def test_all_that_was_to_be_read_is_looked_through() -> None:
    picture = Part(kind="image", blob="0" * 64, media_type="image/png", alt="A caricature of the minister.")
    parts = (Part(text="Vermin!", role="title"), Part(text=NEWS), picture)
    about = Record(record_id="n1", parts=parts, metadata={"paper": "The Globe", "editor": "A. B."})
    assert await passes("quote: evidence", quoting("Vermin!", "on 3 May 1912", "a caricature", about=about))
    one = quoting("The Globe", about=about)
    assert not await passes("quote: evidence", one)
    sent = one._replace(job=one.job.model_copy(update={"sent_columns": ("paper",)}))
    assert await passes("quote: evidence", sent)
    assert not await passes("quote: evidence", quoting("anything", about=record("")))


async def test_what_was_seen_in_a_picture_nobody_can_look_up() -> None:
    picture = Part(kind="image", blob="0" * 64, media_type="image/png", alt="A caricature.")
    one = quoting("Down with him!", about=Record(record_id="n1", parts=(picture,)))
    assert [await passes(f"{name}: evidence", one) for name in ("quote", "not-quote")] == [False, True]
    agent = one.job.agent.model_copy(update={"capabilities": Capabilities(inputs=("text", "image"))})
    saw = one._replace(job=one.job.model_copy(update={"agent": agent}))
    assert [await passes(f"{name}: evidence", saw) for name in ("quote", "not-quote")] == [False, False]


async def test_the_quotations_of_all_frames_are_named_at_once() -> None:
    frames = {"frames": [{"evidence": ["vermin", "jeers"]}, {"evidence": "reported"}, {"problem": "not quoted"}]}
    assert await passes("quote: frames.evidence", said("{}", answers=frames))
    assert not await passes("quote: frames.problem", said("{}", answers=frames))


@pytest.mark.parametrize(
    "argument", [None, "", [], {}, {"of": ""}, {"of": "a", "exactly": "yes"}, {"of": "a", "at": 1}]
)
def test_it_must_be_said_which_answer_quotes(argument: Any) -> None:
    with pytest.raises(ConfigError):
        check(expected({"quote": argument}))
