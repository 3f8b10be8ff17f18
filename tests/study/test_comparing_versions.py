"""`prompts compare`: one rule of a style guide is edited, and the judgements that it changed are told from noise."""

import json
from hashlib import blake2b
from pathlib import Path

import pytest

from answering import Asked, answering, chat, http
from buttermilk.core.errors import ConfigError
from buttermilk.study.comparing import compare
from buttermilk.study.running import run
from scholar import Scholar
from test_docx import docx, p

pytestmark = pytest.mark.anyio

RULES = ("Name whoever acted.", "The passive voice is a fault.", "Give the date.")
EDITED = (RULES[0], "The passive voice is welcome.", RULES[2])
ACTIVE = "On Monday the council closed the mill, and clerk {n} wrote it down."
PASSIVE = "On Monday the mill was closed, and clerk {n} wrote it down."
PROMPT = "# user\n{{ perspective.text }}\n{{ codebook.instructions }}\n{{ record.text }}\n"
PLANTED = {f"r{n}" for n in range(12)}


def guide(scholar: Scholar, rules: tuple[str, ...]) -> None:
    body = "".join(p(f"{n}. {rule}") for n, rule in enumerate(rules, 1))
    (scholar.folder / "criteria" / "guide.docx").write_bytes(docx(body))


def study(scholar: Scholar, url: str, repeats: int) -> Path:
    rows = [{"id": f"r{n}", "text": (PASSIVE if n < 12 else ACTIVE).format(n=n)} for n in range(60)]
    scholar.writes("data/reports.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    scholar.writes(
        "conf/dataset/reports.yaml", "type: jsonl\npath: data/reports.jsonl\ncolumns: {id: id, text: text}\n"
    )
    scholar.writes("codebooks/kept.yaml", 'questions:\n  verdict: {ask: "Is it kept?", labels: [kept, broken]}\n')
    scholar.writes(
        "prompts/style.md", "# user\n{{ perspective.text }}\n{{ codebook.instructions }}\n{{ record.text }}\n"
    )
    scholar.writes("conf/agent/reader.yaml", json.dumps({"type": "openai", "model": "m", "base_url": url}))
    scholar.writes(
        "conf/flow/style.yaml",
        "dataset: reports\nsteps:\n  style: {prompt: style, codebook: kept, perspectives: [guide], agents: [reader], "
        f"repeats: {repeats}}}\n",
    )
    (scholar.folder / "conf" / "flow" / "verse.yaml").unlink()
    guide(scholar, RULES)
    return scholar.folder


class Reader:
    """Follows the rule nine times in ten; a fake model, which knows what it was planted to do."""

    def __init__(self) -> None:
        self.came: dict[bytes, int] = {}

    def __call__(self, asked: Asked) -> bytes:
        times = self.came[asked.body] = self.came.get(asked.body, 0) + 1
        said = asked.json["messages"][-1]["content"]
        broken = "was closed" in said and "passive voice is a fault" in said
        drawn = blake2b(asked.body, digest_size=2, key=b"%d" % times).digest()
        slips = int.from_bytes(drawn, "big") < 0.1 * 2**16
        return http(chat(json.dumps({"verdict": "broken" if broken != slips else "kept"})))


async def test_a_rule_is_edited_in_word_and_the_judgements_it_changed_are_listed_apart_from_noise(
    scholar: Scholar,
) -> None:
    reader = Reader()
    async with answering(reader) as server:
        root = study(scholar, server.url, repeats=6)
        await run("style", root=root)
        before = scholar.types("prompts", "list", "--kind", "criteria", "--json").json
        old = next(one["version"] for one in before["texts"] if one["name"] == "guide")
        asked = len(server.asked)
        guide(scholar, EDITED)
        found = await compare(old, "guide", root=root)
        assert len(server.asked) - asked == 60 * 6  # the first version's answers are stored
    (change,) = found.changes
    named = {flip.record_id for flip in change.flips}
    assert len(named & PLANTED) >= 10
    assert len(named - PLANTED) <= 1
    assert {(flip.before, flip.after) for flip in change.flips if flip.record_id in PLANTED} == {
        (("broken",), ("kept",))
    }
    assert change.wobble >= 15  # of the others one in ten answers slips
    assert not found.simulated
    said = scholar.types("prompts", "diff", old, "guide").out
    assert "[-a fault-]{+welcome+}" in said


async def test_where_nothing_that_matters_was_edited_no_record_is_named(scholar: Scholar) -> None:
    async with answering(Reader()) as server:
        root = study(scholar, server.url, repeats=6)
        scholar.writes(
            "prompts/other.md", scholar.reads("prompts/style.md").replace("# user\n", "# user\nRead this.\n")
        )
        (change,) = (await compare("style", "other", "style", root=root)).changes
    assert change.flips == ()
    assert change.drift.test is not None
    assert change.drift.test.p > 0.01


async def test_two_versions_are_asked_from_each_perspective_apart(scholar: Scholar) -> None:
    scholar.writes(
        "prompts/plain.md", "# user\n{{ record.text }}\n{{ perspective.text }}\n{{ codebook.instructions }}\n"
    )
    found = await compare("judge", "plain", "verse", "agents=[reader_a]", "steps.judge.repeats=3", root=scholar.folder)
    assert found.simulated
    whom = {change.agent for change in found.changes}
    assert whom == {"reader_a from sound_and_image", "reader_a from speaker_and_stance"}


async def test_two_codebooks_are_held_against_each_other_in_the_questions_they_share(scholar: Scholar) -> None:
    scholar.writes(
        "codebooks/terse.yaml", scholar.reads("codebooks/sentiment.yaml").replace("name: sentiment", "name: terse")
    )
    scholar.changes("codebooks/terse.yaml", "taken by itself, ", "")
    found = await compare(
        "sentiment",
        "terse",
        "verse",
        "agents=[reader_a]",
        "steps.judge.repeats=3",
        kind="codebook",
        root=scholar.folder,
    )
    assert {change.question for change in found.changes} == {"sentiment"}
    assert found.remaining == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("judge", "judge"), "say the same"),
        (("judge", "nobody"), "there is no prompt 'nobody'"),
        (("judge@ffffff", "judge"), "there is no version 'judge@ffffff'"),
        (("judge", "synthesise", "verse", "steps.judge.repeats=0"), "repeats"),
    ],
)
async def test_what_cannot_be_compared_is_told_before_anybody_is_asked(
    scholar: Scholar, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        await compare(*words, root=scholar.folder)
    assert said in str(error.value)
