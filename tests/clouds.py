"""Clouds on this machine: who hands out tokens, and who keeps secrets. The vendors' own libraries talk to them."""

import json
import logging
import os
import re
import ssl
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pytest
import trustme
from azure.core.credentials import AccessToken
from azure.keyvault.secrets import SecretClient
from botocore.session import Session
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from moto.server import ThreadedMotoServer

ROBOT = "bot@orchard.iam.gserviceaccount.com"
PERSON = "appid=7f3a;oid=92bc;iss=https://sts.windows.net/orchard/"
OURS = re.compile(r"(AWS|AZURE|GOOGLE|GCLOUD|IDENTITY|MSI|CLOUDSDK|GCE)_")


def logged_out(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """As on a laptop where nobody ever logged in to a cloud, and no metadata server is near."""
    for name in filter(OURS.match, list(os.environ)):
        patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", str(folder / "no-aws-config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "no-aws-credentials"))
    patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "no-google.json"))
    patch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    patch.setenv("NO_PROXY", "127.0.0.1")


class Answers(BaseHTTPRequestHandler):
    """JSON over HTTP/1.1, without a line on the screen for each call."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *given: Any) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, status: int, found: Any, **headers: str) -> None:
        text = json.dumps(found).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[int]:
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


# ---- who hands out tokens


class Tokens:
    """Google's token endpoint, App Service's managed identity and a container's AWS credentials, on one port."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lasts_seconds = 3600.0
        self.slow_seconds = 0.0
        self.status = 200
        self.complaint: Any = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        self.url = ""

    @contextmanager
    def open(self) -> Iterator["Tokens"]:
        tokens = self

        class Handler(Answers):
            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def answer(self) -> None:
                self.body()
                tokens.asked.append(self.path)
                time.sleep(tokens.slow_seconds)
                self.say(*(200, tokens.given()) if tokens.status == 200 else (tokens.status, tokens.complaint))

        with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield self

    def given(self) -> dict[str, Any]:
        until = time.time() + self.lasts_seconds
        return {
            "access_token": f"token-{len(self.asked)}",
            "token_type": "Bearer",
            "expires_in": int(self.lasts_seconds),
            "expires_on": str(int(until)),
            "AccessKeyId": f"ASIA{len(self.asked)}",
            "SecretAccessKey": "secret-of-the-container",
            "Token": f"session-{len(self.asked)}",
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until)),
        }

    def scopes(self) -> list[str]:
        """What was asked for, where it stands in the address."""
        return [parse_qs(urlsplit(path).query)["resource"][0] for path in self.asked]


def service_account(file: Path, token_url: str) -> Path:
    """The file that Google gives for a service account, with a key made a moment ago."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    found = {
        "type": "service_account",
        "project_id": "orchard",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": ROBOT,
        "client_id": "1",
        "token_uri": f"{token_url}/token",
    }
    file.write_text(json.dumps(found), encoding="utf-8")
    return file


# ---- who keeps secrets


class Memory(KeyringBackend):
    """A keyring that keeps what it is told while a test lasts, or is locked."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("the user dismissed the prompt")
        return self.kept.get((service, username))


class SecretManager:
    """Google's, over gRPC, with the messages of its client library."""

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = defaultdict(list)
        self.denied: set[str] = set()
        self.disabled: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.address = ""

    def access(self, request: AccessSecretVersionRequest, context: grpc.ServicerContext) -> AccessSecretVersionResponse:
        secret, _, version = request.name.rpartition("/versions/")
        self.asked[secret] += 1
        if secret in self.denied:
            said = f"Permission 'secretmanager.versions.access' denied for resource '{request.name}'."
            context.abort(grpc.StatusCode.PERMISSION_DENIED, said)
        if secret in self.disabled:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"Secret Version [{request.name}] is in DISABLED state.")
        kept = self.versions.get(secret, [])
        number = len(kept) if version == "latest" else int(version)
        if not 1 <= number <= len(kept):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Secret [{secret}] not found or has no versions.")
        return AccessSecretVersionResponse(name=request.name, payload=SecretPayload(data=kept[number - 1]))

    @contextmanager
    def open(self) -> Iterator["SecretManager"]:
        method = grpc.unary_unary_rpc_method_handler(
            self.access,
            request_deserializer=AccessSecretVersionRequest.deserialize,
            response_serializer=AccessSecretVersionResponse.serialize,
        )
        service = "google.cloud.secretmanager.v1.SecretManagerService"
        server = grpc.server(ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": method})]
        )
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield self
        server.stop(None).wait()

    def client(self, credentials: Any) -> SecretManagerServiceClient:
        """The library has no variable that leads it elsewhere: a channel of one's own does."""
        channel = grpc.insecure_channel(self.address)
        return SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


