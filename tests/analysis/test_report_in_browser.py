"""The report as a scholar sees it: opened from a disk, in Chromium, with and without scripts."""

from pathlib import Path

import pytest
from analysis_study import verse_study

from buttermilk.analysis.report import report

FIGURES = 5
DRAWN = f"document.querySelectorAll('figure.drawn').length === {FIGURES}"


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Path:
    store, run = verse_study(30)
    return report(store, run.run_id, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def opened(page, target):
    """The page, all that it asked for, and all that it complained of."""
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(target.as_uri())
    page.wait_for_function(DRAWN)
    return page, asked, complaints


@pytest.mark.slow
def test_every_chart_is_drawn_named_and_asks_nothing_of_the_network(opened, target):
    page, asked, complaints = opened
    assert asked == [target.as_uri()]
    assert complaints == []
    marks = "svg path[aria-roledescription], svg .mark-rect path, svg .mark-symbol path"
    script = (
        "names => [...document.querySelectorAll('figure svg')].map(svg => "
        "[svg.getAttribute('role'), svg.getAttribute('aria-label').length, "
        "svg.closest('figure').querySelectorAll(names).length, svg.getBoundingClientRect().width])"
    )
    for role, words, count, width in page.evaluate(script, marks):
        assert (role, words > 40, count >= 4, 300 < width <= 800) == ("img", True, True, True)


@pytest.mark.slow
def test_no_words_of_a_chart_or_a_table_are_cut_off(opened):
    page, _, _ = opened
    page.set_viewport_size({"width": 1200, "height": 900})
    wider = "[...document.querySelectorAll('.table, .grids')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert page.evaluate(wider) == 0
    outside = """[...document.querySelectorAll('figure svg')].flatMap(svg => {
      const box = svg.getBoundingClientRect();
      return [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect())
        .filter(at => at.width && (at.left < box.left - 1 || at.right > box.right + 1
          || at.top < box.top - 1 || at.bottom > box.bottom + 1)); }).length"""
    assert page.evaluate(outside) == 0


@pytest.mark.slow
def test_the_data_of_a_chart_can_be_taken_away_as_csv(opened, tmp_path):
    page, _, _ = opened
    with page.expect_download() as waiting:
        page.locator("#match-sentiment .download a").click()
    assert waiting.value.suggested_filename == "match-sentiment.csv"
    waiting.value.save_as(tmp_path / "match.csv")
    lines = (tmp_path / "match.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "step,agent and perspective,match,low,high,records,left out"
    assert lines[1].startswith("judge,vader,0.")


@pytest.mark.slow
def test_without_scripts_the_tables_say_the_same(page, target):
    context = page.context.browser.new_context(java_script_enabled=False)
    bare = context.new_page()
    bare.goto(target.as_uri())
    assert bare.locator("figure details[open] table").count() == FIGURES
    assert bare.locator("#match-sentiment table").inner_text().startswith("step")
    assert bare.locator("svg").count() == 0


@pytest.mark.slow
def test_it_prints_on_a4_and_the_charts_are_on_the_paper(opened):
    page, _, _ = opened
    page.emulate_media(media="print")
    assert page.locator(".download").first.is_hidden()
    assert page.locator("figure.drawn details").first.is_hidden()
    assert page.locator("figure svg").first.is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
