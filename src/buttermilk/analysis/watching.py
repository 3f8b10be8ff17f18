"""Whether today's answers to the same tests differ from the baseline's by more than chance, and whose doing that was.
An alarm is raised only for what the scholar did not change. Where the prompt, the criteria, the codebook or the
declared agent moved as well, a change is what was asked for: it is listed under `changed`, and is no alarm. A newer
buttermilk asks the same questions, so it excuses nothing: it is named as a possible cause."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from buttermilk.analysis import words
from buttermilk.analysis.statistics.drift import drift
from buttermilk.analysis.statistics.estimate import Estimate, Exact, Votes
from buttermilk.analysis.statistics.holm import countable, holm
from buttermilk.analysis.statistics.mcnemar import Counted, repeated
from buttermilk.core.hashing import derive_seed

LEVEL = 0.005  # of one watch: with one a day, few quiet weeks have an alarm (docs/design/0009 says how few)
MOST_NAMED = 3  # cases in a sentence
SLIGHT = 0.1  # change of a label's share: where no label's is greater, the cases have changed places


class Outcome(NamedTuple):
    """One answer of one test run, judged. `passed` is None where a human is to judge; `version` is buttermilk's."""

    day: str
    prompt: str
    prompt_hash: str
    case: str
    case_hash: str
    agent: str
    agent_hash: str
    model_returned: str
    model_fingerprint: str
    codebook_hash: str
    perspective_hash: str
    repeat: int
    status: str
    parse: str
    finish: str
    passed: bool | None
    labels: Mapping[str, str | None]
    version: str


class Alarm(NamedTuple):
    """`kind`: passes, labels, refused, unparsed, repaired, truncated; without a p, as they need none: model, gone.
    `cause`: `model`, `code`, or what the scholar changed: `prompt`, `criteria`, `codebook`, `agent`; joined by *and*.
    `p` is Holm's. `case` is empty where it is about all of an agent's answers."""

    kind: str
    agent: str
    case: str
    said: str
    p: float | None
    cause: str


class Watched(NamedTuple):
    """`alarms` are to be acted on; `changed` is what the scholar's own changes did; `moved` says by which hash;
    `blind`: not one case could be compared, which is no good news."""

    alarms: tuple[Alarm, ...]
    moved: tuple[str, ...]
    notes: tuple[str, ...]
    changed: tuple[Alarm, ...] = ()
    blind: bool = False


YOURS = {"prompt": "prompt_hash", "criteria": "perspective_hash", "codebook": "codebook_hash", "agent": "agent_hash"}
THEIRS = {"model": "model_returned", "fingerprint": "model_fingerprint", "code": "version"}
RATES: dict[str, tuple[str, Callable[[Outcome], bool]]] = {
    "refused": ("refuses", lambda one: one.status == "refused"),
    "unparsed": ("cannot be read in", lambda one: one.status == "unparsed"),
    "repaired": ("has to be mended in", lambda one: one.parse in ("repaired", "reasked")),
    "truncated": ("is cut off in", lambda one: one.finish == "length"),
}
Case = tuple[str, str]
"""Its name and its hash."""
Sides = tuple[Sequence[Outcome], Sequence[Outcome]]


class Pair(NamedTuple):
    """One agent's answers to one prompt's cases, before and now; only cases of which not a word has changed. `moved`
    says from what to what: `{"model": ("a-0801", "a-1101")}`."""

    agent: str
    opening: str
    cases: Mapping[str, Sides]
    moved: Mapping[str, tuple[str, str]]

    @property
    def yours(self) -> list[str]:
        return [name for name in YOURS if name in self.moved]

    @property
    def cause(self) -> str:
        return " and ".join([*self.yours, *(name for name in ("model", "code") if name in self.moved)]) or "model"


class Suspect(NamedTuple):
    """A test that was made, and what it would say: `says 'yes' to 'harm' in 46 of 60 answers, in place of 9 of 60`."""

    pair: Pair
    kind: str
    case: str
    said: str
    test: Exact


