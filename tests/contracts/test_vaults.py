"""What every vault keeps, ours or a stranger's. To put yours to it, add a Case that can put a secret in and lock it."""

import pickle
import re
import traceback
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import pytest

from buttermilk.core.contracts import Vault
from buttermilk.core.errors import NoSuchSecret, SecretError
from buttermilk.plugins import find
from buttermilk.study.keys import Cabinet
from buttermilk.vaults.aws import AwsVault
from buttermilk.vaults.azure import AzureVault
from buttermilk.vaults.env import EnvVault
from buttermilk.vaults.google import GoogleVault
from buttermilk.vaults.keyring import KeyringVault
from clouds import PERSON, ROBOT, KeyVault, Memory, SecretManager, SecretsManager, Tokens, logged_out, service_account

OLD, TEXT = "sk-0123456789-the-first", "sk-0123456789-nobody-may-see"


class Case(Protocol):
    """One vault with its place. `put` returns the version; `denied` is a time in which nobody may read `name`."""

    store: str
    versions: bool = True
    who: str = ""
    missing: str = ""

    def __init__(self, folder: Path, opened: ExitStack) -> None: ...
    @abstractmethod
    def put(self, name: str, text: str) -> str: ...
    @abstractmethod
    def vault(self) -> Vault: ...
    def denied(self, name: str) -> AbstractContextManager[object]:
        return nullcontext()


class InEnvironment(Case):
    store, versions = "env", False

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.file = folder / ".env"

    def put(self, name: str, text: str) -> str:
        self.file.write_text(f"{name}='{text}'\n")
        return ""

    def vault(self) -> Vault:
        return EnvVault(self.file.parent)


class InKeyring(Case):
    store, versions = "keyring", False

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.backend = Memory()

    def put(self, name: str, text: str) -> str:
        self.backend.set_password("buttermilk", name, text)
        return ""

    def vault(self) -> Vault:
        return KeyringVault(Path(), backend=self.backend)


class InSecretManager(Case):
    store, who, missing = "google", f"serviceAccount:{ROBOT}", "secretmanager.versions.access"

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.server = opened.enter_context(SecretManager().open())
        self.file = service_account(folder / "bot.json", opened.enter_context(Tokens().open()).url)

    def put(self, name: str, text: str) -> str:
        kept = self.server.versions[f"projects/orchard/secrets/{name}"]
        kept.append(text.encode())
        return str(len(kept))

    def vault(self) -> Vault:
        return GoogleVault(Path(), "orchard", self.server.client)

    @contextmanager
    def denied(self, name: str) -> Iterator[None]:
        self.server.denied.add(f"projects/orchard/secrets/{name}")
        yield
        self.server.denied.clear()


class InKeyVault(Case):
    store, who, missing = "azure", PERSON, "Microsoft.KeyVault/vaults/secrets/getSecret/action"

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.server = opened.enter_context(KeyVault().open(folder))

    def put(self, name: str, text: str) -> str:
        self.server.versions[name].append(text)
        return f"{len(self.server.versions[name]):032x}"

    def vault(self) -> Vault:
        return AzureVault(Path(), "orchard", self.server.client)

    @contextmanager
    def denied(self, name: str) -> Iterator[None]:
        self.server.denied.add(name)
        yield
        self.server.denied.clear()


class InSecretsManager(Case):
    store, who, missing = "aws", "arn:aws:iam::123456789012:user/", "secretsmanager:GetSecretValue"

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self.server = opened.enter_context(SecretsManager().open())

    def put(self, name: str, text: str) -> str:
        client = self.server.client("")
        try:
            return str(client.create_secret(Name=name, SecretString=text)["VersionId"])
        except client.exceptions.ResourceExistsException:
            return str(client.put_secret_value(SecretId=name, SecretString=text)["VersionId"])

    def vault(self) -> Vault:
        return AwsVault(Path(), client=self.server.client)

    def denied(self, name: str) -> AbstractContextManager[None]:
        return self.server.guarded(name)


