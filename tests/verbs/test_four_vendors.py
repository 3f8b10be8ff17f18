"""One flow over four vendors' dialects, each spoken to one server on this machine: verse, a picture and a PDF."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from buttermilk.study.looking import export
from buttermilk.study.running import run
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio
AGENTS = {
    "gpt": "type: openai\nbase_url: {root}/v1\nmodel: gpt-5-mini\n",
    "gpt_responses": "type: openai_responses\nbase_url: {root}/v1\nmodel: gpt-5-mini\n",
    "claude": "type: anthropic\nbase_url: {root}\nmodel: claude-haiku-4-5\nparameters: {{max_tokens: 300}}\n",
    "gemini": "type: gemini\nbase_url: {root}/v1beta\nmodel: gemini-3.8-flash\n",
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
CODEBOOK = """name: tone
questions:
  tone: {ask: "What is its tone?", labels: [bright, dark]}
  reason: {ask: "Why?", level: text}
"""
PROMPT = "# system\nYou read with care.\n\n# user\n[record:{{ record.id }}] {{ record.text }}\n"
CAPABLE = "capabilities: {{inputs: [text, image, pdf], answers: {answers}}}\n"


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    with MockProvider() as running:
        yield running


def write_study(root: Path, mock: MockProvider, answers: str) -> None:
    judge = f"judge: {{prompt: tone, codebook: tone, agents: {list(AGENTS)}}}"
    files = {
        "conf/config.yaml": "",
        "conf/flow/four.yaml": f"dataset: mixed\nsteps:\n  {judge}\n",
        "conf/dataset/mixed.yaml": "type: folder\npath: records\n",
        "codebooks/tone.yaml": CODEBOOK,
        "prompts/tone.md": f"---\nname: tone\n---\n{PROMPT}",
        "records/verse.txt": "Hope is the thing with feathers.",
        **{
            f"conf/agent/{name}.yaml": (text + CAPABLE).format(root=mock.root, answers=answers)
            for name, text in AGENTS.items()
        },
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "records" / "drawing.png").write_bytes(PNG)
    (root / "records" / "leaf.pdf").write_bytes(PDF)


@pytest.mark.parametrize("answers", ["native", "tool"])
async def test_each_vendor_answers_each_record_and_was_shown_what_is_in_it(
    tmp_path: Path, mock: MockProvider, answers: str
) -> None:
    write_study(tmp_path, mock, answers)
    progress = await run("four", root=tmp_path)
    assert (progress.state, progress.statuses) == ("finished", {"answered": 12})
    paths = Counter(request["path"].rpartition("/")[2] for request in mock.requests())
    assert paths == {"completions": 3, "responses": 3, "messages": 3, "gemini-3.8-flash:generateContent": 3}
    shown = [json.dumps(request["body"]) for request in mock.requests()]
    assert sum("iVBORw0KGgo" in body for body in shown) == 4  # the picture, as base64
    assert sum("JVBERi0xLjQ" in body for body in shown) == 4  # the PDF
    table = export(root=tmp_path, target=tmp_path / "answers.csv")
    assert table


async def test_the_same_record_has_the_same_answer_whichever_dialect_carries_it(
    tmp_path: Path, mock: MockProvider
) -> None:
    write_study(tmp_path, mock, "native")
    await run("four", root=tmp_path)
    rows = [json.loads(line) for line in _exported(tmp_path)]
    by_record: dict[str, set[str]] = {}
    for row in rows:
        if row["question"] == "tone":
            by_record.setdefault(row["record_id"], set()).add(str(row["label"]))
    assert len(by_record) == 3
    assert all(len(labels) == 1 for labels in by_record.values())


def _exported(root: Path) -> list[str]:
    target = root / "answers.jsonl"
    export(root=root, target=target)
    return target.read_text(encoding="utf-8").splitlines()