class KeyVault:
    """Azure's, over HTTPS, with its challenge: who brings no token is told where to get one."""

    def __init__(self) -> None:
        self.versions: dict[str, list[str]] = defaultdict(list)
        self.denied: set[str] = set()
        self.url = self.authority = ""

    @contextmanager
    def open(self, folder: Path) -> Iterator["KeyVault"]:
        vault = self

        class Handler(Answers):
            def do_GET(self) -> None:
                self.body()
                self.say(*vault.answer(urlsplit(self.path).path, self.headers.get("Authorization") or ""))

            def say(self, status: int, found: Any, **headers: str) -> None:
                where = 'Bearer authorization="https://login.microsoftonline.com/orchard", resource="https://vault.azure.net"'
                super().say(status, found, **headers, **({"WWW_Authenticate": where} if status == 401 else {}))

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.authority = str(folder / "authority.pem")
        authority.cert_pem.write_to_path(self.authority)
        with serving(server) as port:
            self.url = f"https://127.0.0.1:{port}"
            yield self

    def answer(self, path: str, token: str) -> tuple[int, Any]:
        if not token.startswith("Bearer "):
            return 401, {"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer token."}}
        _, _, name, version = [*path.split("/"), ""][:4]
        if name in self.denied:
            said = (
                "Caller is not authorized to perform action on resource.\r\nIf role assignments were changed recently, "
            )
            said += f"please observe propagation time.\r\nCaller: {PERSON}\r\nAction: '…'"
            return 403, {"error": {"code": "Forbidden", "message": said, "innererror": {"code": "ForbiddenByRbac"}}}
        kept = self.versions.get(name, [])
        number = int(version, 16) if version else len(kept)
        if not 1 <= number <= len(kept):
            said = f"A secret with (name/id) {name} was not found in this key vault."
            return 404, {"error": {"code": "SecretNotFound", "message": said}}
        return 200, {"value": kept[number - 1], "id": f"{self.url}/secrets/{name}/{number:032x}", "attributes": {}}

    def client(self, url: str, credential: Any = None) -> SecretClient:
        return SecretClient(
            self.url,
            credential or OneToken(),
            verify_challenge_resource=False,
            connection_verify=self.authority,
            retry_total=0,
        )


class OneToken:
    """An Entra credential that was always logged in."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("entra-token", int(time.time()) + 3600)


class SecretsManager:
    """AWS's, as moto plays it, with users that may do nothing once `guarded`: then signatures are checked, too."""

    def __init__(self) -> None:
        self.url = ""
        self.session = Session()
        self.who: dict[str, str] = {"aws_access_key_id": "AKIAOWNER", "aws_secret_access_key": "owner"}

    @contextmanager
    def open(self) -> Iterator["SecretsManager"]:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        self.url = "http://{}:{}".format(*server.get_host_and_port())
        yield self
        server.stop()

    def client(self, region: str, service: str = "secretsmanager") -> Any:
        return self.session.create_client(service, region_name=region or "eu-west-1", endpoint_url=self.url, **self.who)

    @contextmanager
    def guarded(self, name: str) -> Iterator[None]:
        """As a user of this name, whom nobody has allowed anything."""
        people, before = self.client("", "iam"), self.who
        people.create_user(UserName=name)
        key = people.create_access_key(UserName=name)["AccessKey"]
        self.who = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        self._guard("0")
        yield
        self._guard("inf")
        self.who = before

    def _guard(self, after: str) -> None:
        headers = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(f"{self.url}/moto-api/reset-auth", after.encode(), headers, method="POST")
        urllib.request.urlopen(asked).close()
