"""Secrets of a project in Google Secret Manager, read as whoever is logged in (application default credentials).

https://cloud.google.com/secret-manager/docs/access-secret-version (read 2026-11)
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google.auth
from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError, NotFound, PermissionDenied
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.cloud.secretmanager_v1 import SecretManagerServiceClient

from buttermilk.core.contracts import Secret
from buttermilk.core.errors import NoSuchSecret, SecretError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PERMISSION, ROLE = "secretmanager.versions.access", "roles/secretmanager.secretAccessor"


def _client(credentials: Any) -> SecretManagerServiceClient:
    return SecretManagerServiceClient(credentials=credentials)


class GoogleVault:
    """`secret://google/NAME@7`; of another project `secret://google/projects/PROJECT/secrets/NAME`."""

    def __init__(
        self, root: Path, place: str = "", client: Callable[[Any], SecretManagerServiceClient] = _client
    ) -> None:
        self._project = place or os.environ.get("GOOGLE_CLOUD_PROJECT", "")
        self._client = client

    def get(self, name: str, version: str = "") -> Secret:
        reference = f"secret://google/{name}{f'@{version}' if version else ''}"
        try:
            credentials: Any
            credentials, project = google.auth.default(scopes=[SCOPE])
            path = self._path(name, project or "", reference)
            if not credentials.valid:
                credentials.refresh(Request())  # a login that has ended is said at once: gRPC would try for a minute
            with self._client(credentials) as client:
                found = client.access_secret_version(name=f"{path}/versions/{version or 'latest'}")
            return Secret(found.payload.data.decode(errors="replace"), reference)
        except GoogleAuthError as error:
            said = f"Google lets nobody in here ({type(error).__name__})."
            hint = "Type: gcloud auth application-default login   or set GOOGLE_APPLICATION_CREDENTIALS."
            raise SecretError(said, where=reference, hint=hint) from error
        except GoogleAPIError as error:
            raise _said(error, path, _member(credentials), reference) from error

    def _path(self, name: str, project: str, reference: str) -> str:
        if name.startswith("projects/"):
            return name
        if not (self._project or project):
            hint = "In conf/config.yaml: `vaults: {google: PROJECT}`; or type: export GOOGLE_CLOUD_PROJECT=..."
            raise SecretError("nothing says in which project it is.", where=reference, hint=hint)
        return f"projects/{self._project or project}/secrets/{name}"


def _member(credentials: Any) -> str:
    """As IAM writes it: `serviceAccount:bot@project.iam.gserviceaccount.com`."""
    if robot := getattr(credentials, "service_account_email", None):
        return f"serviceAccount:{robot}"
    return f"user:{getattr(credentials, 'account', None) or 'WHOEVER-LOGGED-IN'}"


def _said(error: GoogleAPIError, path: str, member: str, reference: str) -> SecretError:
    _, project, _, name = (*path.split("/"), "", "", "")[:4]
    if isinstance(error, NotFound):
        hint = f"Type: gcloud secrets create {name} --project={project} --data-file=FILE"
        return NoSuchSecret(f"Secret Manager has no {path}, or no such version of it.", where=reference, hint=hint)
    if isinstance(error, PermissionDenied):
        allow = f"gcloud secrets add-iam-policy-binding {name} --project={project} --member={member} --role={ROLE}"
        said = f"{member} may not read it: {PERMISSION} is missing. Google says: {error.message[:300]}"
        return SecretError(said, where=reference, hint=f"Whoever keeps the project types: {allow}")
    said = error.message if isinstance(error, GoogleAPICallError) and error.message else type(error).__name__
    hint = f"Look at it: gcloud secrets versions list {name} --project={project}"
    return SecretError(f"Secret Manager does not give it: {said[:300]}", where=reference, hint=hint)
