"""Into Bedrock by AWS credentials: each request is signed, Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (read 2026-11)
"""

import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected
from botocore.session import Session
from yarl import URL

from buttermilk.core.errors import SecretError, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.doors.door import Renewed

REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d+)\.")  # bedrock-runtime.eu-central-1.amazonaws.com
LASTS_SECONDS = 600.0  # botocore itself renews what ends within ten minutes
HINT = "Type: aws configure   or: aws sso login   or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


class AwsDoor:
    """Signs with what botocore finds: variables, profile, single sign-on, container, machine."""

    def __init__(self, agent: Agent, clock: Callable[[], float] = time.time) -> None:
        self._where = f"agent '{agent.name}', door '{agent.door}'"
        host = urlsplit(agent.base_url).hostname or ""
        self._service = "bedrock-mantle" if host.startswith("bedrock-mantle.") else "bedrock"
        named = REGION.search(host)
        self._region = named[1] if named else ""
        self._session = Session()
        self._clock = clock
        self._who = Renewed(self._fetch, clock)

    async def headers(self, url: str, body: bytes) -> Mapping[str, str]:
        who = await self._who.get()
        request = AWSRequest("POST", str(URL(url)), data=body)  # as aiohttp writes it: `%3A` in a path becomes `:`
        SigV4Auth(who, self._service, self._region).add_auth(request)
        return dict(request.headers.items())

    def _fetch(self) -> tuple[ReadOnlyCredentials, float]:
        try:
            found = self._session.get_credentials()
            who = found.get_frozen_credentials() if found else None
            self._region = self._region or self._session.get_config_variable("region") or ""
        except (NotConnected, HTTPClientError) as error:
            said = f"AWS cannot be asked who this is ({type(error).__name__})."
            raise Unavailable(said, kind="unreachable") from error
        except BotoCoreError as error:
            raise SecretError(f"AWS lets nobody in: {error}", where=self._where, hint=HINT) from error
        if who is None:
            raise SecretError("nobody is logged in to AWS here.", where=self._where, hint=HINT)
        if not self._region:
            hint = "Write it in the address: https://bedrock-runtime.eu-central-1.amazonaws.com"
            raise SecretError("the address names no region, and AWS is set up for none.", where=self._where, hint=hint)
        return who, self._clock() + LASTS_SECONDS


door = AwsDoor
