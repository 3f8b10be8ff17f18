"""What every HTTP dialect shares: when to come again, what a connection's end means, and which headers are kept."""

import asyncio
import json
import socket
import ssl
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from answering import answering, http
from buttermilk.core.errors import Permanent, ProviderError, RateLimited, SecretError, TimedOut, Unavailable
from buttermilk.core.flows import Limits
from buttermilk.testing import MockProvider
from buttermilk.wire import Wire, _reason, message_in, rest_after, retry_after, retry_delay

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SECRET = "sk-0123456789-nobody-may-see"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_when_to_come_again_is_read_in_each_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,9} [A-Z][a-z]{2} \d{1,9} \d+:\d+:\d+ [-+A-Z0-9]{0,5}"))
def test_whatever_a_header_says_the_seconds_are_a_number_or_nothing(text: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        found = retry_after({name: text}, NOW)
        assert found is None or 0 <= found < float("inf")


def google(*details: object) -> bytes:
    """https://cloud.google.com/apis/design/errors#http_mapping: what Google says to too many requests."""
    error = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "details": details}
    return json.dumps({"error": error}).encode()


QUOTA = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "PerMinute"}]}
LATER = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (google(QUOTA, LATER), 17.0),
        (google({**LATER, "retryDelay": "38.281s"}), 38.281),
        (google({**LATER, "retryDelay": "soon"}), None),
        (google({**LATER, "retryDelay": 17}), None),
        (google(QUOTA, None), None),
        (google(), None),
        (b'{"error": "overloaded"}', None),
        (b"<h1>Bad gateway</h1>", None),
        (b"[]", None),
    ],
)
def test_when_to_come_again_is_read_in_a_body_of_googles_too(body: bytes, seconds: float | None) -> None:
    assert retry_delay(body.decode()) == seconds


