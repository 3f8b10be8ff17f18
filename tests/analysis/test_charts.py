"""What a chart is drawn from, and what its numbers and words look like."""

import csv
import io
import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.analysis import charts, words
from buttermilk.analysis.charts import Bar, Box, Guide, Mark
from buttermilk.analysis.page import Figure, Section, as_csv, grid
from buttermilk.analysis.statistics.estimate import Estimate


def values(spec, layer=0):
    return spec["layer"][layer]["data"]["values"]


def test_a_stacked_bar_adds_up_to_the_whole():
    spec = charts.stacked([Bar("gpt", {"yes": 3, "no": 1})], ["no", "yes"], ordered=False, shows="bars")
    pieces = values(spec)
    assert [(piece["label"], piece["start"], piece["end"]) for piece in pieces] == [("no", 0, 0.25), ("yes", 0.25, 1)]
    assert values(spec, 2) == [{"row": "gpt", "n": "n = 4"}]
    assert spec["description"] == "bars"


@given(st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 10**6), min_size=1))
def test_any_counts_make_pieces_without_gap_or_overlap(counts):
    if not sum(counts.values()):
        return
    pieces = values(charts.stacked([Bar("x", counts)], sorted(counts), ordered=True, shows=""))
    ends = [0.0] + [piece["end"] for piece in pieces]
    assert [piece["start"] for piece in pieces] == ends[:-1]
    assert ends[-1] == pytest.approx(1)


def test_a_small_piece_bears_no_words():
    spec = charts.stacked([Bar("x", {"a": 98, "b": 2})], ["a", "b"], ordered=False, shows="")
    assert [piece["label"] for piece in values(spec, 1)] == ["a"]


def test_rows_of_one_name_stay_two_rows():
    spec = charts.stacked([Bar("x", {"a": 1}), Bar("", {}), Bar("x", {"a": 2})], ["a"], ordered=False, shows="")
    domain = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert len(set(domain)) == 3
    assert [name.replace("\u200b", "") for name in domain] == ["x", "", "x"]


def test_words_on_a_colour_can_be_read():
    assert charts.ink_on("#ffffff") == "#000000"
    assert charts.ink_on("#132a45") == "#ffffff"


def test_labels_in_order_go_from_light_to_dark_and_what_does_not_apply_is_grey():
    chosen = charts.colours(["low", "middle", "high", words.DOES_NOT_APPLY], ordered=True)
    assert list(chosen.values()) == [charts.STEPS[0], charts.STEPS[3], charts.STEPS[6], charts.ABSENT]


def test_what_is_undefined_has_a_row_and_no_point():
    marks = [Mark("Heading"), Mark("a", Estimate(0.5, -0.2, 0.9, n=9)), Mark("b", Estimate(None, note="undefined"))]
    spec = charts.intervals(marks, [Guide(0.8, "0.800")], "alpha", as_share=False, shows="")
    assert [point["row"] for point in values(spec, 2)] == ["a"]
    assert spec["layer"][2]["encoding"]["y"]["scale"]["domain"] == ["Heading", "a", "b"]
    assert values(spec, 4) == [{"row": "a", "text": "0.50  (n = 9)"}]
    assert spec["layer"][2]["encoding"]["x"]["scale"]["domain"][0] < -0.2


def test_boxes_hold_five_numbers():
    spec = charts.boxes([Box("a", (0, 1, 2, 3, 9), 12)], "score", "")
    assert values(spec)[0]["median"] == 2
    assert values(spec, 3) == [{"row": "a", "n": "n = 12"}]


def test_a_matrix_writes_each_share_on_a_colour_it_can_be_read_on():
    spec = charts.matrix(["a", "b"], [("a", "b", 1.0), ("b", "a", 0.0)], "")
    dark, light = spec["data"]["values"]
    assert (dark["fill"], dark["ink"], dark["text"]) == (charts.STEPS[4], "#ffffff", "100%")
    assert (light["fill"], light["ink"]) == ("#ffffff", "#000000")


def test_data_as_csv_reads_back_and_runs_no_formula():
    data = grid("c", ("who", "alpha#"), [("=HYPERLINK(1)", "-0.25"), ('a "quoted", name', "1e3")])
    link = Figure("f", "c", "s", {}, data).csv_link
    head, body = link.split(",", 1)
    assert head == "data:text/csv;charset=utf-8"
    assert unquote(body) == as_csv(data)
    rows = list(csv.reader(io.StringIO(unquote(body))))
    assert rows == [["who", "alpha"], ["'=HYPERLINK(1)", "-0.25"], ['a "quoted", name', "1e3"]]


def test_a_section_can_be_linked_to():
    assert Section("Cost and tokens", ()).anchor == "cost-and-tokens"


def test_a_specification_is_json():
    spec = charts.intervals(
        [Mark("a", Estimate(0.5, None, None, n=1, note="one record"))], [], "x", as_share=True, shows=""
    )
    assert json.loads(json.dumps(spec))["height"] == charts.ROW


def test_numbers_read_as_in_a_paper():
    assert words.corrected(Estimate(-0.126, -0.5, 0.25, n=4)) == "−0.13 [−0.50, 0.25]"
    assert words.corrected(Estimate(None, note="undefined: no variation")) == "undefined: no variation"
    assert words.corrected(Estimate(0.5, n=1, note="one record: no interval")) == "0.50 (one record: no interval)"
    assert words.share(Estimate(0.81, 0.7496, 0.8583, n=200)) == "81.0% [75.0, 85.8]"
    assert (words.plural(1, "record"), words.plural(2400, "record")) == ("1 record", "2,400 records")
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.listing([]) == ""
    assert (words.label(None), words.label(2.5), words.label("no")) == ("does not apply", "2.5", "no")


def test_an_unknown_price_is_never_nought():
    assert words.money({}) == "unknown"
    assert words.money({"USD": 0.0}) == "0.00 USD"
    assert words.money({"USD": 1234.5, "EUR": 0.0042}) == "0.0042 EUR + 1,234.50 USD"


def test_times_are_written_out():
    assert words.day("2026-11-22T09:05:00+00:00") == "22 November 2026, 09:05 UTC"
    assert words.day("") == "unknown"
    first, later, next_day = (f"2026-11-{day}T{hour}:05:00+00:00" for day, hour in ((22, "09"), (22, "10"), (23, "09")))
    assert words.span(first, first) == "22 November 2026, 09:05 UTC"
    assert words.span(first, later) == "22 November 2026, 09:05 to 10:05 UTC"
    assert words.span(first, next_day) == "22 November 2026, 09:05 UTC to 23 November 2026, 09:05 UTC"


def test_an_excerpt_is_one_line_cut_at_a_word():
    assert words.excerpt("one\n\n two\tthree") == "one two three"
    assert words.excerpt("alpha beta gamma", 12) == "alpha beta …"
    assert words.excerpt("nul\x00 and \ud800 lone") == "nul\ufffd and \ufffd lone"
