"""A scholar looks at prompts, criteria and codebooks: which there are, what they said, and what a change changes."""

import io
import subprocess
import zipfile

import pytest
from rich.console import Console

from buttermilk.verbs import library as verb
from buttermilk.verbs import screen as screens
from scholar import Scholar, is_plain

JUDGE = "prompts/judge.md"


def hash_of(scholar: Scholar, name: str) -> str:
    return str(scholar.types("prompts", "show", name, "--json").json["hash"])


def reworded(scholar: Scholar) -> str:
    """The judge's prompt with one word changed; the hash it had before."""
    before = hash_of(scholar, "judge")
    scholar.changes(JUDGE, "You are not asked", "You are not told")
    return before


def docx(*paragraphs: str) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    whole = f'<w:document xmlns:w="urn:w"><w:body>{body}</w:body></w:document>'
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("word/document.xml", whole)
    return data.getvalue()


# ---- list


def test_the_list_says_what_there_is_and_where_it_comes_from(scholar: Scholar) -> None:
    found = {entry["name"]: entry for entry in scholar.types("prompts", "list", "--json").json["texts"]}
    assert {entry["kind"] for entry in found.values()} == {"prompt", "criteria", "codebook"}
    assert found["judge"] == {
        **found["judge"],
        "kind": "prompt",
        "from": "study",
        "shadows_packaged": True,
        "last_used": None,
        "changed_since": False,
    }
    assert found["sentiment"]["title"] == "Sentiment of a verse"
    assert found["judge"]["version"] == f"judge@{found['judge']['hash'][:6]}"
    shown = scholar.types("prompts", "list", "--kind", "codebook").out
    assert "sentiment@" in shown
    assert "never" in shown
    assert "judge@" not in shown


def test_the_list_says_what_has_changed_since_it_was_last_used(asked: Scholar) -> None:
    assert " *" not in asked.types("prompts", "list").out
    reworded(asked)
    asked.changes("criteria/sound_and_image.md", "licence: CC0-1.0", "licence: CC-BY-4.0")
    changed = {
        entry["name"] for entry in asked.types("prompts", "list", "--json").json["texts"] if entry["changed_since"]
    }
    assert changed == {"judge"}
    shown = asked.types("prompts", "list").out
    assert "study, shadows packaged" in shown
    assert "* has changed since it was last used: buttermilk prompts diff judge" in shown


def test_the_list_says_where_there_are_tests_and_what_cannot_be_read(scholar: Scholar) -> None:
    scholar.writes("prompts/tested.md", "---\ntests: {cases: {}}\n---\nRead {{ record.text }}")
    scholar.writes("prompts/beside.md", "Read {{ record.text }}")
    scholar.writes("prompts/beside.tests.yaml", "cases: {}")
    scholar.writes("prompts/plain.md", "Read {{ record.text }}")
    scholar.writes("prompts/sub/broken.md", "Read {{ record.text")
    scholar.writes("criteria/~$guide.docx", "a word processor's lock")
    found = {entry["name"]: entry for entry in scholar.types("prompts", "list", "--json").json["texts"]}
    assert [name for name in ("tested", "beside", "plain") if found[name]["tests"]] == ["tested", "beside"]
    assert "broken.md:1" in found["sub/broken"]["wrong"]
    assert not any("~" in name for name in found)
    assert "cannot be read" in scholar.types("prompts", "list").out


def test_a_text_whose_file_is_gone_is_still_listed(asked: Scholar) -> None:
    scholar = asked
    scholar.writes("prompts/mine.md", "Read {{ record.text }}\n{{ codebook.instructions }}")
    scholar.types("run", "verse", "steps.judge.prompt=mine", "limit=1")
    (scholar.folder / "prompts" / "mine.md").unlink()
    (entry,) = [one for one in scholar.types("prompts", "list", "--json").json["texts"] if one["name"] == "mine"]
    assert (entry["from"], entry["changed_since"]) == ("store", False)
    assert "no file" in scholar.types("prompts", "list").out


# ---- show


def test_a_prompt_is_shown_whole_with_its_credits_its_includes_and_where_it_was_used(scholar: Scholar) -> None:
    scholar.writes("prompts/rules.md", "1. Be fair.")
    scholar.writes(
        JUDGE,
        "---\nname: judge\ntitle: The judge\nauthor: [A. Woolf, B. Sontag]\nsource: a book\nlicence: CC0-1.0\n"
        "version: 1.10\nchangelog: [second thoughts, first]\n---\n# system\n{% include 'rules.md' %}\n\n"
        "{{ codebook.instructions }}\n# user\n{{ record.text }}",
    )
    subprocess.run(["git", "init", "--quiet", str(scholar.folder)], check=True)
    scholar.types("run", "verse", "limit=1")
    shown = scholar.types("prompts", "show", "judge").out
    for said in (
        "The judge",
        "A. Woolf, B. Sontag",
        "a book",
        "CC0-1.0",
        "1.10",
        "second thoughts",
        "codebook, record",
    ):
        assert said in shown
    assert "⟨rules.md⟩\n1. Be fair.\n⟨end of rules.md⟩" in shown
    said = scholar.types("prompts", "show", "judge", "--json").json
    assert said["header"]["changelog"] == "second thoughts\nfirst"
    (use,) = said["used"]
    assert (use["step"], use["jobs"], use["version"]) == ("judge", 8, said["version"])
    assert use["run_id"] in shown


