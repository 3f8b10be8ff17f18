"""Vega-Lite specifications of what changed: answers from wave to wave, agreement and accuracy from arm to arm."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from buttermilk.analysis.charts import ACCENT, CONFIG, DISTINCT, GUIDE, INK, PALE, Spec, layer, measured, named

BESIDE = 3  # small charts in a row
PANEL = ("majority", "single answers")  # what is drawn large, and named; each agent is a small point


class Moment(NamedTuple):
    """One agent in one wave: how far its answers are from the first wave's, and how far they would be by noise alone
    (with its 95 % interval)."""

    agent: str
    wave: str
    apart: float
    low: float
    high: float


class Spot(NamedTuple):
    """Who, in which arm, with which agreement and which accuracy."""

    who: str
    arm: str
    agreement: float
    accuracy: float


def _axis(title: str, **more: Any) -> Spec:
    return {"title": title, "gridColor": "#efefef", "labelColor": PALE, "titleColor": INK, "tickCount": 6, **more}


def waves(moments: Sequence[Moment], order: Sequence[str], title: str, shows: str) -> Spec:
    """A small chart for each agent: a line, and the band of noise that it leaves where answers have drifted."""
    across = {
        "field": "wave", "type": "ordinal", "sort": list(order), "scale": {"padding": 0.3},
        "axis": {"title": "wave", "labelAngle": 0, "labelColor": INK, "ticks": False, "domainColor": GUIDE},
    }  # fmt: skip
    top = max([moment.high for moment in moments] + [moment.apart for moment in moments]) * 1.1 or 1.0
    scale = {"domain": [min(0.0, *(moment.low for moment in moments)), top], "nice": False}
    upward = measured("apart", axis=_axis(title))
    point = {"type": "point", "filled": True, "size": 60, "color": "#132a45", "opacity": 1}
    layers = [
        layer(None, {"type": "area", "color": "#a9c4dc", "opacity": 0.6}, y=measured("low"), y2={"field": "high"}),
        layer(None, {"type": "line", "color": "#132a45", "strokeWidth": 2}, y=upward),
        layer(None, point, y=upward | {"scale": scale}, tooltip=list(map(named, Moment._fields))),
    ]
    header = {"title": None, "labelFontSize": 12, "labelColor": INK, "labelFontWeight": "bold", "labelLimit": 200}
    return {
        "description": shows, "config": CONFIG, "data": {"values": [moment._asdict() for moment in moments]},
        "facet": named("agent", sort=None, header=header), "columns": BESIDE,
        "spec": {"width": 170, "height": 150, "encoding": {"x": across}, "layer": layers},
    }  # fmt: skip


def arms(spots: Sequence[Spot], order: Sequence[str], shows: str) -> Spec:
    """Agreement across, accuracy upward, a line from one arm to the other."""
    values = [spot._asdict() for spot in spots]
    ends = [value for value in values if value["arm"] == order[0] and value["who"] in PANEL]
    arm = named("arm", legend={"orient": "top", "title": None})
    colour = arm | {"scale": {"domain": list(order), "range": [ACCENT, DISTINCT[1]]}}
    shape = arm | {"scale": {"domain": list(order), "range": ["circle", "square"]}}
    panel = {"condition": {"test": {"field": "who", "oneOf": list(PANEL)}, "value": 110}, "value": 30}
    whole = [spot.agreement for spot in spots], [spot.accuracy for spot in spots]
    room = [(max(side) - min(side) or 0.1) * 0.12 for side in whole]
    x, y = ({"domain": [min(side) - by, max(side) + by], "nice": True} for side, by in zip(whole, room, strict=True))
    point, tip = {"type": "point", "filled": True, "opacity": 1}, list(map(named, Spot._fields))
    line = {"detail": {"field": "who"}, "order": named("arm", sort="ascending")}
    layers = [
        layer(None, {"type": "line", "color": PALE, "strokeWidth": 1}, **line),
        layer(None, point, color=colour, shape=shape, size=panel, tooltip=tip),
        layer(ends, {"type": "text", "dy": -11, "fontSize": 11, "color": INK}, text={"field": "who"}),
    ]
    shared = {
        "x": measured("agreement", axis=_axis("agreement (Krippendorff's alpha)"), scale=x),
        "y": measured("accuracy", axis=_axis("accuracy on the human labels", format=".0%"), scale=y),
    }
    frame = {"width": 560, "height": 340, "description": shows, "data": {"values": values}, "config": CONFIG}
    return frame | {"encoding": shared, "layer": layers}
