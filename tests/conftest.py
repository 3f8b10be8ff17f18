"""What every test stands on: no call leaves this machine, no key is known, async tests run on asyncio."""

import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from playwright.sync_api import Page, sync_playwright

from scholar import Scholar, copied, new_study

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = ("--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update")

# A busy machine is no reason to fail; where CI is set, Hypothesis draws the same examples each time.
settings.register_profile("house", parent=settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("house")


class LeftTheMachine(AssertionError):
    """A test tried to reach another machine. No error of the network, so nothing takes it for one and carries on."""


def is_here(host: Any) -> bool:
    """`127.0.0.1`, `::1`, `localhost`."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name == "localhost"


def is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True


def kept_here(method: Callable[..., Any]) -> Callable[..., Any]:
    """`socket.connect` and its kin, which take the address last, for this machine's addresses only."""

    def guarded(one: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if one.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
            raise LeftTheMachine(f"a test tried to reach {address[0]} port {address[1]}; tests use 127.0.0.1")
        return method(one, *arguments)

    return guarded


def looked_up_here(lookup: Callable[..., Any]) -> Callable[..., Any]:
    """No name of another machine is known here, as on a laptop in a train."""

    def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
        if host is None or is_here(host) or is_address(host):
            return lookup(host, *arguments, **options)
        raise socket.gaierror(socket.EAI_NONAME, f"tests look up no names, and this one asked for {host}")

    return guarded


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.upper().endswith("_API_KEY")]:
        del os.environ[name]
    for method in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, method, kept_here(getattr(socket.socket, method)))
    socket.getaddrinfo = looked_up_here(socket.getaddrinfo)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def page() -> Iterator[Page]:
    """A page in a real browser that finds no machine but this one."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "this test looks at a page in Chromium: type `make test`, which installs it"
    only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", only_here, *QUIET])
        yield browser.new_page()
        browser.close()


# ---- a study of four verses, new for each test; and one whose questions have all been asked already


@pytest.fixture(scope="session")
def _new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_study(tmp_path_factory.mktemp("studies") / "new")


@pytest.fixture(scope="session")
def _asked(_new: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(_new, tmp_path_factory.mktemp("studies") / "asked")
    with pytest.MonkeyPatch.context() as patch:
        Scholar(folder, patch.chdir).types("run", "verse")
    return folder


@pytest.fixture
def scholar(_new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scholar]:
    """In a new study."""
    scholar = Scholar(copied(_new, tmp_path / "study"), monkeypatch.chdir)
    yield scholar
    scholar.goes_home()


@pytest.fixture
def asked(_asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scholar:
    """In a study where `run verse` has finished."""
    return Scholar(copied(_asked, tmp_path / "asked"), monkeypatch.chdir)
