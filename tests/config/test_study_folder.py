"""A study on disk: found from within, and written so that it runs at once."""

import stat
import sys
from pathlib import Path

import pytest

from buttermilk.config import compose, find_root, flows, init
from buttermilk.core.errors import ConfigError


def test_a_study_is_found_from_any_folder_in_it(root: Path) -> None:
    inner = root / "data" / "raw"
    inner.mkdir(parents=True)
    assert find_root(inner) == find_root(root) == root


def test_where_there_is_no_study_the_message_says_how_to_begin_one(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()  # some other program's
    with pytest.raises(ConfigError, match="buttermilk init mystudy"):
        find_root(tmp_path)


def test_flows_are_the_studys_own_and_the_packaged(root: Path) -> None:
    assert flows(root) == ["demo", "news"]


def test_a_new_study_composes_as_it_stands(tmp_path: Path) -> None:
    written = init(tmp_path / "mystudy")
    root = find_root(tmp_path / "mystudy")
    assert all(path.is_file() for path in written)
    verse = compose(root, "verse")
    assert verse.flows[0].name == "verse"
    assert [step.name for step in verse.flows[0].steps] == ["judge", "synthesis"]
    assert "demo" not in {path.stem for path in written}
    assert (root / verse.dataset.path).is_file()
    assert verse.warnings == ()


def test_a_new_study_holds_all_a_scholar_edits_and_ignores_what_git_should_not_have(tmp_path: Path) -> None:
    names = {path.relative_to(tmp_path).as_posix() for path in init(tmp_path)}
    for folder in ("conf/flow/", "conf/dataset/", "conf/agent/", "prompts/", "criteria/", "codebooks/", "data/"):
        assert any(name.startswith(folder) for name in names), folder
    assert {"README.md", ".gitignore", "conf/config.yaml", "conf/flow/verse.yaml"} <= names
    ignored = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".buttermilk/", ".env", "conf/local.yaml"} <= set(ignored)


def test_a_new_study_has_of_the_library_what_its_flow_names_and_finds_the_rest(tmp_path: Path) -> None:
    rooms = ("prompts", "criteria", "codebooks")
    names = {path.relative_to(tmp_path).as_posix() for path in init(tmp_path)}
    assert {name for name in names if name.startswith(rooms)} == {
        "prompts/judge.md",
        "prompts/synthesise.md",
        "criteria/sound_and_image.md",
        "criteria/speaker_and_stance.md",
        "codebooks/sentiment.yaml",
    }
    more = ["steps.judge.prompt=classify", "steps.judge.codebook=speech_act", "steps.judge.perspectives=[fair_report]"]
    step = compose(tmp_path, "verse", more).flows[0].step("judge")
    assert [step.prompts[0].name, step.codebook.name, step.perspectives[0].name] == [
        "classify",
        "speech_act",
        "fair_report",
    ]


def test_a_new_study_can_be_edited(tmp_path: Path) -> None:
    for path in init(tmp_path):
        assert path.stat().st_mode & stat.S_IWUSR


def test_what_stands_in_a_new_study_stands_before_the_packaged(tmp_path: Path) -> None:
    init(tmp_path)
    agent = tmp_path / "conf/agent/reader_a.yaml"
    agent.write_text(agent.read_text(encoding="utf-8") + "provider: mine\n", encoding="utf-8")
    readers = compose(tmp_path, "verse").flows[0].steps[0].agents
    assert next(reader for reader in readers if reader.name == "reader_a").provider == "mine"


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("my own notes\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"already holds README\.md; nothing was written") as raised:
        init(tmp_path)
    assert "folder of its own" in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "my own notes\n"


def test_a_folder_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "prompts").write_text("a file, where a folder should be\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be written"):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["prompts"]
    assert (tmp_path / "prompts").is_file()


def test_a_new_study_leaves_out_a_tool_whose_library_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("vaderSentiment", "vaderSentiment.vaderSentiment"):
        monkeypatch.setitem(sys.modules, name, None)  # as Python itself marks what cannot be imported
    monkeypatch.delitem(sys.modules, "buttermilk.tools.vader", raising=False)
    init(tmp_path / "study")
    flow = (tmp_path / "study" / "conf" / "flow" / "verse.yaml").read_text(encoding="utf-8")
    assert "agents: [wordlist, reader_a, reader_b]" in flow
    assert "pip install 'buttermilk[vader]'" in flow
    assert [agent.name for agent in compose(tmp_path / "study", "verse").flows[0].step("judge").agents] == [
        "wordlist",
        "reader_a",
        "reader_b",
    ]
