"""Charts of a panel: how divided its records are, and whether its agents are right as often as they are sure."""

from collections.abc import Sequence
from math import ceil

from buttermilk.analysis.charts import ACCENT, CONFIG, FIT, PALE, WIDTH, Spec, colours, layer, measured, named, told
from buttermilk.analysis.statistics.calibration import Bin

SLICES = 120  # most columns of the spectrum: of more records, neighbours are drawn as one
SIDE = 190

Slice = tuple[int, int, float, dict[str, float]]
"""From which record to which, their mean entropy, and the mean share of each label."""


def slices(records: Sequence[tuple[float, dict[str, float]]]) -> list[Slice]:
    """Neighbours of the sorted records together, no more than SLICES columns."""
    width = max(1, ceil(len(records) / SLICES))
    found = []
    for start in range(0, len(records), width):
        some = records[start : start + width]
        labels = {label for _, shares in some for label in shares}
        mean = {label: sum(shares.get(label, 0.0) for _, shares in some) / len(some) for label in labels}
        found.append((start, start + len(some), sum(spread for spread, _ in some) / len(some), mean))
    return found


def spectrum(columns: Sequence[Slice], labels: Sequence[str], *, ordered: bool, shows: str) -> Spec:
    """Records side by side, the most divided at the right, each a column divided by label."""
    colour = colours(labels, ordered=ordered)
    values = []
    for start, end, spread, shares in columns:
        low = 0.0
        for label in labels:
            share = shares.get(label, 0.0)
            if share:
                piece = {"start": start, "end": end, "low": low, "high": low + share, "label": label}
                values.append(piece | {"share": f"{100 * share:.0f}%", "entropy": round(spread, 3)})
                low += share
    last = columns[-1][1]
    across = {"domain": [0, last], "nice": False}
    upward = {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%", "title": "share of answers", "grid": False}
    legend = {"orient": "top", "title": None, "symbolType": "square", "labelLimit": 200, "columns": 5}
    title = "records, from those of one mind to the most divided"
    return {
        "description": shows, "width": WIDTH, "height": 180, "config": CONFIG, "autosize": FIT,
        **layer(
            values,
            {"type": "rect", "stroke": "#ffffff", "strokeWidth": 0.5 if len(columns) <= 60 else 0},
            x=measured("start", scale=across, axis={"title": title, "grid": False}), x2={"field": "end"},
            y=measured("low", scale={"domain": [0, 1]}, axis=upward), y2={"field": "high"},
            color=named("label", legend=legend, scale={"domain": list(labels), "range": list(colour.values())}),
            tooltip=told("label", "share", "entropy"),
        ),
    }  # fmt: skip


def reliability(panels: Sequence[tuple[str, Sequence[Bin]]], shows: str) -> Spec:
    """A square for each agent: how sure against how often right, with 95 % intervals and the number of answers."""
    values = [
        {"agent": name, "sure": one.confidence, "said": f"{one.right.n:,}",
         **dict(zip(("right", "low", "high", "n"), one.right, strict=False))}
        for name, bins in panels for one in bins
    ]  # fmt: skip
    unit = {"domain": [0, 1], "nice": False}
    axis = {"format": ".0%", "values": [0, 0.5, 1], "gridColor": "#efefef"}
    sure = measured("sure", scale=unit, axis=axis | {"title": "how sure"})
    right = measured("right", scale=unit, axis=axis | {"title": "how often right"})
    start, end = {"datum": 0, "type": "quantitative"}, {"datum": 1}
    size = measured("n", scale={"range": [20, 260]}, legend=None)
    beside = {"type": "text", "align": "right", "dx": -9, "dy": -9, "fontSize": 10.5, "color": PALE}
    rule, point = {"type": "rule", "color": ACCENT, "strokeWidth": 1.5}, {"type": "point", "filled": True}
    layers = [
        layer(None, {"type": "rule", "strokeDash": [4, 3], "color": PALE}, x=start, x2=end, y=start, y2=end),
        layer(None, rule, x=sure, y=right | {"field": "low"}, y2={"field": "high"}),
        layer(None, point | {"color": ACCENT, "opacity": 1}, x=sure, y=right, size=size),
        layer(None, beside, x=sure, y=right, text={"field": "said"}),
    ]
    header = {"title": None, "labelFontSize": 12, "labelLimit": SIDE, "labelFontWeight": "normal", "labelPadding": 4}
    return {
        "description": shows, "config": CONFIG, "data": {"values": values}, "columns": 3, "spacing": 26,
        "facet": named("agent", sort=None, header=header),
        "spec": {"width": SIDE, "height": SIDE, "layer": layers},
    }  # fmt: skip
