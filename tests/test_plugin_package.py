"""A package of somebody else's adds a model, a tool and a check by its entry points alone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from buttermilk.plugins import names
from scholar import Scholar

PACKAGE = Path(__file__).parent / "plugin"
ECHO = "type: echo\n"
CAPITALS = "type: capitals\nparameters: {loud: mixed, quiet: no_impact}\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The guest's wheel, built and unpacked as pip would, in a folder for the PYTHONPATH."""
    folder = tmp_path_factory.mktemp("guest")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(build, cwd=PACKAGE, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return str(folder / "site")


@pytest.fixture
def guest(scholar: Scholar) -> Scholar:
    scholar.writes("conf/agent/echo.yaml", ECHO)
    scholar.writes("conf/agent/capitals.yaml", CAPITALS)
    return scholar


def test_a_strangers_model_and_tool_are_asked_beside_ours(guest: Scholar, installed: str) -> None:
    run = guest.starts("run", "verse", "agents=[echo,capitals,vader]", "repeats=1", PYTHONPATH=installed)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, out + err
    guest.types("export", "answers.csv")
    rows = [row for row in guest.table("answers.csv") if row["step"] == "judge" and row["question"] == "sentiment"]
    found = {(row["agent"], row["record_id"]): (row["status"], row["label"], row["model_returned"]) for row in rows}
    for record in ("v1", "v2", "v3", "v4"):
        assert found["echo", record] == ("answered", "mixed", "echo-1")
        assert found["capitals", record] == ("answered", "no_impact", "capitals 1")
        assert found["vader", record][0] == "answered"


def test_without_the_package_its_names_are_unknown_and_ours_are_listed(guest: Scholar) -> None:
    said = guest.types("plan", "verse", "agents=[echo,capitals]", code=2)
    assert "there is no model or tool of type 'echo'" in said.err
    assert "there is no model or tool of type 'capitals'" in said.err
    assert "openai" in said.err


def test_a_strangers_check_is_found_by_its_name_and_keeps_the_contract_of_checks(installed: str) -> None:
    tests = Path(__file__).parent
    script = """
import checks_table
from judging import trial
row = checks_table.Row("rhymes-with", "rhymes-with: glove", "", trial("O love!"), trial("O hate!"), ("at", None, 1))
checks_table.ROWS[:] = [row]
import pytest
QUIET = ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]  # ours is a plug-in of pytest too
raise SystemExit(pytest.main(["-q", "-p", "no:cacheprovider", *QUIET, "contracts/test_checks.py"]))
"""
    path = os.pathsep.join([installed, str(tests)])
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=tests, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "rhymes-with" not in names("checks")


def test_the_guest_knows_of_us_only_the_doors_and_the_values(installed: str) -> None:
    lines = (Path(installed) / "buttermilk_guest.py").read_text("utf-8").splitlines()
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert {name for name in imported if name.startswith("buttermilk") and ".core." not in name} == set()