CLOUDS = [InSecretManager, InKeyVault, InSecretsManager]
CASES = [InEnvironment, InKeyring, *CLOUDS]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.store)
def _opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with ExitStack() as opened:
        yield request.param(tmp_path_factory.mktemp("vault"), opened)


@pytest.fixture
def case(_opened: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    logged_out(monkeypatch, tmp_path)
    if isinstance(_opened, InSecretManager):
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(_opened.file))
    return _opened


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Another for each promise, as each vault forbids another sign: `FOUND-google`."""
    return re.sub(r"[^A-Za-z]+", "-", request.node.name.removeprefix("test_")).strip("-")


def test_a_vault_is_found_by_the_word_of_its_references(case: Case) -> None:
    assert isinstance(case.vault(), Vault)
    assert isinstance(case.vault(), find("vaults", case.store))


def test_what_was_put_in_comes_out(case: Case, name: str) -> None:
    case.put(name, TEXT)
    assert case.vault().get(name).reveal() == TEXT


def test_the_newest_version_comes_where_none_is_named_and_an_older_by_its_name(case: Case, name: str) -> None:
    first = case.put(name, OLD)
    second = case.put(name, TEXT)
    assert case.vault().get(name).reveal() == TEXT
    if case.versions:
        assert case.vault().get(name, first).reveal() == OLD
        assert case.vault().get(name, second).reveal() == TEXT
    else:
        with pytest.raises(NoSuchSecret, match="keeps no versions"):
            case.vault().get(name, "1")


def test_a_version_that_never_was_is_missing(case: Case, name: str) -> None:
    case.put(name, TEXT)
    with pytest.raises(NoSuchSecret) as caught:
        case.vault().get(name, "9" * 32)
    assert caught.value.where == f"secret://{case.store}/{name}@{'9' * 32}"


def test_a_secret_that_is_missing_is_named_with_its_store_and_what_to_type(case: Case, name: str) -> None:
    with pytest.raises(NoSuchSecret) as caught:
        case.vault().get(name)
    assert caught.value.where == f"secret://{case.store}/{name}"
    assert name in caught.value.message
    assert caught.value.hint.startswith("Type: ")


@pytest.mark.parametrize("_opened", CLOUDS, indirect=True, ids=lambda case: case.store)
def test_who_may_not_read_is_named_with_the_permission_that_is_missing(case: Case, name: str) -> None:
    case.put(name, TEXT)
    with case.denied(name), pytest.raises(SecretError) as caught:
        case.vault().get(name)
    assert not isinstance(caught.value, NoSuchSecret)
    assert caught.value.where == f"secret://{case.store}/{name}"
    assert case.who in caught.value.message
    assert case.missing in caught.value.message
    assert caught.value.hint.startswith("Whoever keeps ")
    assert case.vault().get(name).reveal() == TEXT


def test_a_key_of_a_json_secret_is_picked_by_its_reference(case: Case, name: str, tmp_path: Path) -> None:
    case.put(name, f'{{"openai": {{"key": "{TEXT}"}}, "other": 1}}')
    cabinet = Cabinet(tmp_path, {}, plugs=lambda kind, store: lambda root: case.vault())
    assert cabinet.get(f"secret://{case.store}/{name}#openai.key").reveal() == TEXT
    with pytest.raises(SecretError, match=re.escape(f"secret://{case.store}/{name}#other: 'other' of its JSON is no")):
        cabinet.get(f"secret://{case.store}/{name}#other")


def test_a_secret_is_shown_to_nobody(case: Case, name: str) -> None:
    case.put(name, TEXT)
    secret = case.vault().get(name)
    assert TEXT not in f"{secret} {secret!r} {[secret]}"
    assert f"secret://{case.store}/{name}" in repr(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_no_error_and_none_of_its_causes_carries_a_secret(case: Case, name: str) -> None:
    case.put(name, TEXT)
    shown = []
    for version, lock in (("9" * 32, nullcontext()), ("", case.denied(name))):
        with lock:
            try:
                case.vault().get(name, version)
            except SecretError as error:
                shown += traceback.format_exception(error)
    assert shown
    assert TEXT not in "".join(shown)
