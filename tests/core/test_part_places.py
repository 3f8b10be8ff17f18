"""A medium has bytes or an address, and what is new in a value changes no id that is stored."""

import pytest
from pydantic import ValidationError

from buttermilk.core.flows import Agent, Capabilities
from buttermilk.core.records import Part, Record

PICTURE = Part(kind="image", blob="0" * 64, media_type="image/png", alt="a page")
SEEN = Part(kind="image", url="https://example.org/1.png", media_type="image/png")
AGENT = Agent(name="reader", type="openai", model="m-1", parameters={"temperature": 0}, base_url="https://a.example")


def test_an_address_decides_what_a_record_is() -> None:
    other = SEEN.model_copy(update={"url": "https://example.org/2.png"})
    records = [Record(record_id="v1", parts=(part,)) for part in (SEEN, other, PICTURE)]
    assert len({record.content_hash for record in records}) == len({record.record_hash for record in records}) == 3
    assert Part.model_validate_json(SEEN.model_dump_json()) == SEEN


def test_a_record_without_addresses_has_the_ids_it_had_before_there_were_any() -> None:
    record = Record(record_id="v1", parts=(Part(text="of inward strife"), PICTURE), metadata={"row": 5, "poet": "Ann"})
    assert record.content_hash == "d18d1054bace3b790768a50deecd052e"
    assert "url" not in record.model_dump_json()


def test_an_agent_that_uploads_nothing_and_marks_nothing_has_the_hash_it_had_before_it_could() -> None:
    assert AGENT.hash == "8e879e770c8c1654f50b9087d54891c2"
    for able in (Capabilities(media="upload"), Capabilities(cache="prefix")):
        assert AGENT.model_copy(update={"capabilities": able}).hash != AGENT.hash


@pytest.mark.parametrize("url", ["http://example.org/1.png", "file:///etc/passwd", "example.org/1.png", ""])
def test_an_address_that_nobody_could_fetch_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Part(kind="image", url=url, media_type="image/png")


@pytest.mark.parametrize("places", [{}, {"blob": "0" * 64, "url": "https://example.org/1.png"}])
def test_a_medium_has_one_place_and_no_two(places: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="or else a `url`"):
        Part(kind="image", media_type="image/png", **places)
