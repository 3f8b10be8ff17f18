"""Models of random weights, saved to folders. Where PyTorch is missing they fail, but where a developer said so."""

import os
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tiny() -> Iterator[Any]:
    """The module that makes them; the hub is out of reach, as on a laptop in a train."""
    if os.environ.get("BUTTERMILK_WITHOUT_TORCH"):
        pytest.skip("BUTTERMILK_WITHOUT_TORCH is set")
    assert find_spec("torch"), "this test runs a model on this machine: type `make test`, which installs PyTorch"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # read when the library is imported
        yield import_module("tiny")


@pytest.fixture(scope="session")
def classifier(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.classifier(tmp_path_factory.mktemp("models") / "classifier"))


@pytest.fixture(scope="session")
def encoder(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.encoder(tmp_path_factory.mktemp("models") / "encoder"))
