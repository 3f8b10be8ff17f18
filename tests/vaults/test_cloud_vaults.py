"""A project's secrets in three clouds: which project, vault and region; who is logged in; what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

from buttermilk.core.errors import SecretError
from buttermilk.vaults.aws import AwsVault
from buttermilk.vaults.azure import AzureVault
from buttermilk.vaults.google import GoogleVault
from clouds import ROBOT, KeyVault, SecretManager, SecretsManager, Tokens, logged_out, service_account

HERE = Path()


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    logged_out(monkeypatch, tmp_path)


# ---- Google


@pytest.fixture(scope="module")
def tokens() -> Iterator[Tokens]:
    with Tokens().open() as tokens:
        yield tokens


@pytest.fixture(scope="module")
def _file(tokens: Tokens, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return service_account(tmp_path_factory.mktemp("google") / "bot.json", tokens.url)


@pytest.fixture
def bot(_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(_file))
    return _file


@pytest.fixture
def secret_manager() -> Iterator[SecretManager]:
    with SecretManager().open() as server:
        yield server


@pytest.mark.parametrize(
    ("place", "variable", "name", "project"),
    [
        ("", "", "openai", "orchard"),  # the project of whoever is logged in
        ("", "of-the-shell", "openai", "of-the-shell"),
        ("of-the-study", "of-the-shell", "openai", "of-the-study"),
        ("of-the-study", "", "projects/of-the-reference/secrets/openai", "of-the-reference"),
    ],
)
def test_googles_project_is_named_in_the_reference_the_study_the_shell_or_the_login(
    place: str,
    variable: str,
    name: str,
    project: str,
    bot: Path,
    secret_manager: SecretManager,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", variable)
    secret_manager.versions[f"projects/{project}/secrets/openai"].append(b"sk-1")
    assert GoogleVault(HERE, place, secret_manager.client).get(name).reveal() == "sk-1"


def test_a_project_that_nobody_names_is_asked_for(bot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nameless = tmp_path / "nameless.json"
    nameless.write_text(json.dumps(json.loads(bot.read_text()) | {"project_id": None}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(nameless))
    with pytest.raises(SecretError, match="in which project") as caught:
        GoogleVault(HERE).get("openai")
    assert "vaults: {google: PROJECT}" in caught.value.hint


def test_nobody_logged_in_to_google_is_told_what_to_type() -> None:
    with pytest.raises(SecretError, match="Google lets nobody in here") as caught:
        GoogleVault(HERE, "orchard").get("openai")
    assert "gcloud auth application-default login" in caught.value.hint


def test_a_login_at_google_that_has_ended_is_said_at_once(bot: Path, tokens: Tokens) -> None:
    tokens.status = 400
    try:
        with pytest.raises(SecretError, match=r"Google lets nobody in here \(RefreshError\)"):
            GoogleVault(HERE, "orchard").get("openai")
    finally:
        tokens.status = 200


def test_whoever_keeps_googles_project_is_given_the_command_that_lets_one_in(
    bot: Path, secret_manager: SecretManager
) -> None:
    secret_manager.denied.add("projects/orchard/secrets/openai")
    with pytest.raises(SecretError) as caught:
        GoogleVault(HERE, "orchard", secret_manager.client).get("openai")
    member = f"--member=serviceAccount:{ROBOT} --role=roles/secretmanager.secretAccessor"
    assert f"gcloud secrets add-iam-policy-binding openai --project=orchard {member}" in caught.value.hint


def test_a_version_that_was_switched_off_is_no_missing_one(bot: Path, secret_manager: SecretManager) -> None:
    secret_manager.disabled.add("projects/orchard/secrets/openai")
    with pytest.raises(SecretError, match=r"does not give it: .* is in DISABLED state"):
        GoogleVault(HERE, "orchard", secret_manager.client).get("openai")


# ---- Azure


@pytest.fixture(scope="module")
def key_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyVault]:
    with KeyVault().open(tmp_path_factory.mktemp("azure")) as server:
        yield server


@pytest.mark.parametrize(
    ("place", "name", "url"),
    [
        ("orchard", "openai", "https://orchard.vault.azure.net"),
        ("orchard", "meadow/openai", "https://meadow.vault.azure.net"),
        ("", "meadow/openai", "https://meadow.vault.azure.net"),
        ("https://orchard.vault.azure.cn", "openai", "https://orchard.vault.azure.cn"),
    ],
)
def test_azures_vault_is_named_by_the_study_or_in_the_reference(
    place: str, name: str, url: str, key_vault: KeyVault
) -> None:
    asked = []

    def client(address: str) -> SecretClient:
        asked.append(address)
        return key_vault.client(address)

    key_vault.versions["openai"].append("sk-1")
    assert AzureVault(HERE, place, client).get(name).reveal() == "sk-1"
    assert asked == [url]


def test_a_vault_that_nobody_names_is_asked_for() -> None:
    with pytest.raises(SecretError, match="in which vault") as caught:
        AzureVault(HERE).get("openai")
    assert "secret://azure/VAULT/NAME" in caught.value.hint


def test_nobody_logged_in_to_azure_is_told_what_to_type(key_vault: KeyVault) -> None:
    with pytest.raises(SecretError, match="nobody is logged in to Azure") as caught:
        AzureVault(HERE, "orchard", lambda url: key_vault.client(url, DefaultAzureCredential())).get("openai")
    assert caught.value.hint == "Type: az login"


def test_a_vault_that_cannot_be_reached_is_named() -> None:
    """By the real client: tests look up no names."""
    with pytest.raises(SecretError, match=r"the vault 'orchrad' does not give it \(ServiceRequestError") as caught:
        AzureVault(HERE, "orchrad", lambda url: SecretClient(url, DefaultAzureCredential(), retry_total=0)).get(
            "openai"
        )
    assert isinstance(caught.value.__cause__, ServiceRequestError)


# ---- AWS


@pytest.fixture(scope="module")
def secrets_manager() -> Iterator[SecretsManager]:
    with SecretsManager().open() as server:
        yield server


def test_awss_region_is_named_by_the_study(secrets_manager: SecretsManager) -> None:
    client = secrets_manager.client("eu-north-1")
    arn = client.create_secret(Name="openai", SecretString="sk-1")["ARN"]
    assert AwsVault(HERE, "eu-north-1", secrets_manager.client).get("openai").reveal() == "sk-1"
    assert AwsVault(HERE, "eu-north-1", secrets_manager.client).get(arn).reveal() == "sk-1"
    with pytest.raises(SecretError, match="has no 'openai'"):
        AwsVault(HERE, "eu-south-1", secrets_manager.client).get("openai")


def test_a_stage_of_aws_is_a_version_too(secrets_manager: SecretsManager) -> None:
    client = secrets_manager.client("")
    client.create_secret(Name="staged", SecretString="sk-1")
    client.put_secret_value(SecretId="staged", SecretString="sk-2")
    assert AwsVault(HERE, client=secrets_manager.client).get("staged", "AWSPREVIOUS").reveal() == "sk-1"


def test_a_binary_secret_of_aws_is_a_text_too(secrets_manager: SecretsManager) -> None:
    secrets_manager.client("").create_secret(Name="binary", SecretBinary=b"sk-1")
    assert AwsVault(HERE, client=secrets_manager.client).get("binary").reveal() == "sk-1"


def test_a_signature_that_aws_does_not_accept_is_an_error_of_the_login(secrets_manager: SecretsManager) -> None:
    with secrets_manager.guarded("forger"):
        secrets_manager.who = secrets_manager.who | {"aws_secret_access_key": "forged"}
        with pytest.raises(SecretError, match="SignatureDoesNotMatch") as caught:
            AwsVault(HERE, client=secrets_manager.client).get("openai")
    assert "aws sso login" in caught.value.hint


def test_a_region_that_nobody_names_is_asked_for() -> None:
    with pytest.raises(SecretError, match="in which region") as caught:
        AwsVault(HERE).get("openai")
    assert "vaults: {aws: REGION}" in caught.value.hint


def test_nobody_logged_in_to_aws_is_told_what_to_type() -> None:
    with pytest.raises(SecretError, match="AWS lets nobody in here") as caught:
        AwsVault(HERE, "eu-north-1").get("openai")
    assert "Type: aws configure" in caught.value.hint


def test_a_region_that_cannot_be_reached_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SecretError, match=r"cannot be reached \(EndpointConnectionError\)"):
        AwsVault(HERE, "eu-nowhere-1").get("openai")
