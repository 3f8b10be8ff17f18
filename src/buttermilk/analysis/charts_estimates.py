"""Charts of estimates: what further answers would buy, and the same estimate made in every declared way."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from buttermilk.analysis.charts import ACCENT, CONFIG, FIT, INK, PALE, WIDTH, Spec, layer, measured, named, told

COLOURS = (ACCENT, "#d98324", "#4f8f5b")
DASHES = ([1, 0], [6, 3], [2, 2])
SHADES = {"chosen beforehand": "#a63d40", "p < .05": ACCENT, "other": "#8a8a8a", "failed": INK}
TALL = 240
FAINT = "#efefef"


class Gain(NamedTuple):
    """One line: how dependable a record's answer is at so many of a kind, and what that costs."""

    name: str
    points: tuple[tuple[int, float, float], ...]


def gains(found: Sequence[Gain], price: str, shows: str) -> Spec:
    """Φ by lines on the left axis, its price by thin grey lines of the same dash on the right one."""
    rows = [(gain.name, *point) for gain in found for point in gain.points]
    values = [dict(zip(("of", "number", "phi", "cost"), row, strict=True)) for row in rows]
    names, most = [gain.name for gain in found], max(row[3] for row in rows) or 1.0
    legend = {
        "orient": "top", "title": None, "symbolType": "stroke", "symbolStrokeWidth": 2, "symbolSize": 400,
        "labelLimit": 600, "columns": 1,
    }  # fmt: skip
    dash = named("of", legend=legend, scale={"domain": names, "range": list(DASHES[: len(names)])})
    colour = dash | {"scale": {"domain": names, "range": list(COLOURS[: len(names)])}}
    ticks = {"title": "how many", "values": sorted({row[1] for row in rows}), "format": "d", "grid": False}
    across = measured("number", scale={"nice": False, "zero": False}, axis=ticks)
    left = {"title": "dependability Φ (dark)", "values": [0, 0.2, 0.4, 0.6, 0.8, 1], "gridColor": FAINT}
    right = {"title": f"{price} (pale)", "orient": "right", "grid": False, "titleColor": PALE, "labelColor": PALE}
    costs = measured("cost", scale={"domain": [0, most * 1.05]}, axis=right)
    tip = told("of", "number", "phi", "cost")
    phis = {"x": across, "y": measured("phi", scale={"domain": [0, 1]}, axis=left), "strokeDash": dash, "color": colour}
    thick = {"type": "line", "strokeWidth": 2.5, "point": {"size": 45, "filled": True}}
    lines = [
        layer(None, {"type": "line", "strokeWidth": 1, "color": "#9a9a9a"}, x=across, y=costs, strokeDash=dash),
        layer(None, thick, **phis, tooltip=tip),
    ]
    return {
        "description": shows, "width": WIDTH, "height": TALL, "autosize": FIT,
        "data": {"values": values}, "layer": lines, "resolve": {"scale": {"y": "independent"}}, "config": CONFIG,
    }  # fmt: skip


class Spot(NamedTuple):
    """One specification: what was chosen, the estimate with its interval (None: it failed), whether it is *the* one."""

    choices: tuple[str, ...]
    estimate: tuple[float, float, float] | None
    sure: bool = False
    chosen: bool = False

    @property
    def state(self) -> str:
        known = "chosen beforehand" if self.chosen else "p < .05" if self.sure else "other"
        return known if self.estimate else "failed"


def curve(spots: Sequence[Spot], kinds: Sequence[str], title: str, nought: float | None, shows: str) -> Spec:
    """Above, every estimate by size, the failed ones as crosses at the end; below, a tick at each choice it made."""
    ticks = [
        {"rank": rank, "row": f"{kind}: {spot.choices[place] or 'none'}", "place": place, "state": spot.state}
        for rank, spot in enumerate(spots, 1)
        for place, kind in enumerate(kinds)
    ]
    rows = [name for _, name in sorted({(tick["place"], str(tick["row"])) for tick in ticks})]
    states = [state for state in SHADES if any(spot.state == state for spot in spots)]
    legend = {"orient": "top", "title": None} if len(states) > 1 else None
    scale = {"domain": states, "range": [SHADES[state] for state in states]}
    colour = named("state", scale=scale, legend=legend)
    wide = int(WIDTH - min(max(map(len, rows)) * 6.6 + 20, 330) - 10)
    across = measured("rank", scale={"domain": [0.5, len(spots) + 0.5], "nice": False}, axis=None)
    axis = {"title": None, "domain": False, "ticks": False, "labelLimit": 330, "grid": True, "gridColor": FAINT}
    ranks = {"values": _steps(len(spots)), "format": "d", "grid": False, "title": "specifications, by size"}
    chosen = named("row", sort=None, scale={"domain": rows}, axis=axis)
    thick = max(1, min(6, wide // (2 * len(spots))))
    tick = {"type": "tick", "orient": "vertical", "size": 11, "thickness": thick}
    below = layer(ticks, tick, x=across | {"axis": ranks}, y=chosen, color=colour)
    above = _above(spots, across, colour, title, nought, max(12, min(60, 9 * wide // len(spots))))
    both = [above | {"width": wide, "height": TALL}, below | {"width": wide, "height": 17 * len(rows)}]
    return {"description": shows, "vconcat": both, "spacing": 8, "padding": 4, "config": CONFIG}


def _above(spots: Sequence[Spot], across: Spec, colour: Spec, title: str, nought: float | None, size: int) -> Spec:
    known, failed = [], []
    for rank, spot in enumerate(spots, 1):
        row: Spec = {"rank": rank, "state": spot.state}
        if spot.estimate:
            known.append(row | dict(zip(("value", "low", "high"), spot.estimate, strict=True)))
        else:
            failed.append(row)
    along = measured("value", scale={"zero": False}, axis={"title": title, "gridColor": FAINT})
    shared, ends = {"x": across, "color": colour}, {"y": along | {"field": "low"}, "y2": {"field": "high"}}
    point, tip = {"type": "point", "filled": True, "opacity": 1}, told("rank", "state", "value", "low", "high")
    layers = [
        layer(known, {"type": "rule", "strokeWidth": 1.5, "opacity": 0.55}, **shared, **ends),
        layer(known, point | {"size": size}, **shared, y=along, tooltip=tip),
        layer(failed, {"type": "point", "shape": "cross", "size": 40}, **shared, y={"value": TALL - 8}),
    ]
    if nought is not None:
        dashed = {"type": "rule", "strokeDash": [4, 3], "color": PALE}
        layers.append(layer([{"at": nought}], dashed, y=measured("at")))
    return {"layer": layers}


def _steps(count: int) -> list[int]:
    """1 and the whole steps up to a count: about eight numbers."""
    step = max(1, ceil(count / 8))
    return [1, *range(step if step > 1 else 2, count + 1, step)]
