"""The command itself: its help, its verbs, and what it says of a mistake of its own."""

import io
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from buttermilk import cli
from buttermilk.cli import VERBS, buttermilk, main
from buttermilk.verbs.groups import PROMPTS
from scholar import COMMAND, Scholar, new_study

HELPFUL = 100  # columns


def test_help_lists_every_verb_in_the_order_in_which_a_scholar_meets_them() -> None:
    shown = CliRunner().invoke(buttermilk, ["--help"]).output
    named = [line.split()[0] for line in shown.splitlines() if line.split() and line.split()[0] in VERBS]
    assert named == list(VERBS)
    assert "buttermilk demo" in shown


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself_within_a_screens_width(verb: str) -> None:
    shown = CliRunner().invoke(buttermilk, [verb, "--help"], terminal_width=HELPFUL).output
    assert shown.startswith(f"Usage: buttermilk {verb}")
    assert len(shown.splitlines()) > 5
    assert max(map(len, shown.splitlines())) <= HELPFUL


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_the_command_of_its_name(verb: str) -> None:
    found = buttermilk.get_command(click.Context(buttermilk), verb)
    assert found is not None
    assert found.name == verb


@pytest.mark.parametrize("verb", PROMPTS)
def test_each_verb_about_prompts_is_a_command_that_explains_itself(verb: str) -> None:
    shown = CliRunner().invoke(buttermilk, ["prompts", verb, "--help"], terminal_width=HELPFUL).output
    assert shown.startswith(f"Usage: buttermilk prompts {verb}")
    assert max(map(len, shown.splitlines())) <= HELPFUL


def test_a_mistyped_verb_of_a_group_is_met_with_the_nearest() -> None:
    said = CliRunner().invoke(buttermilk, ["prompts", "shwo"])
    assert said.exit_code == 2
    assert "there is no command 'shwo'. Did you mean 'show'?" in said.output


@pytest.mark.parametrize("short", ["-h", "--help"])
def test_help_may_be_asked_for_in_short(short: str) -> None:
    assert CliRunner().invoke(buttermilk, [short]).exit_code == 0
    assert CliRunner().invoke(buttermilk, ["run", short]).exit_code == 0


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(buttermilk, ["--version"]).output.startswith("buttermilk, version 0.")


def test_both_names_of_the_command_are_installed() -> None:
    for name in ("buttermilk", "bm"):
        said = subprocess.run([Path(COMMAND).with_name(name), "--version"], capture_output=True, text=True, check=True)
        assert "version" in said.stdout


def test_a_mistake_of_our_own_is_one_screen_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(cli.buttermilk, "main", broken)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 70
    said = capsys.readouterr()
    assert said.out == ""
    assert "a mistake in buttermilk, not in your study: KeyError: 'lost'" in said.err
    assert "Traceback" not in said.err
    (file,) = tmp_path.iterdir()
    assert str(file) in said.err
    assert "Traceback" in file.read_text("utf-8")


def test_a_reader_who_has_seen_enough_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(**_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(cli.buttermilk, "main", cut_off)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0


def test_exit_codes_reach_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scholar = Scholar(new_study(tmp_path / "study"), monkeypatch.chdir)
    said = subprocess.run([COMMAND, "plan", "vesre"], cwd=scholar.folder, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "✗ there is no flow 'vesre'.\n  Did you mean 'verse'? There are: demo, verse.\n"
