"""Secrets of a project in AWS Secrets Manager, read with whatever credentials botocore finds.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html (read 2026-11)
"""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoRegionError
from botocore.exceptions import ConnectionError as NotConnected
from botocore.session import Session

from buttermilk.core.contracts import Secret
from buttermilk.core.errors import NoSuchSecret, SecretError

VERSION_ID = re.compile(r"[0-9a-fA-F-]{32,64}")
LOGIN = "Type: aws configure   or: aws sso login   or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


def _client(region: str) -> Any:
    return Session().create_client("secretsmanager", region_name=region or None)


class AwsVault:
    """`secret://aws/NAME`, by name or ARN; `@AWSPREVIOUS` is a stage, a UUID a version."""

    def __init__(self, root: Path, place: str = "", client: Callable[[str], Any] = _client) -> None:
        self._region = place
        self._client = client

    def get(self, name: str, version: str = "") -> Secret:
        reference = f"secret://aws/{name}{f'@{version}' if version else ''}"
        which = "VersionId" if VERSION_ID.fullmatch(version) else "VersionStage"
        try:
            with closing(self._client(self._region)) as client:
                found = client.get_secret_value(SecretId=name, **({which: version} if version else {}))
            return Secret(found.get("SecretString") or found["SecretBinary"].decode(errors="replace"), reference)
        except ClientError as error:
            raise _refused(error, name, reference) from error
        except NoRegionError as error:
            hint = "In conf/config.yaml: `vaults: {aws: REGION}`; or type: aws configure set region REGION"
            raise SecretError("nothing says in which region it is.", where=reference, hint=hint) from error
        except (NotConnected, HTTPClientError) as error:
            said = f"Secrets Manager cannot be reached ({type(error).__name__})."
            raise SecretError(said, where=reference, hint="Is the region right? Try again later.") from error
        except BotoCoreError as error:
            raise SecretError(f"AWS lets nobody in here: {error}", where=reference, hint=LOGIN) from error


def _refused(error: ClientError, name: str, reference: str) -> SecretError:
    """AWS names who asked, and what they may not do: `User: arn:aws:iam::1:user/me is not authorized to perform: …`."""
    code, said = error.response["Error"]["Code"], str(error.response["Error"].get("Message", ""))
    if code == "ResourceNotFoundException":
        hint = f"Type: aws secretsmanager create-secret --name {name} --secret-string file://FILE"
        return NoSuchSecret(f"Secrets Manager has no '{name}', or no such version.", where=reference, hint=hint)
    denied = re.search(r"User: [^<\n]{1,300}", said)
    if denied or code.startswith("AccessDenied"):
        hint = (
            "Whoever keeps the account allows secretsmanager:GetSecretValue (and kms:Decrypt, where the key is theirs)."
        )
        return SecretError(
            f"it may not be read. AWS says: {denied[0] if denied else said[:300]}", where=reference, hint=hint
        )
    return SecretError(f"Secrets Manager does not give it ({code}): {said[:300]}", where=reference, hint=LOGIN)
