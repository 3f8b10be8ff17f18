"""`secret://STORE/NAME[#json.key][@version]`: opened when wanted, kept for a while, looked for in turn."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from buttermilk.core.contracts import Secret
from buttermilk.core.errors import ConfigError, MissingExtra, NoSuchSecret, SecretError
from buttermilk.study.keys import LASTS_SECONDS, Cabinet, keys_of
from buttermilk.study.opening import open_study
from scholar import Scholar

TEXT = "sk-0123456789-nobody-may-see"


class Distant:
    """A vault far away, which counts how often it is opened and asked."""

    def __init__(self) -> None:
        self.opened: list[tuple[Any, ...]] = []
        self.asked: list[tuple[str, str]] = []
        self.kept: dict[str, str] = {"openai": TEXT}
        self.error: Exception | None = None

    def __call__(self, *given: Any) -> "Distant":
        self.opened.append(given)
        return self

    def get(self, name: str, version: str = "") -> Secret:
        self.asked.append((name, version))
        time.sleep(0.01)
        if self.error:
            raise self.error
        if name not in self.kept:
            raise NoSuchSecret(f"there is no '{name}'.", hint=f"Type: put {name}")
        return Secret(self.kept[name], f"secret://distant/{name}")


@pytest.fixture
def distant() -> Distant:
    return Distant()


@pytest.fixture
def near() -> Distant:
    near = Distant()
    near.kept.clear()
    return near


@pytest.fixture
def cabinet(distant: Distant, near: Distant) -> Callable[..., Cabinet]:
    def cabinet(places: Mapping[str, str | None] | None = None, **more: Any) -> Cabinet:
        plugs = {"google": distant, "env": near, "keyring": near}
        said = {"env": ".env", "keyring": None, "google": "orchard"} if places is None else places
        return Cabinet(Path("study"), said, plugs=lambda kind, store: plugs[store], **more)

    return cabinet


# ---- one reference


@pytest.mark.parametrize(
    ("reference", "asked"),
    [
        ("secret://google/openai", ("openai", "")),
        ("secret://google/openai@7", ("openai", "7")),
        ("secret://google/openai#a.key@7", ("openai", "7")),
        ("secret://google/projects/p/secrets/openai", ("projects/p/secrets/openai", "")),
    ],
)
def test_a_vault_is_asked_for_a_name_and_a_version(
    reference: str, asked: tuple[str, str], distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    distant.kept = dict.fromkeys(("openai", "projects/p/secrets/openai"), f'{{"a": {{"key": "{TEXT}"}}}}')
    assert TEXT in cabinet().get(reference).reveal()
    assert distant.asked == [asked]


def test_a_vault_is_opened_when_first_wanted_at_the_place_the_study_names(
    distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    opened = cabinet()
    assert distant.opened == []
    opened.get("secret://google/openai")
    opened.get("secret://google/openai@2")
    assert distant.opened == [(Path("study"), "orchard")]
    cabinet({}).get("secret://google/openai")
    assert distant.opened[1:] == [(Path("study"),)]


def test_a_line_break_that_came_with_a_secret_is_no_part_of_it(
    distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    distant.kept["openai"] = f"{TEXT}\r\n"
    assert cabinet().get("secret://google/openai").reveal() == TEXT


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (f"{TEXT} is no JSON", "a", "it is no JSON"),
        (f'{{"a": "{TEXT}"', "a", "it is no JSON"),
        (f'{{"b": "{TEXT}"}}', "a", "its JSON has no 'a'"),
        (f'{{"a": "{TEXT}"}}', "a.b", "its JSON has no 'a.b'"),
        (f'["{TEXT}"]', "0", "its JSON has no '0'"),
        (f'{{"a": {{"b": "{TEXT}"}}}}', "a", "'a' of its JSON is no text"),
        ('{"a": null}', "a", "'a' of its JSON is no text"),
        ('{"a": " "}', "a", "it is empty"),
        ("", "", "it is empty"),
        (b"sk-\xff".decode(errors="replace"), "", "it is no text"),
    ],
)
def test_a_secret_that_does_not_hold_what_is_wanted_is_shown_to_nobody(
    text: str, key: str, said: str, distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    distant.kept["openai"] = text
    reference = f"secret://google/openai{'#' if key else ''}{key}"
    with pytest.raises(SecretError, match=said) as caught:
        cabinet().get(reference)
    assert caught.value.where == reference
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert TEXT not in str(caught.value)


def test_a_key_picked_from_a_json_secret_names_its_whole_reference(
    distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    distant.kept["openai"] = f'{{"a": "{TEXT}"}}'
    assert repr(cabinet().get("secret://google/openai#a")) == "Secret(secret://google/openai#a)"


# ---- kept for a while


def test_what_a_distant_vault_gave_is_asked_for_again_after_a_quarter_of_an_hour(
    distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    now = [0.0]
    opened = cabinet(clock=lambda: now[0])
    for seconds, times in ((0.0, 1), (LASTS_SECONDS - 1, 1), (LASTS_SECONDS, 2), (LASTS_SECONDS + 1, 2)):
        now[0] = seconds
        opened.get("secret://google/openai")
        assert len(distant.asked) == times


def test_many_keys_of_one_json_secret_are_fetched_together(distant: Distant, cabinet: Callable[..., Cabinet]) -> None:
    distant.kept["models"] = '{"a": "1", "b": "2"}'
    opened = cabinet()
    assert [opened.get(f"secret://google/models#{key}").reveal() for key in "abab"] == ["1", "2", "1", "2"]
    assert len(distant.asked) == 1


def test_threads_that_want_the_same_secret_at_once_fetch_it_once(
    distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    opened = cabinet()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: opened.get("secret://google/openai").reveal(), range(32)))
    assert found == [TEXT] * 32
    assert len(distant.asked) == len(distant.opened) == 1


def test_what_is_at_hand_is_read_each_time_and_a_failure_is_not_kept(
    near: Distant, distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    opened = cabinet()
    for text in ("old", "new"):
        near.kept["KEY"] = text
        assert opened.get("secret://env/KEY").reveal() == text
    distant.error = SecretError("locked.")
    with pytest.raises(SecretError):
        opened.get("secret://google/openai")
    distant.error = None
    assert opened.get("secret://google/openai").reveal() == TEXT


# ---- looked for in turn


def test_any_vault_means_the_first_of_the_study_that_has_it(
    near: Distant, distant: Distant, cabinet: Callable[..., Cabinet]
) -> None:
    opened = cabinet()
    assert opened.get("secret://any/openai").reveal() == TEXT
    assert len(near.asked) == 1  # the environment; no keyring was named
    near.kept["openai"] = "mine"
    assert opened.get("secret://any/openai").reveal() == "mine"


def test_a_secret_that_is_nowhere_is_an_error_with_what_each_vault_said(cabinet: Callable[..., Cabinet]) -> None:
    with pytest.raises(SecretError) as caught:
        cabinet().get("secret://any/claude")
    assert str(caught.value).splitlines() == [
        "secret://any/claude: it was not found.",
        "  env: there is no 'claude'. Type: put claude",
        "  google: there is no 'claude'. Type: put claude",
    ]


def test_a_vault_that_refuses_ends_the_search(near: Distant, distant: Distant, cabinet: Callable[..., Cabinet]) -> None:
    """The next might have another key of the same name, and nobody would know."""
    near.error = SecretError("you may not read it.", hint="Ask.")
    with pytest.raises(SecretError, match=r"env: you may not read it\. Ask\."):
        cabinet().get("secret://any/openai")
    assert distant.asked == []


def test_a_vault_whose_library_is_missing_is_passed_over_and_named_if_nothing_is_found(distant: Distant) -> None:
    def plugs(kind: str, store: str) -> Any:
        if store == "keyring":
            raise MissingExtra("vault 'keyring'", "keyring")
        return distant

    cabinet = Cabinet(Path(), {"keyring": "buttermilk", "google": "orchard"}, plugs=plugs)
    assert cabinet.get("secret://any/openai").reveal() == TEXT
    with pytest.raises(SecretError, match=r"pip install 'buttermilk\[keyring\]'"):
        cabinet.get("secret://any/claude")


# ---- of a study


@pytest.fixture
def _no_keyring() -> Iterator[None]:
    """Whatever keyring the machine has that runs these tests."""
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("_no_keyring")
def test_every_study_looks_into_its_environment_and_the_keyring(scholar: Scholar) -> None:
    scholar.writes(".env", f"OPENAI={TEXT}\n")
    assert keys_of(scholar.folder)("secret://any/OPENAI").reveal() == TEXT
    with pytest.raises(SecretError, match=r"env: .*\n  keyring: ") as caught:
        keys_of(scholar.folder)("secret://any/CLAUDE")
    assert "google" not in str(caught.value)


def test_a_study_names_its_vaults_in_its_files_or_on_the_command_line(scholar: Scholar) -> None:
    scholar.writes("team.env", f"OPENAI={TEXT}\n")
    scholar.writes("conf/config.yaml", "vaults: {google: orchard, keyring: null}\n")
    study = open_study(scholar.folder, "verse", ["vaults.env=team.env"])
    study.close()
    places = {"env": "team.env", "keyring": None, "google": "orchard", "azure": None, "aws": None}
    assert study.composed.vaults == study.composed.resolved["vaults"] == places
    assert keys_of(scholar.folder, places)("secret://any/OPENAI").reveal() == TEXT


@pytest.mark.parametrize(
    ("line", "said"), [("gogle: orchard", "no 'gogle' among the vaults"), ("google: [a]", "google")]
)
def test_a_slip_among_the_vaults_is_named(scholar: Scholar, line: str, said: str) -> None:
    scholar.writes("conf/config.yaml", f"vaults: {{{line}}}\n")
    with pytest.raises(ConfigError, match=said):
        keys_of(scholar.folder)("secret://any/OPENAI_MISSING")


def test_studies_of_one_process_share_what_was_fetched(tmp_path: Path) -> None:
    assert keys_of(tmp_path, {"env": None}) == keys_of(tmp_path, {"env": None})
    assert keys_of(tmp_path, {"env": None}) != keys_of(tmp_path / "other", {"env": None})
