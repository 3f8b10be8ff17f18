"""Frames, criteria and topics from a folder of text files to a report, and over each vendor's dialect."""

import asyncio
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from buttermilk.core.flows import leaves_of
from buttermilk.core.jobs import Job, Result
from buttermilk.study.library import list_
from buttermilk.study.looking import export, report, show, store_of
from buttermilk.study.planning import plan
from buttermilk.study.running import run
from buttermilk.testing import MockProvider
from scholar import COMMAND

CODEBOOKS = {
    "frames": """
      frames:
        ask: Which frames does the text build? Leave out what it does not do.
        many: true
        questions:
          problem: {ask: "What does it make the problem?", level: text}
          evidence: {ask: The words that show it., level: quote, many: true}
""",
    "house": """
      criteria:
        ask: Does the text keep this criterion?
        each: criterion
        questions:
          evidence: {ask: "The words that decide, copied from the text.", level: quote, optional: true}
          verdict: {ask: "Does the text keep to it?", labels: {kept: It does., broken: It does not.}}
      overall: {ask: In all?, level: interval, minimum: 0, maximum: 10}
""".replace("In all?", '"In all?"'),
    "topics": """
      topics:
        ask: What is it about?
        many: true
        labels: {art: Pictures., law: Courts., love: Love.}
""",
}
CRITERIA = "Be fair.\n\n1. Use names.\n2. Ask both sides.\n3. Say who says so.\n4. Be plain.\n5. Mend errors.\n"
PROMPT = """---
name: judge
---
# system
{% if perspective is defined %}{{ perspective.text }}{% endif %}
{{ codebook.instructions }}

# user
[record:{{ record.id }}] {{ record.text }}
{% if answers is defined %}{% for answer in answers %}{{ answer.values | tojson }}{% endfor %}{% endif %}
"""
FLOW = """
dataset: verse
steps:
  frame: {prompt: judge, codebook: frames, agents: AGENTS}
  judge: {prompt: judge, codebook: house, perspectives: [style], agents: AGENTS, repeats: 2}
  label: {prompt: judge, codebook: topics, agents: AGENTS}
  synthesis: {prompt: judge, reads: {answers: judge}, perspectives: [style], agents: AGENTS}
"""
SIMULATED = {"sim_a": "type: simulated\nparameters: {accuracy: 0.8}\n", "sim_b": "type: simulated\n"}
DIALECTS = {
    "gpt": "type: openai\nbase_url: {root}/v1\nmodel: gpt-5-mini\n",
    "responses": "type: openai_responses\nbase_url: {root}/v1\nmodel: gpt-5-mini\n",
    "claude": "type: anthropic\nbase_url: {root}\nmodel: claude-haiku-4-5\nparameters: {{max_tokens: 300}}\n",
    "gemini": "type: gemini\nbase_url: {root}/v1beta\nmodel: gemini-3.8-flash\n",
}
LEAVES = {
    "frame": {"frames.count"},
    "label": {"topics.art", "topics.law", "topics.love"},
    "judge": {f"criteria.c{n}.{part}" for n in range(1, 6) for part in ("evidence", "verdict")} | {"overall"},
}


