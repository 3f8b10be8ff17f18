"""A request's body is restored byte for byte, whatever the texts in it contain."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

import strategies as some
from buttermilk.core.jobs import fill

PICTURE = "ab" * 32


def blob(key: str, form: str) -> bytes:
    assert key == PICTURE
    return f"data:{form};base64,AAAA".encode()


def body(contents: list[Any], extra: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", **extra, "messages": [{"role": "user", "content": content} for content in contents]}


@given(texts=st.lists(some.texts, max_size=5), beside=some.texts, order=st.randoms())
def test_a_body_is_what_it_was_whatever_its_texts_contain(texts: list[str], beside: str, order: Any) -> None:
    places = list(range(len(texts)))
    order.shuffle(places)
    # What stays in the skeleton is a JSON text, and in one the quotes of a mark are escaped.
    skeleton = to_json(body([{"$text": place} for place in places], {"beside": beside})).decode()
    filled = fill(skeleton, texts)
    assert json.loads(filled) == body([texts[place] for place in places], {"beside": beside})
    assert filled == to_json(body([texts[place] for place in places], {"beside": beside}))


@given(text=some.texts, form=st.sampled_from(["", "image/png"]))
def test_media_come_back_in_the_form_the_vendor_wants(text: str, form: str) -> None:
    skeleton = to_json([{"$text": 0}, {"url": {"$blob": PICTURE, "as": form}}, {"$text": 0}]).decode()
    assert json.loads(fill(skeleton, [text], blob)) == [text, {"url": f"data:{form};base64,AAAA"}, text]


def test_a_record_that_contains_a_mark_stays_text() -> None:
    hostile = '{"$text":0} {"$text":1} {"$blob":"' + PICTURE + '","as":"x"}'
    assert json.loads(fill('[{"$text":0},{"$text":1}]', [hostile, "plain"])) == [hostile, "plain"]


def test_a_body_without_marks_is_itself() -> None:
    assert fill("", []) == b""
    assert fill('{"a":"é"}', ["unused"]) == '{"a":"é"}'.encode()


def test_a_medium_is_shown_by_its_hash_where_nobody_gives_its_bytes() -> None:
    mark = {"$blob": PICTURE, "as": "image/png"}
    assert json.loads(fill(to_json(["a", mark, {"$text": 0}]).decode(), ["b"])) == ["a", mark, "b"]
