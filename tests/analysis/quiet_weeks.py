"""Simulated answers to the tests of one prompt: some cases are sure, some a toss-up, and a few calls go wrong."""

from random import Random

from buttermilk.analysis.watching import Outcome

SURE, LIKELY, OPEN, EVEN = [0.98] * 5, [0.9] * 3, [0.7] * 2, [0.5] * 2
CHANCES = SURE + LIKELY + OPEN + EVEN  # that a case is passed: twelve cases
AGENTS = ("claude", "gpt")


def outcome(case="c00", agent="claude", repeat=0, passed=True, **more):
    """One answer, judged: what passes says no, what does not says yes."""
    said = {
        "day": "2026-11-22", "prompt": "judge", "prompt_hash": "p1", "case": case, "case_hash": "h1", "agent": agent,
        "agent_hash": "a1", "model_returned": "a-0801", "model_fingerprint": "", "codebook_hash": "k1",
        "perspective_hash": "", "repeat": repeat, "status": "answered", "parse": "strict", "finish": "stop",
        "passed": passed, "labels": {"harm": "no" if passed else "yes"}, "version": "0.1.0",
    }  # fmt: skip
    return Outcome(**{**said, **more})


def unread(case, agent, repeat, status, **more):
    return outcome(case, agent, repeat, passed=False, status=status, labels={}, parse="none", **more)


def answer(random: Random, case, agent, repeat, chance, refusal=0.02, **more):
    """One call in a hundred fails, two are refused, two unreadable (one of them cut off), five mended."""
    if random.random() < 0.01:
        return unread(case, agent, repeat, "failed", **more)
    if random.random() < refusal:
        return unread(case, agent, repeat, "refused", **more)
    if random.random() < 0.02:
        finish = random.choice(["stop", "length"])
        return unread(case, agent, repeat, "unparsed", finish=finish, **more)
    passed = random.random() < chance
    label = "no" if passed else random.choices(["yes", None], [4, 1])[0]
    parse = random.choices(["strict", "repaired"], [19, 1])[0]
    return outcome(case, agent, repeat, passed, labels={"harm": label}, parse=parse, **more)


def answers(random: Random, *, repeats=5, chances=CHANCES, claude=None, agents=AGENTS, **more):
    """One watch. `claude` has other chances, and only its answers are told `more`."""
    return [
        answer(random, f"c{place:02}", agent, repeat, chance, **(more if agent == "claude" else {}))
        for agent in agents
        for place, chance in enumerate(claude if claude and agent == "claude" else chances)
        for repeat in range(repeats)
    ]
