"""A table of addresses, and pictures that are uploaded: asked, kept, shown, reported, exported and asked again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from buttermilk.testing import MockProvider
from scholar import Scholar

TABLE = "id,at\nface,https://example.org/face.png\nleaf,https://example.org/leaf.pdf\n"
STUDY = {
    "conf/config.yaml": "",
    "conf/flow/seen.yaml": "dataset: places\nsteps:\n  judge: {prompt: tone, codebook: tone, agents: [gpt, claude]}\n",
    "conf/dataset/places.yaml": "type: csv\npath: places.csv\ncolumns: {id: id, media: at}\n",
    "conf/agent/gpt.yaml": "type: openai\nbase_url: ROOT/v1\nmodel: gpt-5-mini\nCAN",
    "conf/agent/claude.yaml": "type: anthropic\nbase_url: ROOT\nmodel: claude-5\nparameters: {max_tokens: 99}\nCAN",
    "codebooks/tone.yaml": 'name: tone\nquestions:\n  tone: {ask: "Which tone?", labels: [bright, dark]}\n',
    "prompts/tone.md": "---\nname: tone\n---\n# system\nRead.\n\n# user\n[record:{{ record.id }}] {{ record.media }}\n",
    "places.csv": TABLE,
}
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    with MockProvider() as running:
        yield running


def scholar_with(folder: Path, go_to: pytest.MonkeyPatch, mock: MockProvider, can: str = "") -> Scholar:
    able = f"capabilities: {{inputs: [text, image, pdf], answers: native{can}}}\n"
    for name, text in STUDY.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("ROOT", mock.root).replace("CAN", able))
    return Scholar(folder, go_to.chdir)


def live(mock: MockProvider) -> list[str]:
    """The bodies of what was asked, without the traffic about files."""
    paths = ("/v1/chat/completions", "/v1/messages")
    return [json.dumps(one["body"]) for one in mock.requests() if one["path"] in paths]


def test_what_a_vendor_does_not_fetch_is_told_before_the_run_and_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mock: MockProvider
) -> None:
    scholar = scholar_with(tmp_path, monkeypatch, mock)
    for verb in ("run", "plan"):
        said = " ".join(scholar.types(verb, "seen", code=2).err.split())
        assert "'openai' takes no pdf from https:// addresses, and record 'leaf' of 'places' has one." in said
        assert "Download the files and name them by their paths" in said
    assert live(mock) == []


def test_a_table_of_addresses_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mock: MockProvider
) -> None:
    scholar = scholar_with(tmp_path, monkeypatch, mock)
    said = scholar.types("run", "seen", "agents=[claude]")
    assert said.counts["answered"] == 2
    assert sorted("face.png" in body for body in live(mock)) == [False, True]
    assert all("https://example.org/" in body for body in live(mock))

    scholar.types("export", "answers.csv")
    rows = list(scholar.table("answers.csv"))
    scholar.types("report")

    job = next(row["job_id"] for row in rows if row["status"] == "answered")
    scholar.writes("job.json", scholar.types("show", "--json", job).out)
    assert '"url": "https://example.org/' in scholar.reads("job.json")
    asked = len(live(mock))
    scholar.types("replay", "job.json")
    assert live(mock)[-1] in live(mock)[:asked]


def test_each_medium_of_a_study_is_uploaded_once_an_agent_and_deleted_when_the_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mock: MockProvider
) -> None:
    scholar = scholar_with(tmp_path, monkeypatch, mock, ", media: upload, cache: prefix")
    (tmp_path / "leaf.pdf").write_bytes(PDF)
    scholar.writes("places.csv", "id,at\none,leaf.pdf\ntwo,leaf.pdf\n")
    said = scholar.types("run", "seen")
    assert said.counts["answered"] == 4
    about_files = [(one["method"], one["path"]) for one in mock.requests() if "/files" in one["path"]]
    assert sorted(method for method, _ in about_files) == ["DELETE", "DELETE", "POST", "POST"]
    assert all("file-" in body and "JVBERi0" not in body for body in live(mock))
    assert sum("cache_control" in body for body in live(mock)) == 2  # Claude's
    assert scholar.types("run", "seen").counts["answered"] == 4
    assert len(live(mock)) == 4  # nothing new to ask, and nothing to upload
