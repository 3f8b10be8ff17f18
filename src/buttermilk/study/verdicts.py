"""What came of prompts' tests, told: as JSON, as JUnit XML for whatever runs them, as one HTML page for people."""

from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from buttermilk.analysis.page import Block, Section, Text, grid
from buttermilk.analysis.report import page
from buttermilk.cases.judging import Judged, Outcome, metrics
from buttermilk.study.cases import Tried

WORDS = {True: "passed", False: "failed", None: "open"}
SIMULATED = "Simulated readers answered: this shows that the prompt renders and is read, not that it is a good one."
UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344)), "�")


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """`{"passed": 5, "failed": 1, "open": 0}`"""
    return {word: sum(one.passed is said for one in outcomes) for said, word in WORDS.items()}


def as_json(tested: Sequence[Tried]) -> dict[str, Any]:
    every = [one for each in tested for one in each.outcomes]
    return {**counts(every), "prompts": [_prompt(one) for one in tested]}


def _prompt(tested: Tried) -> dict[str, Any]:
    return {
        "prompt": tested.tests.prompt.version_name,
        "agents": [agent.name for agent in tested.agents],
        "repeats": tested.repeats,
        "run": tested.run,
        "simulated": tested.simulated,
        "unrecorded": list(tested.unrecorded),
        "silent": tested.silent,
        "over": tested.over,
        "metrics": metrics(tested.outcomes),
        "cases": [_case(one) for one in tested.outcomes],
    }


def _case(outcome: Outcome) -> dict[str, Any]:
    return {
        "case": outcome.case,
        "agent": outcome.agent,
        "verdict": WORDS[outcome.passed],
        "score": round(outcome.score, 4),
        "jobs": [said.job.job_id for said in outcome.answers],
        "expected": [
            {
                "check": one.expectation.name,
                "question": one.expectation.question,
                "verdict": WORDS[one.verdict.passed],
                "score": round(one.verdict.score, 4),
                "why": one.verdict.why,
            }
            for one in outcome.judged
        ],
    }


# ---- JUnit


def as_junit(tested: Sequence[Tried]) -> bytes:
    """The XML that CI services read: a suite for each prompt and agent, a test for each case; what is open is skipped.

    There is no standard; the schema that most follow: https://github.com/testmoapp/junitxml
    """
    root = ElementTree.Element("testsuites", name="buttermilk prompts test")
    for one in tested:
        for agent in one.agents:
            outcomes = [outcome for outcome in one.outcomes if outcome.agent == agent.name]
            suite = _suite(root, f"{one.tests.prompt.version_name} asked of {agent.name}", one.tests.where, outcomes)
            if one.over:  # nothing was judged, and that is not green
                suite.attrib |= {"tests": "1", "errors": "1"}
                test = ElementTree.SubElement(suite, "testcase", classname=suite.attrib["name"], name="all cases")
                ElementTree.SubElement(test, "error", message=_xml(one.over))
    ElementTree.indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode").encode()


def _suite(root: ElementTree.Element, name: str, file: str, outcomes: Sequence[Outcome]) -> ElementTree.Element:
    count = counts(outcomes)
    numbers = {"tests": len(outcomes), "failures": count["failed"], "skipped": count["open"]}
    named = {"name": _xml(name), "file": _xml(file), **{key: str(item) for key, item in numbers.items()}}
    suite = ElementTree.SubElement(root, "testsuite", named)
    for one in outcomes:
        seconds = sum(said.result.seconds for said in one.answers)
        named = {"classname": _xml(name), "name": _xml(one.case), "time": f"{seconds:.3f}"}
        test = ElementTree.SubElement(suite, "testcase", named)
        if one.passed is not True:
            said = "\n".join(f"{mark} {words}" for mark, words in lines(one))
            kind = "failure" if one.passed is False else "skipped"
            ElementTree.SubElement(test, kind, message=_xml(summary(one))).text = _xml(said)
    return suite


def _xml(text: str) -> str:
    """XML 1.0 has no place for some characters, escaped or not: https://www.w3.org/TR/xml/#charsets"""
    return text.translate(UNPRINTABLE)


# ---- words


def summary(outcome: Outcome) -> str:
    """`2 of 4 expectations failed`, `1 of 3 waits for a human verdict`"""
    failed = sum(one.verdict.passed is False for one in outcome.judged)
    count = len(outcome.judged)
    if failed:
        return f"{failed} of {count} expectations failed"
    waiting = sum(one.verdict.passed is None for one in outcome.judged)
    return f"{waiting} of {count} wait for a human verdict" if waiting else f"{count} of {count} met"


MARKS = {True: "✓", False: "✗", None: "·"}


def lines(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """A mark and a sentence for each expectation: `("✗", "label-in harmful: wanted: …; came in 2 of 3 repeats: …")`"""
    for one in outcome.judged:
        yield MARKS[one.verdict.passed], f"{called(one)}: {one.verdict.why}"


def called(judged: Judged) -> str:
    said = judged.expectation
    of_no_weight = "" if said.weight else " (told only)"
    return f"{said.name}{f' of {said.question}' if said.question else ''}{of_no_weight}"


# ---- one page


def as_page(tested: Sequence[Tried]) -> str:
    every = [one for each in tested for one in each.outcomes]
    count = counts(every)
    names = [one.tests.prompt.version_name for one in tested]
    return page(
        [_section(one) for one in tested],
        kicker="Tests of",
        name=", ".join(names),
        title="Prompts and their tests",
        simulated=SIMULATED if any(one.simulated for one in tested) else "",
        dates=f"{len(every)} cases, agent by agent",
        state=", ".join(f"{number} {word}" for word, number in count.items()),
        partial=bool(count["failed"]) or any(one.over for one in tested),
    )


def _section(tested: Tried) -> Section:
    blocks: list[Block] = []
    if tested.unrecorded:
        said = f"Nothing was recorded of {', '.join(tested.unrecorded)} for the prompt as it stands now."
        blocks.append(Text(f"{said} `--live` asks and records.", "caution"))
    if tested.over:
        blocks.append(Text(f"Not all cases were asked, and none is judged: {tested.over}", "caution"))
    table = [
        (f"{one.case} · {one.agent}", MARKS[judged.verdict.passed], called(judged), judged.verdict.why)
        for one in tested.outcomes
        for judged in one.judged
    ]
    blocks.append(
        grid("What was expected of each case, and what came.", ["case", "", "check`", "why"], table, grouped=True)
    )
    found = metrics(tested.outcomes)
    if found:
        rows = [(name, f"{score:.2f}") for name, score in found.items()]
        blocks.append(grid("Mean scores by metric.", ["metric", "score#"], rows))
    stored = f"stored as run {tested.run}" if tested.run else "offline; nothing was asked of a network"
    agents = ", ".join(agent.name for agent in tested.agents)
    blocks.append(Text(f"Asked of {agents}, {tested.repeats} times each; {stored}."))
    return Section(tested.tests.prompt.version_name, tuple(blocks))
