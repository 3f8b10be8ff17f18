"""The parts of a report that find: how answers are distributed, and which records divide them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from buttermilk.analysis import charts, compare, words
from buttermilk.analysis.charts import Bar, Box
from buttermilk.analysis.page import Block, Figure, Grid, Heading, Section, Text, grid
from buttermilk.analysis.statistics.estimate import Label, Votes, percentile
from buttermilk.analysis.tally import Asked, Reader, Tally
from buttermilk.core.contracts import Store
from buttermilk.core.priors import PRIOR_ARMS

MOST_ROWS = 34  # of one chart: more would not fit a page
MOST_LABELS = 10  # of one chart: more could not be told apart
DIVIDED = 15
OTHERS = "all other labels"
FREE = {
    "text": ("text", "in free text"),
    "quote": ("passage", "by words copied from the record"),
    "answer": ("id", "by the id of an answer that was read"),
}


def reader_name(tally: Tally, reader: Reader) -> str:
    """`reader_a (simulated) · tja`"""
    return " · ".join(part for part in (tally.name(reader.agent), reader.setting) if part)


def compared(tally: Tally) -> list[Asked]:
    """What the sections that compare speak of. An arm that was shown earlier answers has a section of its own."""
    open_ = [asked for asked in tally.asked.values() if asked.arm not in PRIOR_ARMS.values()]
    return [asked for asked in open_ if not asked.in_words and asked.votes]


def title_of(asked: Asked) -> Heading:
    return Heading(f"{asked.step}: {asked.name}")


def slug(*parts: str) -> str:
    given = filter(None, parts)
    return "-".join("".join(char if char.isalnum() else "-" for char in part.lower()) for part in given)


def distributions(tally: Tally) -> Section:
    blocks: list[Block] = []
    for asked in tally.asked.values():
        blocks.append(title_of(asked))
        blocks += [Text(asked.question.ask)] if "." in asked.question.name else []
        if asked.in_words:
            blocks.append(_free_text(tally, asked))
        elif not asked.votes:
            blocks.append(Text("No answer was given."))
        elif asked.measured:
            blocks += _measured(tally, asked)
        else:
            blocks += _labelled(tally, asked)
    return Section("How the answers are distributed", tuple(blocks))


def _free_text(tally: Tally, asked: Asked) -> Text:
    texts = Counter[str]()
    for reader, counts in asked.counts.items():
        texts[tally.name(reader.agent)] += counts["answered"]
    noun, how = FREE[asked.question.level]
    given = [f"{words.plural(number, noun)} by {agent}" for agent, number in texts.items() if number]
    absent = sum(counts[None] for counts in asked.counts.values())
    left = f" It was left open, as not applying, {words.plural(absent, 'time')}." if absent else ""
    return Text(f"Answered {how}: {words.listing(given) or 'none'}.{left} Each is in the exported table.")


def _labelled(tally: Tally, asked: Asked) -> Iterator[Figure]:
    labels = [words.label(label) for label in asked.labels()]
    bars = _bars(tally, asked)
    folded, shown = _fold(bars, labels)
    ordered = asked.question.level == "ordinal"
    data = _counts_table(asked, bars, labels)
    parts = [folded[start : start + MOST_ROWS] for start in range(0, len(folded), MOST_ROWS)]
    for place, part in enumerate(parts):
        which = f", part {place + 1} of {len(parts)}" if len(parts) > 1 else ""
        shows = _in_words(part, asked)
        spec = charts.stacked(part, shown, ordered=ordered, shows=shows)
        name = slug("labels", asked.step, asked.name, str(place + 1) if which else "")
        caption = f"Answers to “{asked.name}” in the step “{asked.step}”, by agent and perspective{which}."
        yield Figure(name, caption, shows, spec, data)


def _bars(tally: Tally, asked: Asked) -> list[Bar]:
    """A bar per reader, a gap between agents, and the people's labels at the foot."""
    bars: list[Bar] = []
    for agent in asked.agents:
        if bars and len(asked.readers) > len(asked.agents):
            bars.append(Bar("", {}))
        bars += [
            Bar(reader_name(tally, reader), {words.label(label): number for label, number in counts.items()})
            for reader, counts in asked.counts.items()
            if reader.agent == agent and counts
        ]
    agreed = asked.expected.keys() - set(asked.unsettled)
    people = Counter(words.label(asked.first_coder(record_id)) for record_id in sorted(agreed))
    return [*bars, Bar("", {}), Bar("human labels", dict(people))] if people else bars


def _fold(bars: list[Bar], labels: list[str]) -> tuple[list[Bar], list[str]]:
    """The commonest labels keep a colour of their own; the rest of a long list is one grey piece."""
    if len(labels) <= MOST_LABELS:
        return bars, labels
    totals = Counter[str]()
    for bar in bars:
        totals.update(bar.counts)
    kept = {label for label, _ in totals.most_common(MOST_LABELS - 1)}
    folded = []
    for bar in bars:
        counts = {label: number for label, number in bar.counts.items() if label in kept}
        rest = sum(bar.counts.values()) - sum(counts.values())
        folded.append(Bar(bar.name, counts | ({OTHERS: rest} if rest else {})))
    return folded, [label for label in labels if label in kept] + [OTHERS]


