"""Who gets in where no key is written: tokens are lent for a while, requests are signed, and nobody is told in time."""

import asyncio
import hashlib
import hmac
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError

from answering import answering, http
from asking import FEELING, job, keys
from buttermilk.core.errors import ConfigError, MissingExtra, SecretError, Unavailable
from buttermilk.core.flows import Agent, Codebook
from buttermilk.doors.azure import AzureDoor
from buttermilk.doors.door import CLOUDS, EARLY_SECONDS, Renewed, door_of
from buttermilk.plugins import find
from clouds import ROBOT, Tokens, logged_out, service_account

pytestmark = pytest.mark.anyio
BEDROCK = "https://bedrock-runtime.eu-central-1.amazonaws.com"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    logged_out(monkeypatch, tmp_path)


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    with Tokens().open() as tokens:
        yield tokens


@pytest.fixture(scope="session")
def _google_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return service_account(tmp_path_factory.mktemp("google") / "bot.json", "http://127.0.0.1:9")


@pytest.fixture
def log_in(
    tokens: Tokens, _google_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Tokens]:
    """Somebody is logged in to the cloud behind this door, by a way that the vendor's library finds on its own."""

    def log_in(door: str) -> Tokens:
        if CLOUDS[door] == "google":
            file = tmp_path / "bot.json"
            file.write_text(_google_file.read_text().replace("http://127.0.0.1:9", tokens.url))
            monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        elif CLOUDS[door] == "azure":
            monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
            monkeypatch.setenv("IDENTITY_ENDPOINT", f"{tokens.url}/identity")
            monkeypatch.setenv("IDENTITY_HEADER", "of this machine")
        else:
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{tokens.url}/container")
        return tokens

    return log_in


def agent(door: str, base_url: str = BEDROCK) -> Agent:
    return Agent(name="judge", type="anthropic", door=door, base_url=base_url)


async def headers(door: str, **more: Any) -> Mapping[str, str]:
    found = door_of(agent(door, **more))
    assert found
    return await found.headers(f"{BEDROCK}/model/claude/invoke", b"{}")


# ---- which door


def test_an_address_that_asks_for_nobodys_name_has_no_door() -> None:
    assert door_of(agent("")) is None


@pytest.mark.parametrize(
    ("door", "library", "extra"),
    [("vertex", "google.auth", "google"), ("foundry", "azure.core", "azure"), ("bedrock", "botocore", "aws")],
)
def test_a_door_whose_library_is_missing_says_what_to_install(
    door: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"buttermilk.doors.{CLOUDS[door]}", raising=False)
    for name in [name for name in sys.modules if name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=re.escape(f"pip install 'buttermilk[{extra}]'")) as caught:
        door_of(agent(door))
    assert f"door '{door}' needs an optional library" in str(caught.value)


def test_the_doors_of_one_cloud_need_the_library_of_no_other() -> None:
    look = "import sys, buttermilk.doors.door; print([x for x in ('google', 'azure', 'botocore') if x in sys.modules])"
    assert subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True).stdout == "[]\n"


# ---- tokens of Google and Microsoft


@pytest.mark.parametrize("door", ["vertex", "azure", "foundry"])
async def test_a_token_is_a_bearer_token_fetched_once_for_all_calls(door: str, log_in: Callable[[str], Tokens]) -> None:
    tokens = log_in(door)
    tokens.slow_seconds = 0.1
    found = door_of(agent(door))
    assert found
    given = await asyncio.gather(*(found.headers(BEDROCK, b"{}") for _ in range(500)))
    assert len(tokens.asked) == 1
    assert {one["Authorization" if "Authorization" in one else "authorization"] for one in given} == {"Bearer token-1"}


async def test_microsoft_is_asked_for_the_scope_of_each_service(log_in: Callable[[str], Tokens]) -> None:
    tokens = log_in("azure")
    await headers("azure")
    await headers("foundry")
    assert tokens.scopes() == ["https://cognitiveservices.azure.com", "https://ai.azure.com"]


@pytest.mark.parametrize(
    ("door", "typed"),
    [("vertex", "gcloud auth application-default login"), ("azure", "az login"), ("bedrock", "aws configure")],
)
async def test_where_nobody_is_logged_in_the_message_says_what_to_type(door: str, typed: str) -> None:
    with pytest.raises(SecretError, match="nobody is logged in") as caught:
        await headers(door)
    assert caught.value.where == f"agent 'judge', door '{door}'"
    assert f"Type: {typed}" in caught.value.hint