def watch(baseline: Sequence[Outcome], today: Sequence[Outcome], *, level: float = LEVEL, seed: int = 1) -> Watched:
    """Compare two rounds of the same tests: how many pass, which labels, how many are refused; Holm over all of it.
    Answers are compared within each case, all repeats with all (see `repeated` and `drift`); a call that failed is no
    answer. Tests that could give no alarm, whatever was answered, do not count. That the model returned is another, or
    that a case gets no answer any more, needs no test."""
    pairs = _pairs(baseline, today)
    suspects = [suspect for pair in pairs for suspect in _suspects(pair, seed)]
    counted = [suspects[place] for place in countable([one.test.attainable[0] for one in suspects], level)]
    found = [(pair, alarm) for pair in pairs for alarm in _certain(pair)]
    for one, p in zip(counted, holm([one.test.p for one in counted]), strict=True):
        if p <= level:
            how = f"{words.chance(p)}, Holm over {words.plural(len(counted), 'test')}"
            said = f"{one.pair.opening} {one.said} ({how}). {_why(one.pair)}"
            found.append((one.pair, Alarm(one.kind, one.pair.agent, one.case, said, p, one.pair.cause)))
    notes = [f"{words.plural(len(counted), 'comparison')} could have shown a change, at a level of {level:g} in all."]
    if not pairs:
        notes = ["Nothing could be compared. Ask the same cases of the same agents, or pin this test: --pin"]
    elif not counted:
        notes = ["There are too few answers to tell a change from chance: ask for more repeats, or add cases."]
    silent = [pair for pair in pairs if not any(other is pair for other, _ in found)]
    notes += [_only_the_fingerprint(pair) for pair in silent if "fingerprint" in pair.moved]
    edited = _not_compared(baseline, today)
    moved = {"model" if name in ("agent", "fingerprint") else name for pair in pairs for name in pair.moved}
    moved |= {"data"} if edited else set()
    alarms, changed = (
        tuple(alarm for pair, alarm in found if _excused(pair, alarm) is excused) for excused in (False, True)
    )
    names = tuple(name for name in ("prompt", "criteria", "codebook", "model", "data", "code") if name in moved)
    return Watched(alarms, names, (*notes, *edited, *_missing(baseline, today)), changed, not pairs)


def _excused(pair: Pair, alarm: Alarm) -> bool:
    """A model that returns another name is excused only where the agent is declared otherwise."""
    return "agent" in pair.moved if alarm.kind == "model" else bool(pair.yours)


# ---- what is compared with what


def _pairs(baseline: Sequence[Outcome], today: Sequence[Outcome]) -> list[Pair]:
    before, now = _grouped(baseline), _grouped(today)
    prompts = {prompt for prompt, _ in before}
    found = []
    for prompt, agent in sorted(before.keys() & now.keys()):
        old, new = before[prompt, agent], now[prompt, agent]
        cases = {case: (old[case, digest], new[case, digest]) for case, digest in sorted(old.keys() & new.keys())}
        if not cases:
            continue
        days = sorted({one.day for rows in old.values() for one in rows})
        since = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        asked = f", asked by '{prompt}'," if len(prompts) > 1 else ""
        found.append(Pair(agent, f"Since the baseline of {since}, {agent}{asked}", cases, _moved(cases.values())))
    return found


def _grouped(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], dict[Case, list[Outcome]]]:
    found: defaultdict[tuple[str, str], dict[Case, list[Outcome]]] = defaultdict(dict)
    for one in outcomes:
        found[one.prompt, one.agent].setdefault((one.case, one.case_hash), []).append(one)
    return found


def _moved(cases: Iterable[Sides]) -> dict[str, tuple[str, str]]:
    """What today has and the baseline had not; what a provider does not tell (an empty name) has not moved."""
    before, now = ([one for side in sides for one in side] for sides in zip(*cases, strict=True))
    found = {}
    for name, field in {**YOURS, **THEIRS}.items():
        silent = {""} if name in THEIRS else set()
        old = {getattr(one, field) for one in before} - silent
        new = {getattr(one, field) for one in now} - silent - old
        if old and new:
            found[name] = words.listing(sorted(old)), words.listing(sorted(new))
    return found