def _in_words(bars: Sequence[Bar], asked: Asked) -> str:
    said = []
    for bar in bars:
        if bar.counts:
            label, most = max(bar.counts.items(), key=lambda item: (item[1], item[0]))
            said.append(f"{bar.name} most often “{label}” ({words.percent(most / sum(bar.counts.values()))})")
    return f"Stacked bars of the answers to {asked.name}: {'; '.join(said)}."


def _counts_table(asked: Asked, bars: Sequence[Bar], labels: Sequence[str]) -> Grid:
    rows = [
        (bar.name, str(sum(bar.counts.values())), *(str(bar.counts.get(label, 0)) for label in labels))
        for bar in bars
        if bar.counts
    ]
    titles = ("agent and perspective", "n#", *(f"{label}#" for label in labels))
    return grid(f"Answers to “{asked.name}”, counted.", titles, rows)


def _measured(tally: Tally, asked: Asked) -> Iterator[Figure]:
    found = [
        Box(reader_name(tally, reader), _five(numbers), len(numbers))
        for reader, counts in asked.counts.items()
        if (numbers := _numbers(counts))
    ]
    people = [label for record_id in asked.expected if isinstance(label := asked.first_coder(record_id), int | float)]
    if people:
        found.append(Box("human labels", _five(sorted(people)), len(people)))
    titles = ("agent and perspective", "n#", "least#", "lower quartile#", "median#", "upper quartile#", "most#")
    rows = [(box.name, str(box.n), *(f"{number:.6g}" for number in box.five)) for box in found]
    middle = (f"{box.name} has a median of {words.measure(box.five[2])}" for box in found)
    shows = f"Box chart of the answers to {asked.name}: {'; '.join(middle)}."
    caption = (
        f"Answers to “{asked.name}” in the step “{asked.step}”: median (tick), middle half (bar), least to most (line)."
    )
    for place in range(0, len(found), MOST_ROWS):
        spec = charts.boxes(found[place : place + MOST_ROWS], asked.name, shows)
        data = grid(f"Answers to “{asked.name}” in five numbers.", titles, rows)
        yield Figure(slug("numbers", asked.step, asked.name, str(place)), caption, shows, spec, data)


def _numbers(counts: Counter[Label]) -> list[float]:
    numbers = [label for label, times in counts.items() if isinstance(label, int | float) for _ in range(times)]
    return sorted(numbers)


def _five(ordered: Sequence[float]) -> tuple[float, float, float, float, float]:
    least, lower, median, upper, most = (percentile(ordered, share) for share in (0, 0.25, 0.5, 0.75, 1))
    return least, lower, median, upper, most


def divided(tally: Tally, store: Store) -> Section:
    blocks: list[Block] = []
    for asked in compared(tally):
        found = compare.most_divided(asked, DIVIDED)
        blocks.append(title_of(asked))
        if not found.n:
            blocks.append(Text("Each record has one answer in this step: there is nothing to be divided about."))
            continue
        share = words.percent(found.unanimous / found.n)
        of_all = f"{words.count(found.unanimous)} of {words.plural(found.n, 'record')}"
        blocks.append(Text(f"On {of_all} ({share}) every answer was the same."))
        if found.most:
            blocks.append(_divided(tally, asked, found.most, store))
    return Section("The records that divide the agents most", tuple(blocks))


def _divided(tally: Tally, asked: Asked, most: Sequence[compare.Disputed], store: Store) -> Grid:
    kept = store.records([tally.hashes[one.record_id] for one in most])
    rows = []
    for one in most:
        record = kept.get(tally.hashes[one.record_id])
        text = words.excerpt(record.text) if record else "no longer in the store"
        kinds = ", ".join(sorted(record.kinds - {"text"})) if record else ""
        person = asked.first_coder(one.record_id)
        human, heard = words.label(person) if person is not None else "—", compare.by_agent(one.votes)
        divided = words.measure(one.spread) if asked.measured else words.decimal(one.spread)
        said = spoken(tally, {agent: heard[agent] for agent in asked.agents if agent in heard})
        rows.append((one.record_id, text or f"[{kinds}]", human, divided, said))
    how = (
        "Division is the standard deviation of the answers."
        if asked.measured
        else "Division is the entropy of the answers, from 0 (all the same) to 1 (all labels equally often)."
    )
    titles = ("record", "text", "human label", "division#", "answers")
    caption = f"The records that divide the agents most on “{asked.name}”, step “{asked.step}”."
    note = f"{how} Each agent has one voice, whatever the number of its answers."
    return grid(caption, titles, rows, note=note)


def spoken(tally: Tally, voices: Mapping[str, Votes]) -> str:
    """One line per agent: `reader_a (simulated): mixed ×4, negative ×2`."""
    lines = []
    for agent, votes in voices.items():
        if counts := Counter(votes):
            given = sorted(counts.items(), key=lambda item: (-item[1], words.label(item[0])))
            said = ", ".join(
                f"{words.label(label)} ×{number}" if number > 1 else words.label(label) for label, number in given
            )
            lines.append(f"{tally.name(agent)}: {said}")
    return "\n".join(lines)