def write_study(root: Path, agents: dict[str, str]) -> Path:
    files = {
        "conf/config.yaml": "",
        "conf/flow/nest.yaml": FLOW.replace("AGENTS", str(list(agents))),
        "conf/dataset/verse.yaml": "type: csv\npath: verse.csv\ncolumns: {id: id, text: text}\n",
        "verse.csv": "id,text\n"
        + "".join(f"v{n},the lamp number {n} burns beside a stranger's door\n" for n in range(4)),
        "prompts/judge.md": PROMPT,
        "criteria/style.md": CRITERIA,
        **{f"codebooks/{name}.yaml": f"questions:\n{text}" for name, text in CODEBOOKS.items()},
        **{f"conf/agent/{name}.yaml": text for name, text in agents.items()},
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def rows(root: Path) -> list[dict[str, Any]]:
    export(root / "answers.jsonl", root=root)
    return [json.loads(line) for line in (root / "answers.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_a_study_with_frames_criteria_and_topics_runs_from_end_to_end(tmp_path: Path) -> None:
    root = write_study(tmp_path, SIMULATED)
    planned = plan("nest", root=root)
    assert (planned.planned, planned.to_ask) == (4 * 2 * 5, 4 * 2 * 5)
    progress = asyncio.run(run("nest", root=root))
    assert progress.statuses == {"answered": 40}
    assert plan("nest", root=root).to_ask == 0
    found = rows(root)
    for step, leaves in LEAVES.items():
        fixed = {one["question"] for one in found if one["step"] == step and not one["question"].startswith("frames.1")}
        assert leaves <= fixed
    assert {one["question"] for one in found if one["step"] == "synthesis"} == LEAVES["judge"]
    assert {one["quote"] for one in found if one["level"] == "quote"} == {"exact", "near", "earlier", "missing"}
    assert {one["quote"] for one in found if one["level"] != "quote"} == {""}
    page = report(root=root).read_text(encoding="utf-8")
    assert "quoted passages." in page
    assert "judge: criteria.c5.verdict (style)" in page
    assert not any(one.changed for one in list_(root=root))  # a codebook is used written out, criterion by criterion


def test_a_job_carries_the_codebook_that_it_is_asked_with(tmp_path: Path) -> None:
    root = write_study(tmp_path, SIMULATED)
    asyncio.run(run("nest", root=root))
    one = next(each for each in rows(root) if each["question"] == "criteria.c5.verdict")
    kept = show(one["job_id"], root=root)
    job, result = Job.model_validate(kept["job"]), Result.model_validate(kept["results"][0])
    assert job.job_id == one["job_id"]
    assert [part.ask for part in job.codebook.question("criteria").parts][4] == "Mend errors."
    said = {leaf.name: value for leaf, value in leaves_of(job.codebook, result.answers)}
    assert said["criteria.c5.verdict"] == one["label"]
    assert set(result.quotes) == {f"criteria.c{number}.evidence" for number in range(1, 6)}
    command = [COMMAND, "show", job.job_id, "--study", str(root)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"criteria.c5.verdict: {one['label']}" in shown
    words = {"exact": "(in the record)", "near": "(in the record, nearly so)", "missing": "(not in the record)"}
    assert all(words[found] in shown for found in result.quotes.values())


def test_one_edited_criterion_asks_anew_what_is_judged_by_it_and_nothing_else(tmp_path: Path) -> None:
    root = write_study(tmp_path, SIMULATED)
    asyncio.run(run("nest", root=root))
    (root / "criteria" / "style.md").write_text(CRITERIA.replace("Be plain.", "Be brief."))
    to_ask = {row.step: row.to_ask for row in plan("nest", root=root).rows}
    assert to_ask == {"frame": 0, "judge": 8, "label": 0, "synthesis": 4}


@pytest.mark.parametrize("answers", ["native", "tool"])
def test_each_dialect_carries_nested_answers(tmp_path: Path, answers: str) -> None:
    with MockProvider() as mock:
        able = f"capabilities: {{answers: {answers}}}\n"
        root = write_study(tmp_path, {name: text.format(root=mock.root) + able for name, text in DIALECTS.items()})
        progress = asyncio.run(run("nest", root=root))
        assert progress.statuses == {"answered": 4 * 4 * 5}
        schemas = [schema_in(request["body"]) for request in mock.requests()]
    assert len(schemas) == 80
    for schema in schemas:
        check_strict(schema)
    found = rows(root)
    by_agent = Counter(one["agent"] for one in found)
    assert len(set(by_agent.values())) == 1, by_agent
    assert {one["parse"] for one in found} == {"strict"}
    assert {one["quote"] for one in found if one["level"] == "quote"} == {
        "missing",
        "earlier",
    }  # the mock quotes itself


def test_where_the_form_is_asked_for_in_words_each_dialect_carries_nested_answers_too(tmp_path: Path) -> None:
    words = '```json\n{"frames": [{"problem": "the lamp", "evidence": ["The lamp … burns", "a moon"]}]}\n```'
    with MockProvider(says=words) as mock:
        able = "capabilities: {answers: prompted}\n"
        root = write_study(tmp_path, {name: text.format(root=mock.root) + able for name, text in DIALECTS.items()})
        progress = asyncio.run(run("nest", "limit=1", root=root))
        assert progress.statuses["answered"] == 4
        assert not any(schema_in(request["body"]) for request in mock.requests())
    found = [one for one in rows(root) if one["step"] == "frame"]
    assert {one["parse"] for one in found} == {"stripped"}
    quotes = Counter((one["question"], one["quote"]) for one in found if one["level"] == "quote")
    assert quotes == {("frames.1.evidence.1", "near"): 4, ("frames.1.evidence.2", "missing"): 4}
    store, _ = store_of(root)
    (found_run,) = store.runs()
    wrong = {row["error"] for row in store.results(found_run.run_id, "judge")}
    store.close()
    assert wrong == {"criteria: Field required; overall: Field required"}


def schema_in(body: dict[str, Any]) -> Any:
    """The answer's form as a vendor is told it, wherever it stands."""
    for place in (
        ("response_format", "json_schema", "schema"),
        ("tools", 0, "function", "parameters"),
        ("text", "format", "schema"),
        ("tools", 0, "parameters"),
        ("output_config", "format", "schema"),
        ("tools", 0, "input_schema"),
        ("generationConfig", "responseJsonSchema"),
        ("tools", 0, "functionDeclarations", 0, "parametersJsonSchema"),
    ):
        found: Any = body
        for step in place:
            known = (isinstance(found, dict) and step in found) or (isinstance(found, list) and isinstance(step, int))
            found = found[step] if known else None
        if found:
            return found
    return None


def check_strict(schema: dict[str, Any]) -> None:
    """All keys required and no others, at every level; each schema has a type, an enum, or is one of several."""
    assert {"type", "enum", "anyOf"} & schema.keys()
    if schema.get("type") == "object":
        assert schema["required"] == list(schema["properties"])
        assert schema["additionalProperties"] is False
    for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
        check_strict(inner)
    if schema.get("type") == "array":
        check_strict(schema["items"])