def test_each_version_is_shown_with_its_runs_the_latest_first(asked: Scholar) -> None:
    before = reworded(asked)
    asked.types("run", "verse", "limit=1")
    said = asked.types("prompts", "show", "judge", "--json").json
    assert [use["hash"] for use in said["used"]] == [said["hash"], before]
    assert [use["jobs"] for use in said["used"]] == [8, 32]
    assert "You are not asked" in asked.types("prompts", "show", f"judge@{before[:4]}").out
    assert "You are not told" in asked.types("prompts", "show", "judge").out


def test_a_run_in_a_repository_says_of_which_commit_it_was(scholar: Scholar) -> None:
    git = ["git", "-C", str(scholar.folder), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "a"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    scholar.writes("notes.txt", "not committed")
    scholar.types("run", "verse", "limit=1")
    (use,) = scholar.types("prompts", "show", "judge", "--json").json["used"]
    assert (use["commit"], use["dirty"]) == (commit, True)
    assert f"{commit[:7]}, dirty" in scholar.types("prompts", "show", "judge").out


def test_a_codebook_is_shown_as_its_readers_are_told(scholar: Scholar) -> None:
    shown = scholar.types("prompts", "show", "sentiment").out
    assert "sentiment: What feeling does the verse, taken by itself, leave with its reader?" in shown
    assert "- no_impact: The verse tells, describes or links" in shown
    assert "sentiment was never used." in shown


def test_signs_that_a_terminal_would_obey_are_shown_as_numbers(scholar: Scholar) -> None:
    scholar.writes("prompts/mine.md", "Read \x1b[2J{{ record.text }}")
    assert "Read \\x1b[2J{{ record.text }}" in scholar.types("prompts", "show", "mine").out


# ---- names


def test_a_name_that_is_not_there_is_met_with_the_nearest_and_a_version_with_those_there_are(asked: Scholar) -> None:
    said = asked.types("prompts", "show", "jugde", code=2).err
    assert "there is no prompt, criteria or codebook 'jugde'." in said
    assert "Did you mean 'judge'?" in said
    before = reworded(asked)
    said = asked.types("prompts", "diff", "judge@zzz", "judge", code=2).err
    assert f"judge@{before[:6]}" in said
    assert is_plain(said)
    assert "there is no codebook 'judge'" in asked.types("prompts", "show", "judge", "--kind", "codebook", code=2).err
    assert "there is no version 'judge@'" in asked.types("prompts", "show", "judge@", code=2).err


def test_a_name_of_several_things_is_asked_about(scholar: Scholar) -> None:
    scholar.writes("criteria/sentiment.md", "Feel.")
    said = scholar.types("prompts", "show", "sentiment", code=2).err
    assert "'sentiment' is several things: criteria/sentiment and codebooks/sentiment." in said
    assert "Feel." in scholar.types("prompts", "show", "sentiment", "--kind", "criteria").out
    assert "Feel." in scholar.types("prompts", "show", "criteria/sentiment").out
    assert "Feel." in scholar.types("prompts", "show", "criteria/sentiment.md").out
    assert "What feeling" in scholar.types("prompts", "show", "codebooks/sentiment.yaml").out


def test_first_digits_that_several_versions_have_are_too_few(asked: Scholar) -> None:
    hashes = [reworded(asked)]
    for number in range(40):  # of forty hashes two begin alike
        asked.writes("prompts/judge.md", f"Reader {number}: {{{{ record.text }}}}\n{{{{ codebook.instructions }}}}")
        hashes.append(hash_of(asked, "judge"))
        if hashes[-1][0] == hashes[0][0]:
            break
    said = asked.types("prompts", "show", f"judge@{hashes[0][0]}", code=2).err
    assert f"several versions begin with 'judge@{hashes[0][0]}'" in said
    assert "Type more of it: judge@" in said


def test_a_file_that_cannot_be_read_does_not_hide_what_was_asked_before(asked: Scholar) -> None:
    before = hash_of(asked, "judge")
    asked.writes(JUDGE, "{{ broken")
    assert "prompts/judge.md:1" in asked.types("prompts", "show", "judge", code=2).err
    assert "You are not asked" in asked.types("prompts", "show", f"judge@{before[:6]}").out
    assert "You are not asked" in asked.types("prompts", "render", f"judge@{before[:6]}").out


# ---- diff


def test_a_changed_word_is_marked_and_the_cost_is_said(asked: Scholar) -> None:
    before = reworded(asked)
    now = hash_of(asked, "judge")
    shown = asked.types("prompts", "diff", "judge").out
    assert shown.splitlines()[0] == (
        f"1 word taken out, 1 put in; the hash moved from {before[:6]} to {now[:6]}: "
        "jobs asked with it will be asked again."
    )
    assert "are not [-asked-]{+told+} what" in shown
    assert "lines …" in shown
    assert "Work in this order." not in shown
    assert "36 to ask" in asked.types("plan", "verse").out  # 32 by the readers, and the synthesis
    back = asked.types("prompts", "diff", "judge", f"judge@{before}").out
    assert "are not [-told-]{+asked+} what" in back


def test_where_only_the_header_differs_nobody_is_asked_again(asked: Scholar) -> None:
    asked.changes(JUDGE, "licence: CC0-1.0", "licence: CC-BY-4.0")
    shown = asked.types("prompts", "diff", "judge").out
    assert shown.splitlines()[0] == "Only the header differs: nobody is asked again."
    assert "licence: [-CC0-1.0-]{+CC-BY-4.0+}" in shown
    assert "# system" not in shown
    assert "0 to ask" in asked.types("plan", "verse").out


def test_where_nothing_differs_it_says_so(asked: Scholar) -> None:
    assert asked.types("prompts", "diff", "judge").out.startswith("Nothing differs: both are judge@")


def test_moved_punctuation_moves_the_hash_and_is_no_word(asked: Scholar) -> None:
    asked.changes(JUDGE, "Work in this order.", "Work in this order:")
    assert asked.types("prompts", "diff", "judge").out.startswith(
        "No word differs, but punctuation or spacing does; the"
    )


def test_criteria_from_a_word_processor_are_compared_with_plain_ones(scholar: Scholar) -> None:
    scholar.writes("criteria/guide.txt", "1. Be fair.\n2. Name people.")
    (scholar.folder / "drafts").mkdir()
    (scholar.folder / "drafts" / "guide.docx").write_bytes(docx("1. Be fair.", "2. Name all people."))
    scholar.writes("others/guide.md", "---\nauthor: A. Woolf\n---\n1. Be fair.\n2. Name people.")
    said = scholar.types("prompts", "diff", "guide", "drafts/guide.docx", "--json").json
    assert (said["taken_out"], said["put_in"], said["asked_again"]) == (0, 1, True)
    assert said["text"] == [["=", "1. Be fair.\n2. Name "], ["+", "all "], ["=", "people."]]
    shown = scholar.types("prompts", "diff", "criteria/guide", "others/guide.md").out
    assert shown.startswith("Only the header differs: nobody is asked again.")
    assert "{+author: A. Woolf" in shown


def test_two_names_are_two_texts(scholar: Scholar) -> None:
    shown = scholar.types("prompts", "diff", "sound_and_image", "speaker_and_stance").out
    assert "are two texts." in shown.splitlines()[0]
    text = scholar.reads("criteria/sound_and_image.md")
    scholar.writes("criteria/copy.md", text.replace("name: sound_and_image", "name: copy"))
    assert "say the same under two names." in scholar.types("prompts", "diff", "sound_and_image", "copy").out


def test_a_codebook_whose_level_moved_shows_it(asked: Scholar) -> None:
    asked.changes("codebooks/sentiment.yaml", "level: nominal", "level: ordinal")
    shown = asked.types("prompts", "diff", "sentiment").out
    assert "level: [-nominal-]{+ordinal+}" in shown
    assert "will be asked again" in shown


def test_what_was_never_used_has_nothing_to_be_compared_with(scholar: Scholar) -> None:
    said = scholar.types("prompts", "diff", "judge", code=2).err
    assert "'judge' was never used" in said
    assert "buttermilk prompts diff judge OTHER" in said


def test_in_a_terminal_what_went_is_struck_and_what_came_is_green(
    asked: Scholar, monkeypatch: pytest.MonkeyPatch
) -> None:
    reworded(asked)
    screen = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=80, highlight=False)
    for module in (verb, screens):
        monkeypatch.setattr(module, "out", screen)
    monkeypatch.delenv("NO_COLOR", raising=False)
    asked.types("prompts", "diff", "judge")
    assert isinstance(screen.file, io.StringIO)
    shown = screen.file.getvalue()
    assert "\x1b[9;31masked\x1b[0m" in shown
    assert "\x1b[32mtold\x1b[0m" in shown
    assert "[-" not in shown
