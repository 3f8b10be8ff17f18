"""Toxicity as Amazon Comprehend sees it: https://docs.aws.amazon.com/comprehend/latest/dg/toxicity-detection.html

    raw {"TOXICITY": 0.7, "INSULT": 0.6, …, "segments": [{"Toxicity": 0.7, "Labels": [{"Name": "INSULT", …}]}]}

It reads English, in segments of at most 1 KB. A longer text is cut between words; its score is the highest of its
segments, and what was said of each is kept, so that a mean or a threshold can be worked out afterwards. Credentials are
found where Amazon's own tools find them (`aws configure`, a role); `parameters.region` says where, as `eu-west-1`.
"""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from buttermilk.core.contracts import Keys
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, RateLimited, SecretError, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.core.values import Json
from buttermilk.tools.scales import Scaled, scale_of, text_of

LABELS = ("GRAPHIC", "HARASSMENT_OR_ABUSE", "HATE_SPEECH", "INSULT", "PROFANITY", "SEXUAL", "VIOLENCE_OR_THREAT")
SEGMENT, AT_ONCE = 1_024, 10  # bytes of one, and how many one call takes
CONNECTIONS = 32  # as many as there are threads to call from
SLOW_DOWN = frozenset({"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "Throttling"})


class Comprehend(Scaled):
    """One client, which any number of threads may use."""

    def __init__(self, agent: Agent, keys: Keys) -> None:
        region = agent.parameters.get("region")
        if not isinstance(region, str) or not region:
            hint = "Where your account may use Comprehend: parameters: {region: eu-west-1, ...}"
            raise ConfigError("`parameters.region` names no region.", where=f"agent '{agent.name}'", hint=hint)
        self._scale = scale_of(agent, ("TOXICITY", *LABELS), also=["region"])
        self.endpoint = f"comprehend {agent.base_url or region}"
        settings = Config(
            retries={"total_max_attempts": 1},  # the engine asks again, and counts
            connect_timeout=10,
            read_timeout=agent.limits.timeout_seconds,
            max_pool_connections=CONNECTIONS,
        )
        session = Session()
        if session.get_credentials() is None:
            raise SecretError("Amazon knows nobody here.", where=f"agent '{agent.name}'", hint="Type: aws configure")
        self._client = session.create_client(
            "comprehend", region_name=region, endpoint_url=agent.base_url or None, config=settings
        )

    async def call(self, job: Job) -> Output:
        self.check(job.codebook)
        text = text_of(job).encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
        segments = [segment for segment in segments_of(text) if segment.strip()]
        found: list[Json] = []
        for start in range(0, len(segments), AT_ONCE):
            found += await asyncio.to_thread(self._ask, segments[start : start + AT_ONCE])
        raw = {**_highest(found), "segments": found}
        return Output(values=self._scale.read(job.codebook, raw), raw=raw, version="DetectToxicContent 2017-11-27")

    def _ask(self, segments: list[str]) -> list[Json]:
        try:
            said = self._client.detect_toxic_content(
                TextSegments=[{"Text": segment} for segment in segments], LanguageCode="en"
            )
        except ClientError as error:
            raise _translated(error) from error
        except (AwsConnectionError, HTTPClientError, ResponseParserError, ValueError) as error:
            raise Unavailable(f"Comprehend cannot be reached, or understood: {error}", kind="unreachable") from error
        except BotoCoreError as error:
            raise Permanent(str(error), kind="aws") from error
        return list(said.get("ResultList", ()))

    async def close(self) -> None:
        self._client.close()


def segments_of(text: str) -> Iterator[str]:
    """Whole words, as many as fit; a word that does not fit is cut between its letters. Nothing is left out."""
    segment = ""
    for word in re.findall(r"\s*\S+|\s+$", text):
        if len((segment + word).encode()) <= SEGMENT:
            segment += word
            continue
        if segment:
            yield segment
        while len(word.encode()) > SEGMENT:
            head = word.encode()[:SEGMENT].decode("utf-8", "ignore")
            yield head
            word = word[len(head) :]
        segment = word
    if segment:
        yield segment


def _highest(segments: list[Any]) -> dict[str, Json]:
    found: dict[str, list[float]] = {}
    for one in segments:
        labels = [("TOXICITY", one.get("Toxicity")), *((each["Name"], each["Score"]) for each in one.get("Labels", ()))]
        for name, score in labels:
            found.setdefault(name, []).extend(() if score is None else [score])
    return {name: max(scores) for name, scores in found.items() if scores}


def _translated(error: ClientError) -> ProviderError:
    told = error.response.get("Error", {})
    code, said = told.get("Code", ""), f"{told.get('Code')}: {told.get('Message')}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in SLOW_DOWN or status == 429:
        return RateLimited(f"told to slow down: {said}", raw=str(error.response), http_status=status)
    kind = Unavailable if status >= 500 else Permanent
    return kind(said, kind=code or f"http_{status}", raw=str(error.response), http_status=status)
