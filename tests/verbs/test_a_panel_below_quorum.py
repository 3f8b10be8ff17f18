"""A scholar whose panel is too thin for its synthesis, and whose scorer scores its own kin, is told at the terminal."""

import json
from pathlib import Path

import pytest

from scholar import Scholar, new_study

READER = "type: simulated\nmodel: simulated-1\nfamily: {family}\nparameters: {{refusal: {refusal}, accuracy: 0.7}}\n"
FLOW = """
dataset: verse
steps:
  judge: {prompt: judge, codebook: sentiment, agents: [reader_a, shy]}
  synthesis: {prompt: synthesise, reads: {answers: judge}, agents: [reader_a], quorum: 0.9, blind: true}
  differences: {prompt: differences, codebook: differences, reads: {answers: judge}, agents: [kin]}
  points:
    prompt: score
    codebook: key_points
    reads: {answers: judge}
    variables: {points: ["A line is said. [weight 2]"]}
    agents: [kin]
"""


@pytest.mark.slow
def test_what_is_below_quorum_and_who_scores_kin_is_said_by_plan_run_status_and_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scholar = Scholar(new_study(tmp_path / "study"), monkeypatch.chdir)
    scholar.writes("conf/agent/shy.yaml", READER.format(family="openai", refusal=1))
    scholar.writes("conf/agent/kin.yaml", READER.format(family="openai", refusal=0))
    scholar.writes("conf/flow/panel.yaml", FLOW)
    flagged = "! kin in the step “points” scores answers of its own family (openai: shy): models favour their kin."
    assert flagged in scholar.types("plan", "panel").out
    ran = scholar.types("run", "panel")
    assert flagged in ran.out
    told = "below quorum: 4 jobs of synthesis not asked, for too few had answered"
    assert told in ran.out
    assert told in scholar.types("status").out
    assert ran.counts["remaining"] == 0
    planned = json.loads(scholar.types("plan", "panel", "--json").out)
    (row,) = [one for one in planned["rows"] if one["step"] == "synthesis"]
    assert (row["below_quorum"], row["to_ask"], row["why"]) == (4, 0, {"below quorum": 4})
    page = scholar.reads(scholar.types("report").out.split("Report: ")[1].strip())
    assert "Below quorum: 4 jobs of the step “synthesis” were not asked, because less than 90%" in page
    assert "scores answers of its own family (openai: shy)" in page
    assert scholar.types("run", "panel", "steps.synthesis.quorum=0.5").counts["answered"] == 4 + 4 + 4 + 4
    again = json.loads(scholar.types("plan", "panel", "steps.synthesis.quorum=0.5", "--json").out)
    assert [one["to_ask"] for one in again["rows"] if one["step"] == "synthesis"] == [0]


@pytest.mark.slow
def test_a_flow_whose_models_are_all_of_one_family_is_told_so_by_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scholar = Scholar(new_study(tmp_path / "study"), monkeypatch.chdir)
    scholar.writes("conf/agent/kin.yaml", READER.format(family="openai", refusal=0))
    assert "of one family" not in scholar.types("plan", "verse").out
    assert "! all models are of one family (openai)" in scholar.types("plan", "verse", "agents=[kin,vader]").out