def _not_compared(baseline: Iterable[Outcome], today: Iterable[Outcome]) -> list[str]:
    """Cases that were edited, added or taken away: `Not compared, as was edited, of 'judge': 'a'.`"""
    sides: tuple[set[tuple[str, str, str]], ...] = tuple(
        {(one.prompt, one.case, one.case_hash) for one in side} for side in (baseline, today)
    )
    same = {one[:2] for one in sides[0] & sides[1]}
    before, now = ({one[:2] for one in side} for side in sides)
    notes = []
    for done, cases in (("edited", (before & now) - same), ("added", now - before), ("taken away", before - now)):
        for prompt in sorted({prompt for prompt, _ in cases}):
            names = sorted(case for of, case in cases if of == prompt)
            verb = "was" if len(names) == 1 else "were"
            notes.append(f"Not compared, as {verb} {done}, of '{prompt}': {words.listing(map(repr, names))}.")
    return notes


def _missing(baseline: Iterable[Outcome], today: Iterable[Outcome]) -> list[str]:
    alone = {one.agent for one in baseline} ^ {one.agent for one in today}
    return [f"Not compared, as only one side asked: {words.listing(sorted(alone))}."] if alone else []


# ---- what is tested


def _suspects(pair: Pair, seed: int) -> Iterator[Suspect]:
    answered = {case: (_answers(sides[0]), _answers(sides[1])) for case, sides in pair.cases.items()}
    passed = {case: (_passed(sides[0]), _passed(sides[1])) for case, sides in answered.items()}
    said = f"passes {_beside(passed.values())}{_most(passed)}"
    yield from _tested(pair, "passes", "", said, repeated(passed.values()))
    for case, counts in passed.items():
        yield from _tested(pair, "passes", case, f"passes the case '{case}' {_beside([counts])}", repeated([counts]))
    for kind, (does, is_so) in RATES.items():
        hits = {case: (_hits(sides[0], is_so), _hits(sides[1], is_so)) for case, sides in answered.items()}
        found = repeated(hits.values(), more=True)
        yield from _tested(pair, kind, "", f"{does} {_beside(hits.values())}", _if_doubled(found, hits.values()))
    questions = {name for sides in answered.values() for side in sides for one in side for name in one.labels}
    for question in sorted(questions):
        votes = {case: (_votes(sides[0], question), _votes(sides[1], question)) for case, sides in answered.items()}
        found = drift([[sides] for sides in votes.values()], seed=derive_seed(seed, "watch", pair.opening, question))
        yield from _tested(pair, "labels", "", _relabelled(question, votes), found)


def _tested(pair: Pair, kind: str, case: str, said: str, found: Estimate) -> Iterator[Suspect]:
    if found.test is not None:
        yield Suspect(pair, kind, case, said, found.test)


def _if_doubled(found: Estimate, units: Iterable[tuple[Counted, Counted]]) -> Estimate:
    """A rate that rose by less may have risen truly, and is no reason to wake anybody. The test counts all the same."""
    (old, of), (new, among) = _totals(units)
    if found.test is None or new * of >= 2 * old * among:
        return found
    return found._replace(test=found.test._replace(p=1.0))


def _answers(side: Iterable[Outcome]) -> list[Outcome]:
    return [one for one in side if one.status != "failed"]


def _hits(side: Sequence[Outcome], is_so: Callable[[Outcome], bool]) -> Counted:
    return sum(map(is_so, side)), len(side)


def _passed(side: Iterable[Outcome]) -> Counted:
    judged = [one.passed for one in side if one.passed is not None]
    return sum(judged), len(judged)


def _votes(side: Iterable[Outcome], question: str) -> Votes:
    return tuple(one.labels[question] for one in side if one.status == "answered" and question in one.labels)


def _totals(units: Iterable[tuple[Counted, Counted]]) -> tuple[Counted, Counted]:
    old, of, new, among = (sum(column) for column in zip(*((*one, *two) for one, two in units), strict=True))
    return (old, of), (new, among)