@pytest.mark.parametrize(("headers", "seconds"), [({}, 17.0), ({"Retry_After": "3"}, 3.0), ({"Retry_After": "0"}, 0.0)])
async def test_what_a_header_says_goes_before_what_the_body_says(headers: dict[str, str], seconds: float) -> None:
    for status, error in ((429, RateLimited), (503, Unavailable)):
        with pytest.raises(error) as caught:
            await post(http(google(LATER), status, **headers))
        assert isinstance(caught.value, RateLimited | Unavailable)
        assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"error": {"message": "No such model.", "code": 404}}', "No such model."),
        ('{"error": "overloaded"}', "overloaded"),
        ('{"detail": "Not Found"}', '{"detail": "Not Found"}'),
        ("[]", "[]"),
        ("<h1>Bad gateway</h1>\n", "<h1>Bad gateway</h1>"),
        ("", "no explanation was sent"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_the_vendors_own_words_are_found(text: str, said: str) -> None:
    assert message_in(text) == said


def test_a_certificate_that_is_not_trusted_is_told_in_words() -> None:
    place = ConnectionKey("here", 443, True, True, None, None, None)
    error = aiohttp.ClientConnectorCertificateError(place, ssl.SSLCertVerificationError("self-signed certificate"))
    assert "its certificate is not trusted" in _reason(error)
    assert "self-signed" in _reason(error)


async def post(reply: bytes, *secrets: str, **headers: str) -> tuple[bytes, dict[str, str]]:
    async with answering(lambda one: reply) as server:
        wire = Wire(headers, Limits(timeout_seconds=2), secrets)
        try:
            return await wire.post(URL(server.url), b"{}")
        finally:
            await wire.close()


async def test_the_body_comes_as_it_was_sent_with_the_headers_worth_keeping() -> None:
    raw, headers = await post(http(b"\x00\xff{}", X_Request_Id="r1", Set_Cookie="a=b", OpenAI_Processing_Ms="12"))
    assert raw == b"\x00\xff{}"
    assert headers == {"X-Request-ID": "r1", "OpenAI-Processing-Ms": "12"}


async def test_a_secret_that_comes_back_is_veiled_in_body_headers_and_errors() -> None:
    raw, headers = await post(http(f"you said {SECRET}", X_Request_Id=f"r-{SECRET}"), SECRET)
    assert (raw, headers) == (b"you said [key]", {"X-Request-ID": "r-[key]"})
    with pytest.raises(RateLimited) as caught:
        await post(http({"error": {"message": f"the key {SECRET} is tired"}}, 429), SECRET)
    assert caught.value.message == "told to slow down (429): the key [key] is tired"
    assert SECRET not in caught.value.raw


async def test_a_token_that_a_cloud_lent_for_the_call_is_veiled_too() -> None:
    token = "ya29.lent-for-an-hour-and-nobody-may-see"
    async with answering(lambda one: http(one.head)) as server:
        wire = Wire({}, Limits())
        raw, _ = await wire.post(
            URL(server.url), b"{}", {"Authorization": f"Bearer {token}", "X-Request": "a-word-to-keep"}
        )
        await wire.close()
    assert b"Authorization: Bearer [key]" in raw
    assert b"a-word-to-keep" in raw


async def test_an_empty_account_is_not_a_crowded_one() -> None:
    with pytest.raises(Permanent, match="no credit left: You exceeded your quota") as caught:
        await post(http({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, 429))
    assert caught.value.kind == "no_credit"


async def test_a_stand_in_for_a_key_is_an_ordinary_word_in_a_reply() -> None:
    raw, _ = await post(http("none of these is EMPTY"), "EMPTY", "none", "")
    assert raw == b"none of these is EMPTY"


def test_a_header_that_no_header_may_be_is_refused_by_name_and_not_shown() -> None:
    with pytest.raises(SecretError, match="'Authorization'") as caught:
        Wire({"Authorization": "Bearer sk-1\r\nHost: elsewhere"}, Limits())
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [b"garbage\r\n\r\n", http(b"not gzip", Content_Encoding="gzip"), b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"],
)
async def test_a_reply_that_is_no_http_is_a_broken_connection(reply: bytes) -> None:
    with pytest.raises(Unavailable, match="broke") as caught:
        await post(reply)
    assert caught.value.kind == "reset"


async def test_a_connection_that_is_reset_is_a_broken_connection() -> None:
    with MockProvider(preset=100) as mock:
        wire = Wire({}, Limits())
        with pytest.raises(Unavailable, match="broke"):
            await wire.post(URL(mock.url + "/chat/completions"), b'{"model": "mock"}')
        await wire.close()


@pytest.mark.parametrize("faults", [{}, {"p429": 100}, {"p500": 100}], ids=["answered", "slow down", "failed"])
async def test_connections_are_kept_and_used_again_whatever_came(faults: dict[str, float]) -> None:
    with MockProvider(latency_ms=1, **faults) as mock:
        wire, body = Wire({}, Limits()), b'{"model": "mock", "messages": [{"role": "user", "content": "?"}]}'
        for _ in range(5):
            calls = (wire.post(URL(mock.url + "/chat/completions"), body) for _ in range(4))
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert {isinstance(one, tuple) for one in ended} == {not faults}
        assert mock.stats()["connections"] == 4
        await wire.close()
        await wire.close()


async def test_a_reply_that_breaks_off_half_way_is_late_and_its_connection_is_not_used_again() -> None:
    half = http("never all of it")[:-5]
    async with answering(lambda one: half if one.body == b"half" else http("whole")) as server:
        wire = Wire({}, Limits(timeout_seconds=0.2))
        for _ in range(2):
            with pytest.raises(TimedOut):
                await wire.post(URL(server.url), b"half")
        raw, _ = await wire.post(URL(server.url), b"")
        assert raw == b"whole"  # and not the rest of another's
        assert [one.body for one in server.asked] == [b"half", b"half", b""]
        await wire.close()


async def test_each_call_that_is_late_is_told_so_and_the_others_come_home() -> None:
    said = [b"no", b"", b"no", b"", b"no"]
    async with answering(lambda one: http(one.body) if one.body else None) as server:
        wire = Wire({}, Limits(timeout_seconds=0.25))
        ended = await asyncio.gather(*(wire.post(URL(server.url), one) for one in said), return_exceptions=True)
        assert [type(one) for one in ended] == [tuple if one else TimedOut for one in said]
        assert "did not answer within 0.25 s" in str(ended[1])
        with pytest.raises(TimedOut):  # the clock is wound again for who comes later
            await wire.post(URL(server.url), b"")
        await wire.close()


async def test_a_call_that_somebody_else_ends_is_not_called_late() -> None:
    async with answering(lambda one: None) as server:
        wire = Wire({}, Limits(timeout_seconds=0.2))
        call = asyncio.create_task(wire.post(URL(server.url), b""))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wire.post(URL(server.url), b"")
        await wire.close()


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, Permanent, "http_400"),
        (401, Permanent, "http_401"),
        (402, Permanent, "http_402"),
        (403, Permanent, "http_403"),
        (404, Permanent, "http_404"),
        (422, Permanent, "http_422"),
        (308, Permanent, "http_308"),
        (408, Unavailable, "http_408"),
        (409, Unavailable, "http_409"),
        (425, Unavailable, "http_425"),
        (429, RateLimited, "rate_limited"),
        (529, RateLimited, "rate_limited"),
        (500, Unavailable, "http_500"),
        (502, Unavailable, "http_502"),
        (503, Unavailable, "http_503"),
    ],
)
async def test_a_status_becomes_the_error_that_says_who_must_act(
    status: int, kind: type[ProviderError], error: str
) -> None:
    with pytest.raises(kind) as caught:
        await post(http({"error": {"message": "The vendor's words."}}, status))
    assert (type(caught.value), caught.value.kind, caught.value.http_status) == (kind, error, status)
    assert "The vendor's words." in (caught.value.message if status != 308 else caught.value.raw)


async def test_a_redirect_is_not_followed_for_the_key_would_go_with_it() -> None:
    async with answering(lambda one: http("{}")) as elsewhere:
        with pytest.raises(Permanent, match="moved to http"):
            await post(http("", 307, Location=elsewhere.url), api_key=SECRET)
        assert elsewhere.asked == []


async def test_a_host_that_is_not_there_is_named_with_the_reason() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{one.getsockname()[1]}/v1"
    wire = Wire({}, Limits())
    with pytest.raises(Unavailable) as caught:
        await wire.post(URL(url), b"{}")
    assert caught.value.message == f"{url} cannot be reached (Connection refused)."
    assert caught.value.kind == "unreachable"
    await wire.close()


async def test_a_name_that_nobody_knows_is_unreachable_too() -> None:
    wire = Wire({}, Limits())
    with pytest.raises(Unavailable, match=r"no-such-host.invalid.*cannot be reached") as caught:
        await wire.post(URL("http://no-such-host.invalid/v1"), b"{}")
    assert caught.value.kind == "unreachable"
    await wire.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "6m0s"}, 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30.5s"}, 90.5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-remaining-tokens": "0"}, 0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon"}, 0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "3",
                "anthropic-ratelimit-requests-reset": "2026-11-22T13:00:00Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-22T12:00:09Z",
            },
            9,
        ),
    ],
)
def test_an_allowance_that_is_used_up_says_for_how_long(headers: dict[str, str], seconds: float) -> None:
    assert rest_after(headers, NOW) == pytest.approx(seconds)
