"""Vega-Lite specifications from counts and estimates. All sums are made here: a chart computes nothing. Every row of a
chart has its own name on the left; a row without data is a heading or a gap."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, NamedTuple

from buttermilk.analysis import words
from buttermilk.analysis.statistics.estimate import Estimate

Spec = dict[str, Any]

WIDTH = 700
ROW = 22
LETTER = 7.2  # pixels of a letter in a name, generously
NAMES = 360  # pixels at most for the names on the left
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
INK, PALE, GUIDE, ACCENT = "#1c1c1c", "#6b6b6b", "#dcdcdc", "#2f5d8a"
DISTINCT = (
    "#33658a", "#d98324", "#4f8f5b", "#8c4a6e", "#c9b458", "#5aa9b8", "#a63d40", "#8a8a8a", "#5b5ea6", "#9c6b3f",
)  # fmt: skip
STEPS = ("#d4e2ee", "#a9c4dc", "#7ba3c6", "#4d7fab", "#2f5d8a", "#1f4166", "#132a45")
ABSENT = "#c8c8c8"


class Bar(NamedTuple):
    """One stacked bar: its name, how often each label was given, or a heading where nothing was."""

    name: str
    counts: dict[str, int]


class Mark(NamedTuple):
    """One point with its interval; `estimate` is None for a heading."""

    name: str
    estimate: Estimate | None = None


class Guide(NamedTuple):
    """A dashed line across a chart of intervals, named above it."""

    at: float
    name: str


class Box(NamedTuple):
    """Five numbers of one reader's answers: least, lower quartile, median, upper quartile, most."""

    name: str
    five: tuple[float, float, float, float, float]
    n: int