def _beside(units: Iterable[tuple[Counted, Counted]]) -> str:
    """`46 of 60 times, in place of 9 of 60`"""
    (old, of), (new, among) = _totals(units)
    return f"{new} of {words.plural(among, 'time')}, in place of {old} of {of}"


def _most(units: Mapping[str, tuple[Counted, Counted]]) -> str:
    """`, most of all 'a' (0 of 5, in place of 5 of 5)`: the cases that moved most."""
    apart = {case: abs(new / among - old / of) for case, ((old, of), (new, among)) in units.items() if of and among}
    named = sorted((case for case in apart if apart[case]), key=lambda case: (-apart[case], case))[:MOST_NAMED]
    told = "'{}' ({} of {}, in place of {} of {})"
    said = (told.format(case, *units[case][1], *units[case][0]) for case in named)
    return f", most of all {words.listing(said)}" if named else ""


def _relabelled(question: str, votes: Mapping[str, tuple[Votes, Votes]]) -> str:
    """The label whose share moved most, and where."""
    before, now = (Counter(label for sides in votes.values() for label in sides[side]) for side in (0, 1))
    of, among = before.total() or 1, now.total() or 1
    apart = {label: abs(now[label] / among - before[label] / of) for label in before | now}
    if not apart or max(apart.values()) < SLIGHT:
        return f"answers '{question}' otherwise than it did, case by case, though no label is much more frequent"
    label = max(sorted(apart, key=words.label), key=apart.__getitem__)
    counts = {case: ((a.count(label), len(a)), (b.count(label), len(b))) for case, (a, b) in votes.items()}
    return f"says '{words.label(label)}' to '{question}' {_beside(counts.values())}{_most(counts)}"


# ---- what needs no test


def _certain(pair: Pair) -> Iterator[Alarm]:
    if "model" in pair.moved:
        old, new = pair.moved["model"]
        cause = "agent" if "agent" in pair.moved else "model"
        said = f"{pair.opening} is answered by another model: {new} in place of {old}."
        yield Alarm("model", pair.agent, "", said, None, cause)
    gone = [case for case, (before, now) in pair.cases.items() if _answers(before) and not _answers(now)]
    look = "A model that was switched off fails like this: look at the errors, and at what its provider announces."
    for case in [""] if len(gone) == len(pair.cases) else gone:
        said = f"does not answer the case '{case}' any more: all its" if case else "answers nothing any more: all"
        yield Alarm("gone", pair.agent, case, f"{pair.opening} {said} calls failed. {look}", None, pair.cause)


def _only_the_fingerprint(pair: Pair) -> str:
    said = "The fingerprint given with {}'s answers is {} in place of {}; the answers are as they were."
    return said.format(pair.agent, *reversed(pair.moved["fingerprint"]))


MOVED = {
    "model": "The model it returns changed from {} to {}",
    "fingerprint": "The fingerprint its provider gives changed from {} to {}",
    "code": "buttermilk changed from {} to {}",
}
NAMES = {name: f"the {name}" for name in YOURS} | {"agent": "how the agent is declared"}


def _why(pair: Pair) -> str:
    """Who did it, as far as hashes can tell."""
    told = [text.format(*pair.moved[name]) for name, text in MOVED.items() if name in pair.moved]
    if pair.yours:
        also = f" {'; '.join(told)} as well: which of these did it, nobody can tell." if told else ""
        return f"You changed {words.listing(NAMES[name] for name in pair.yours)}.{also}"
    if "code" in pair.moved:
        again = "Run the baseline again with this version to know."
        return f"{'; '.join(told)}. What is asked is the same: either buttermilk or the model did it. {again}"
    if told:
        return f"{told[0]}; prompt, cases and buttermilk are the same: the model moved."
    return "Prompt, cases, buttermilk and the model's name are the same: the model moved and does not say so."


# ---- to be shown


def sentences(watched: Watched) -> list[str]:
    """What a terminal prints: alarms, then what the scholar's own changes did, then notes."""
    said = [alarm.said for alarm in watched.alarms] or ([] if watched.blind else ["No alarm."])
    if watched.changed:
        said += ["Changed, as you changed what is asked:", *(alarm.said for alarm in watched.changed)]
    return [*said, *watched.notes]
