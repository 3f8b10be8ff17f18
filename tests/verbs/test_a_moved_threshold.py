"""A threshold is a matter of analysis: moved afterwards, it changes the answers and asks the service nothing again."""

import json

from buttermilk.testing import MockProvider
from scholar import Scholar

AGENT = """type: http
base_url: {url}/chat/completions
parameters:
  body: {{model: m, messages: [{{role: user, content: "[record:{{{{ record.id }}}}] {{{{ record.text }}}}"}}]}}
  scores: {{size: {score}}}
  answers:
    sentiment:
      - {{label: negative, when: {{size: "{condition}"}}}}
      - {{label: positive}}
"""


def labels(scholar: Scholar) -> list[str]:
    """Of the latest run."""
    scholar.types("export", "a.jsonl")
    rows = [json.loads(line) for line in (scholar.folder / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row["label"] for row in rows if row["agent"] == "scorer" and row["question"] == "sentiment"]


def test_a_moved_threshold_asks_nobody_again_and_changes_the_answers(scholar: Scholar) -> None:
    scholar.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [scorer]")
    with MockProvider() as mock:

        def written(condition: str, score: str = "usage.prompt_tokens") -> None:
            scholar.writes("conf/agent/scorer.yaml", AGENT.format(url=mock.url, condition=condition, score=score))

        written(">= 1")
        scholar.types("run", "verse", "~steps.synthesis")
        asked = mock.stats()["requests"]
        assert asked > 0
        assert set(labels(scholar)) == {"negative"}

        written(">= 100000")
        plan = scholar.types("plan", "verse", "~steps.synthesis", "--json").json
        (row,) = plan["rows"]
        assert (plan["to_ask"], row["done"], row["reread"]) == (0, 0, asked)
        assert row["why"] == {"threshold moved: stored scores are read anew": asked}
        said = scholar.types("run", "verse", "~steps.synthesis")
        assert said.counts["remaining"] == 0
        assert mock.stats()["requests"] == asked
        assert set(labels(scholar)) == {"positive"}

        written(">= 100000", "usage.total_tokens")  # another score is another question
        (row,) = scholar.types("plan", "verse", "~steps.synthesis", "--json").json["rows"]
        assert (row["to_ask"], row["reread"], row["why"]) == (asked, 0, {"model changed": asked})
        scholar.types("run", "verse", "~steps.synthesis")
        assert mock.stats()["requests"] == 2 * asked

        scholar.types("run", "verse", "~steps.synthesis", "wave=2")  # and another wave asks the service as it is then
        assert mock.stats()["requests"] == 3 * asked