async def test_google_turning_an_account_away_names_the_account_and_the_reason(
    log_in: Callable[[str], Tokens],
) -> None:
    log_in("vertex").status = 400
    with pytest.raises(SecretError, match=f"does not let in {ROBOT}: invalid_grant: Invalid JWT Signature"):
        await headers("vertex")


async def test_microsoft_turning_somebody_away_gives_its_reason(log_in: Callable[[str], Tokens]) -> None:
    tokens = log_in("azure")
    reason = "AADSTS700016: Application with identifier '7f3a' was not found."
    tokens.status, tokens.complaint = 400, {"statusCode": 400, "message": reason}
    with pytest.raises(SecretError, match=f"Microsoft Entra gives no token: {re.escape(reason)}"):
        await headers("azure")


async def test_a_token_service_that_is_down_is_asked_again_by_the_engine(
    log_in: Callable[[str], Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = log_in("vertex")
    tokens.status, tokens.complaint = 503, {"error": "backend_error"}
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    with pytest.raises(Unavailable, match="Google gives no token"):
        await headers("vertex")


async def test_a_network_that_is_down_is_no_fault_of_the_keys() -> None:
    class Lost:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise ServiceRequestError("no route to host")

    with pytest.raises(Unavailable, match="cannot be reached"):
        await AzureDoor(agent("azure"), Lost).headers(BEDROCK, b"")


@pytest.mark.parametrize(
    ("kind", "door", "reply"),
    [
        ("google_moderate", "google", {"moderationCategories": [{"name": "Toxic", "confidence": 0.9}]}),
        ("azure_content_safety", "azure", {"categoriesAnalysis": [{"category": "Hate", "severity": 6}]}),
        ("http", "google", {"score": 1}),
    ],
)
async def test_a_tool_comes_in_by_the_same_door_where_it_has_no_key(
    kind: str, door: str, reply: Any, log_in: Callable[[str], Tokens]
) -> None:
    log_in(door)
    score = {"google_moderate": "Toxic", "azure_content_safety": "Hate"}.get(kind, "score")
    rules = {"feeling": [{"label": "negative", "when": {score: ">= 0.5"}}, {"label": "positive"}]}
    own = {"body": {"text": "{{ record.text }}"}, "scores": {score: score}} if kind == "http" else {}
    async with answering(lambda one: http(reply)) as server:
        asked = Agent(
            name="tool", type=kind, role="tool", base_url=server.url, door=door, parameters={"answers": rules, **own}
        )
        tool = find("tools", kind)(asked, keys)
        about = job(asked, codebook=Codebook(name="feelings", questions=(FEELING,)))
        output = await tool.call(about)
        await tool.close()
    assert output.values == {"feeling": "negative"}
    assert server.asked[0].headers["authorization"] == "Bearer token-1"
    keyed = find("tools", kind)(asked.model_copy(update={"key": "secret://env/KEY"}), keys)
    await keyed.close()  # a key stands above the door


def test_a_tool_has_only_the_doors_of_its_service() -> None:
    asked = agent("vertex").model_copy(update={"type": "google_moderate", "role": "tool"})
    with pytest.raises(ConfigError, match="'vertex' is no door of 'google_moderate'") as caught:
        find("tools", "google_moderate")(asked, keys)
    assert caught.value.hint == "There are: google."


# ---- lent for a while


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Lender:
    """Lends a numbered thing for an hour; counts, and may fail."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lent = 0
        self.error: Exception | None = None

    def __call__(self) -> tuple[int, float]:
        self.lent += 1
        if self.error:
            raise self.error
        return self.lent, self.clock.now + 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lender(clock: Clock) -> Lender:
    return Lender(clock)


async def test_what_is_lent_serves_until_shortly_before_its_end(clock: Clock, lender: Lender) -> None:
    renewed = Renewed(lender, clock)
    assert await renewed.get() == 1
    clock.now += 3600 - EARLY_SECONDS - 1
    assert await renewed.get() == 1
    clock.now += 1
    assert [await renewed.get() for _ in range(3)] == [2, 2, 2]


async def test_what_cannot_be_renewed_serves_to_its_end_and_no_longer(clock: Clock, lender: Lender) -> None:
    renewed = Renewed(lender, clock)
    await renewed.get()
    lender.error = Unavailable("no network.")
    clock.now += 3599
    assert await renewed.get() == 1
    clock.now += 1
    with pytest.raises(Unavailable):
        await renewed.get()
    lender.error = None
    assert await renewed.get() == lender.lent


async def test_all_who_wait_hear_the_same_error_and_the_next_asks_anew(clock: Clock, lender: Lender) -> None:
    renewed = Renewed(lender, clock)
    lender.error = SecretError("nobody is logged in.")
    heard = await asyncio.gather(*(renewed.get() for _ in range(500)), return_exceptions=True)
    assert set(heard) == {lender.error}
    assert lender.lent == 1
    lender.error = None
    assert await renewed.get() == 2


async def test_a_call_that_is_cancelled_does_not_stop_the_others(clock: Clock, lender: Lender) -> None:
    renewed = Renewed(lender, clock)
    first, second = asyncio.create_task(renewed.get()), asyncio.create_task(renewed.get())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_that_nobody_waits_for_any_more_is_not_shouted(clock: Clock, lender: Lender) -> None:
    lender.error = SecretError("nobody is logged in.")
    renewed = Renewed(lender, clock)
    waiting = asyncio.create_task(renewed.get())
    await asyncio.sleep(0)
    waiting.cancel()
    fetching: Any = renewed._fetching
    await asyncio.wait([waiting, fetching])
    await asyncio.sleep(0)
    assert not fetching._log_traceback  # or asyncio writes it on the screen


# ---- signatures of AWS


def signed_by_hand(method: str, path: str, host: str, body: bytes, date: str, names: str, session: str) -> str:
    """The steps of the AWS documentation, one a line, with the credentials that `Tokens` gives."""
    every = {"host": host, "x-amz-date": date, "x-amz-security-token": session}
    lines = "".join(f"{name}:{every[name]}\n" for name in names.split(";"))
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{date[:8]}/eu-central-1/bedrock/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = b"AWS4secret-of-the-container"
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("model", ["claude", "anthropic.claude-sonnet-5-v1:0", "arn:aws:bedrock%3Aeu%2Fprofile"])
async def test_the_signature_is_of_what_goes_over_the_wire(model: str, log_in: Callable[[str], Tokens]) -> None:
    """What a server reads off its socket, signed by hand: the path is encoded once more, whatever is in it."""
    log_in("bedrock")
    body, seen = '{"messages": "Straße"}'.encode(), {}

    async def look(request: web.BaseRequest) -> web.Response:
        seen.update(request.headers, path=request.raw_path, body=await request.read())
        return web.Response()

    async with TestServer(web.Application(middlewares=[_everywhere(look)])) as server:
        region = {"base_url": f"http://bedrock-runtime.eu-central-1.localhost:{server.port}"}
        url = f"http://127.0.0.1:{server.port}/model/{model}/invoke"
        found = door_of(agent("bedrock", **region))
        assert found
        async with ClientSession() as session:
            await (await session.post(url, data=body, headers=await found.headers(url, body))).read()
    names = re.search(r"SignedHeaders=([^,]+), Signature=([0-9a-f]+)", seen["Authorization"])
    assert names
    path = seen["path"].replace("%", "%25").replace(":", "%3A")
    by_hand = signed_by_hand("POST", path, seen["Host"], body, seen["X-Amz-Date"], names[1], "session-1")
    assert names[2] == by_hand
    assert seen["X-Amz-Security-Token"] == "session-1"


def _everywhere(look: Callable[[web.BaseRequest], Awaitable[web.Response]]) -> Any:
    @web.middleware
    async def all_of_it(request: web.Request, handler: Any) -> web.StreamResponse:
        return await look(request)

    return all_of_it


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1/bedrock"),
        ("vpce-1.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2/bedrock"),
        ("bedrock-mantle.us-east-1.api.aws", "us-east-1/bedrock-mantle"),
        ("models.example.org", "eu-north-1/bedrock"),
    ],
)
async def test_the_region_and_the_service_are_those_of_the_address(
    host: str, scope: str, log_in: Callable[[str], Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    tokens = log_in("bedrock")
    given = await headers("bedrock", base_url=f"https://{host}")
    assert f"/{scope}/aws4_request" in given["Authorization"]
    assert len(tokens.asked) == 1


async def test_a_region_that_nobody_names_is_asked_for(log_in: Callable[[str], Tokens]) -> None:
    log_in("bedrock")
    with pytest.raises(SecretError, match="names no region"):
        await headers("bedrock", base_url="https://models.example.org")


async def test_aws_turning_a_machine_away_is_an_error_of_the_keys(
    log_in: Callable[[str], Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in("bedrock").status = 403
    monkeypatch.setattr("botocore.credentials.ContainerMetadataFetcher.SLEEP_TIME", 0)
    with pytest.raises(SecretError, match="AWS lets nobody in"):
        await headers("bedrock")