def colours(labels: Sequence[str], *, ordered: bool) -> dict[str, str]:
    """One per label: light to dark where labels have an order; grey for *does not apply*."""
    apply = [label for label in labels if label != words.DOES_NOT_APPLY]
    last = max(len(apply) - 1, 1)
    tones = [STEPS[place * (len(STEPS) - 1) // last] if ordered else DISTINCT[place % len(DISTINCT)]
             for place in range(len(apply))]  # fmt: skip
    absent = {words.DOES_NOT_APPLY: ABSENT} if len(apply) < len(labels) else {}
    return dict(zip(apply, tones, strict=True)) | absent


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on the colour (WCAG relative luminance)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def stacked(bars: Sequence[Bar], labels: Sequence[str], *, ordered: bool, shows: str, of: str = "answers") -> Spec:
    """Bars of one length, divided by label; a share is written into its piece where there is room."""
    colour = colours(labels, ordered=ordered)
    bars = [bar._replace(name=name) for bar, name in zip(bars, _distinct(bar.name for bar in bars), strict=True)]
    pieces = [piece for bar in bars for piece in _pieces(bar, labels, colour)]
    counted = [bar for bar in bars if bar.counts and of == "answers"]
    totals = [{"row": bar.name, "n": f"n = {sum(bar.counts.values()):,}"} for bar in counted]
    plot = _plot([bar.name for bar in bars])
    room = plot / (plot - 62)
    axis = {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%", "title": f"share of {of}", "grid": False}
    scale = {"domain": list(labels), "range": [colour[label] for label in labels]}
    whole = {
        "x": measured("start", scale={"domain": [0, room], "nice": False}, axis=axis), "x2": {"field": "end"},
        "color": named("label", scale=scale, legend=_legend(labels, plot)),
    }  # fmt: skip
    bar = {"type": "bar", "height": ROW - 5, "stroke": "#ffffff", "strokeWidth": 0.5}
    wide = [piece for piece in pieces if piece["end"] - piece["start"] >= 30 / (plot - 62)]
    written = {"x": measured("middle"), "text": {"field": "share"}, "color": named("ink", scale=None)}
    layers = [
        layer(pieces, bar, **whole, tooltip=told("row", "label", "answers", "share")),
        layer(wide, {"type": "text", "fontSize": 11}, **written),
        _at_the_right(totals, "n", 1 + 5 / plot),
    ]
    return _whole([bar.name for bar in bars], [bar.name for bar in bars if not bar.counts], layers, shows)


def layer(values: list[Spec] | None, mark: Spec, **encoding: Any) -> Spec:
    """Without values of its own it draws those of the whole chart."""
    return ({} if values is None else {"data": {"values": values}}) | {"mark": mark, "encoding": encoding}


def measured(field: str, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", **more}


def named(field: str, **more: Any) -> Spec:
    return {"field": field, "type": "nominal", **more}


def told(*fields: str) -> list[Spec]:
    return [{"field": field} for field in fields]


def _pieces(bar: Bar, labels: Sequence[str], colour: dict[str, str]) -> list[dict[str, Any]]:
    total, start, pieces = sum(bar.counts.values()), 0.0, []
    for label in labels:
        given = bar.counts.get(label, 0)
        if not given:
            continue
        end = start + given / total
        piece = {"row": bar.name, "label": label, "answers": given, "share": f"{100 * given / total:.0f}%"}
        pieces.append(piece | {"start": start, "end": end, "middle": (start + end) / 2, "ink": ink_on(colour[label])})
        start = end
    return pieces


def intervals(marks: Sequence[Mark], guides: Sequence[Guide], title: str, *, as_share: bool, shows: str) -> Spec:
    """Points with their 95 % intervals, the number and n at the right, guides dashed."""
    marks = [mark._replace(name=name) for mark, name in zip(marks, _distinct(mark.name for mark in marks), strict=True)]
    known = [(mark.name, mark.estimate) for mark in marks if mark.estimate and mark.estimate.value is not None]
    values: list[Spec] = [
        {"row": name, "value": one.value, "low": _or(one.low, one.value), "high": _or(one.high, one.value)}
        for name, one in known
    ]
    least = min([0.0, *(float(value["low"]) for value in values)])
    least -= 0.03 if least < 0 else 0
    plot = _plot([mark.name for mark in marks])
    domain = [least, 1 + (1 - least) * 112 / (plot - 112)]
    ticks = [tick / 5 for tick in range(ceil(least * 5), 6)]
    written = words.percent if as_share else words.decimal
    ends = [{"row": name, "text": f"{written(one.value or 0.0)}  (n = {one.n:,})"} for name, one in known]
    axis = {"values": ticks, "format": ".0%" if as_share else ".1f", "title": title, "gridColor": "#efefef"}
    across = measured("low", scale={"domain": domain, "nice": False, "zero": False}, axis=axis)
    tip = told("row", "value", "low", "high")
    point = {"type": "point", "filled": True, "size": 60, "color": ACCENT, "opacity": 1}
    rule = {"type": "rule", "strokeWidth": 2, "color": ACCENT}
    layers = [
        *_guides(guides),
        layer(values, rule, x=across, x2={"field": "high"}, tooltip=tip),
        layer(values, point, x=measured("value"), tooltip=tip),
        _at_the_right(ends, "text", 1 + (1 - least) * 8 / plot),
    ]
    headings = [mark.name for mark in marks if mark.estimate is None]
    return _whole([mark.name for mark in marks], headings, layers, shows, above=16 if guides else 0)


def _distinct(names: Iterable[str]) -> list[str]:
    """A row is known by its name: one that comes again is told apart by spaces of no width, which nobody sees."""
    found: dict[str, None] = {}
    for name in names:
        while name in found:
            name += "\u200b"
        found[name] = None
    return list(found)


def _or(number: float | None, instead: float | None) -> float:
    return number if number is not None else instead or 0.0


def _guides(guides: Sequence[Guide]) -> list[Spec]:
    """The names of two guides lean away from each other."""
    line = {"type": "rule", "strokeDash": [4, 3], "color": PALE, "strokeWidth": 1}
    found: list[Spec] = []
    for place, guide in enumerate(guides):
        lean = "center" if len(guides) == 1 else ("right", "left")[place % 2]
        name = {"type": "text", "baseline": "bottom", "dy": -4, "fontSize": 10.5, "color": PALE, "align": lean}
        found.append(layer([guide._asdict()], line, x=measured("at"), y=None))
        found.append(layer([guide._asdict()], name, x=measured("at"), y={"value": 0}, text={"field": "name"}))
    return found


def boxes(found: Sequence[Box], unit: str, shows: str) -> Spec:
    """Least to most as a line, the middle half as a bar, the median as a tick."""
    names = ("least", "lower", "median", "upper", "most")
    values: list[Spec] = [{"row": box.name, **dict(zip(names, box.five, strict=True))} for box in found]
    start, end = min(box.five[0] for box in found), max(box.five[4] for box in found)
    span = end - start or 1.0
    plot = _plot([box.name for box in found])
    scale = {"domain": [start - span * 0.02, end + span * 80 / (plot - 80)], "nice": False, "zero": False}
    along = measured("least", scale=scale, axis={"title": unit, "gridColor": "#efefef", "tickCount": 6})
    tip, rule = told("row", *names), {"type": "rule", "color": ACCENT, "strokeWidth": 1.5}
    bar, tick = {"type": "bar", "height": 10, "color": "#a9c4dc"}, {"type": "tick", "thickness": 3, "size": 14}
    totals = [{"row": box.name, "n": f"n = {box.n:,}"} for box in found]
    layers = [
        layer(values, rule, x=along, x2={"field": "most"}, tooltip=tip),
        layer(values, bar, x=measured("lower"), x2={"field": "upper"}, tooltip=tip),
        layer(values, tick | {"color": "#132a45"}, x=measured("median")),
        _at_the_right(totals, "n", end + span * 8 / plot),
    ]
    return _whole([box.name for box in found], [], layers, shows)


def matrix(names: Sequence[str], cells: Sequence[tuple[str, str, float]], shows: str) -> Spec:
    """A square of shares, darker where higher, each written in its cell."""
    values = [
        {"row": row, "column": column, "text": f"{100 * share:.0f}%", "fill": _mix(share), "ink": ink_on(_mix(share))}
        for row, column, share in cells
    ]
    label = {"labelLimit": 150, "title": None, "domain": False, "ticks": False, "labelColor": INK}
    scale, size = {"domain": list(names)}, max(44, min(78, 480 // max(len(names), 1)))
    axes = {
        "x": named("column", sort=None, axis=label | {"orient": "top", "labelAngle": -30}, scale=scale),
        "y": named("row", sort=None, axis=label, scale=scale),
    }
    layers = [
        layer(None, {"type": "rect", "stroke": "#ffffff", "strokeWidth": 2}, color=named("fill", scale=None)),
        layer(None, {"type": "text", "fontSize": 12}, text={"field": "text"}, color=named("ink", scale=None)),
    ]
    frame = {"width": size * len(names), "height": 34 * len(names), "description": shows, "config": CONFIG}
    return frame | {"data": {"values": values}, "encoding": axes, "layer": layers}


def _mix(share: float) -> str:
    """From white at 0 to blue at 1."""
    ends = ((255, int(STEPS[4][place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(white + (blue - white) * share):02x}" for white, blue in ends)


def _at_the_right(values: list[Spec], field: str, at: float) -> Spec:
    mark = {"type": "text", "align": "left", "fontSize": 11, "color": PALE}
    return layer(values, mark, x={"datum": at}, text={"field": field})


def _plot(names: Iterable[str]) -> float:
    """About how many pixels the widest name leaves for what is drawn."""
    return WIDTH - min(max((len(name) * LETTER for name in names), default=0), NAMES) - 24


def _legend(labels: Sequence[str], plot: float) -> Spec:
    """As many columns as fit above the bars."""
    widest = max((len(label) * LETTER for label in labels), default=0) + 26
    return {
        "orient": "top", "title": None, "symbolType": "square", "labelLimit": 200,
        "columns": max(1, int(plot // min(widest, 226))),
    }  # fmt: skip


FIT = {"type": "fit-x", "contains": "padding"}
CONFIG: Spec = {
    "font": FONT,
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelColor": INK},
    "axisX": {"domain": False, "tickColor": GUIDE, "labelColor": PALE, "titleColor": PALE, "titlePadding": 8},
    "legend": {"labelFontSize": 12, "labelColor": INK, "symbolStrokeWidth": 0},
    "text": {"color": INK},
}


def _whole(rows: Sequence[str], headings: Sequence[str], layers: list[Spec], shows: str, *, above: int = 0) -> Spec:
    weight = {"condition": {"test": {"field": "value", "oneOf": list(headings)}, "value": "bold"}, "value": "normal"}
    axis = {
        "title": None, "domain": False, "ticks": False, "labelLimit": NAMES, "labelPadding": 8,
        "labelFontWeight": weight if headings else "normal",
    }  # fmt: skip
    shared = named("row", sort=None, scale={"domain": list(rows)}, axis=axis)
    for layer in layers:
        upward = layer["encoding"].pop("y", shared)
        layer["encoding"] |= {} if upward is None else {"y": upward}
    padding = {"left": 2, "right": 2, "top": 4 + above, "bottom": 4}
    frame = {"width": WIDTH, "height": ROW * len(rows), "autosize": FIT, "padding": padding}
    return {"description": shows, **frame, "layer": layers, "config": CONFIG}
