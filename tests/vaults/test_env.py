"""Secrets from the environment and from `.env`, shown to nobody."""

import os
import pickle
from pathlib import Path

import pytest

from buttermilk.core.contracts import Vault
from buttermilk.core.errors import SecretError
from buttermilk.plugins import find
from buttermilk.vaults.env import EnvVault

NAME, TEXT = "BUTTERMILK_TEST_TOKEN", "sk-0123456789-nobody-may-see"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)


def vault(folder: Path, text: str | bytes | None = None) -> EnvVault:
    if text is not None:
        (folder / ".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    return EnvVault(folder)


def test_the_vault_is_found_by_its_name_and_is_one(tmp_path: Path) -> None:
    assert isinstance(find("vaults", "env")(tmp_path), Vault)


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vault(tmp_path, f"{NAME}=from the file").get(NAME).reveal() == "from the file"
    monkeypatch.setenv(NAME, "from the environment")
    assert vault(tmp_path).get(NAME).reveal() == "from the environment"
    monkeypatch.setenv(NAME, "")
    assert vault(tmp_path).get(NAME).reveal() == "from the file"


def test_a_line_break_that_came_with_the_key_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, f"{TEXT}\n")
    assert vault(tmp_path).get(NAME).reveal() == TEXT


@pytest.mark.parametrize(
    "line",
    [
        "{name}={text}",
        "{name} = {text}  ",
        'export {name}="{text}"',
        "{name}='{text}'",
        "# a comment = with a sign\r\n\r\nOTHER=x\r\n{name}={text}\r\n",
        "\ufeff{name}={text}",
    ],
)
def test_a_line_of_the_file_is_read_as_people_write_it(tmp_path: Path, line: str) -> None:
    assert vault(tmp_path, line.format(name=NAME, text=TEXT)).get(NAME).reveal() == TEXT


def test_a_sign_within_the_text_stays(tmp_path: Path) -> None:
    assert vault(tmp_path, f"{NAME}=a=b#c'").get(NAME).reveal() == "a=b#c'"


@pytest.mark.parametrize("text", [None, "", "OTHER=x", f"{NAME}=", f"# {NAME}=x", NAME])
def test_a_secret_that_is_missing_is_named_with_what_to_type(tmp_path: Path, text: str | None) -> None:
    with pytest.raises(SecretError) as caught:
        vault(tmp_path, text).get(NAME)
    assert str(caught.value).startswith(
        f"secret://env/{NAME}: there is no secret '{NAME}' in the environment or in .env"
    )
    assert f"export {NAME}=..." in caught.value.hint
    assert str(tmp_path / ".env") in caught.value.hint


def test_a_file_that_is_no_text_is_named_and_none_of_it_is_shown(tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        vault(tmp_path, f"{NAME}={TEXT}".encode() + b"\xff").get(NAME)
    assert ".env: it cannot be read as UTF-8" in str(caught.value)
    assert caught.value.__cause__ is None
    assert TEXT not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    one = vault(tmp_path, f"{NAME}={TEXT}")
    one.file.chmod(0)
    with pytest.raises(SecretError, match="cannot be read"):
        one.get(NAME)


def test_a_secret_shows_itself_to_nobody(tmp_path: Path) -> None:
    secret = vault(tmp_path, f"{NAME}={TEXT}").get(NAME)
    assert TEXT not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
