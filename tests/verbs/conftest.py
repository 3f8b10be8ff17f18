"""A study of four verses, new for each test; and one whose questions have all been asked already."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scholar import Scholar, copied, new_study


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
