"""Into Vertex AI by Google application default credentials: a person's login, a service account's file, the machine's.

https://cloud.google.com/docs/authentication/application-default-credentials (read 2026-11)
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC
from math import inf
from typing import Any

import google.auth
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request

from buttermilk.core.errors import SecretError, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.doors.door import Renewed

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
HINT = (
    "Type: gcloud auth application-default login   or set GOOGLE_APPLICATION_CREDENTIALS to a service account's file."
)


class GoogleDoor:
    """Bearer tokens, with the project that pays where the credentials name one."""

    def __init__(self, agent: Agent, clock: Callable[[], float] = time.time) -> None:
        self._where = f"agent '{agent.name}', door '{agent.door}'"
        self._credentials: Any = None
        self._headers = Renewed(self._fetch, clock)

    async def headers(self, url: str, body: bytes) -> Mapping[str, str]:
        return await self._headers.get()

    def _fetch(self) -> tuple[Mapping[str, str], float]:
        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[SCOPE])
            self._credentials.refresh(Request())
        except GoogleAuthError as error:
            raise self._said(error) from error
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        expiry = self._credentials.expiry  # in UTC, and does not say so
        return headers, expiry.replace(tzinfo=UTC).timestamp() if expiry else inf

    def _said(self, error: GoogleAuthError) -> SecretError | Unavailable:
        if isinstance(error, TransportError) or isinstance(error.__cause__, TransportError) or error.retryable:
            return Unavailable(f"Google gives no token ({type(error).__name__}).", kind="unreachable")
        reason = str(error.args[0] if error.args else error)[:300]
        if not isinstance(error, RefreshError):
            return SecretError(f"nobody is logged in to Google here: {reason}", where=self._where, hint=HINT)
        said = f"Google does not let in {identity(self._credentials)}: {reason}"
        return SecretError(said, where=self._where, hint=HINT)


def identity(credentials: Any) -> str:
    """`bot@project.iam.gserviceaccount.com`, or a person's address where the login kept it."""
    named = (getattr(credentials, name, None) for name in ("service_account_email", "account"))
    return next(filter(None, named), "whoever logged in here")


door = GoogleDoor
