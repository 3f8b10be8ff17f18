"""The report as a scholar sees it: opened from a disk, in Chromium, with and without scripts."""

from itertools import pairwise
from pathlib import Path

import pytest
from analysis_study import verse_study

from buttermilk.analysis.report import report

FIGURES = 10
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


@pytest.mark.slow
def test_it_is_read_by_its_headings_and_walked_through_by_keyboard(opened):
    page, _, _ = opened
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    named = page.evaluate("[...document.querySelectorAll('nav a')].map(e => document.querySelector(e.hash)?.innerText)")
    assert len(named) == page.locator("main section").count()
    assert all(named)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('nav') !== null")
    page.keyboard.press("Enter")
    assert page.url.endswith("#the-method-in-words")


@pytest.mark.slow
def test_all_words_have_the_contrast_that_print_has(opened):
    """At least 4.5 to 1 (WCAG 2, AA) between the colour of a word and what lies behind it."""
    page, _, _ = opened
    script = """() => {
      const parts = text => text.match(/[\\d.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
      const behind = e => { for (; e; e = e.parentElement) {
        const found = parts(getComputedStyle(e).backgroundColor);
        if (found.length < 4 || found[3] > 0) return found; } return [255, 255, 255]; };
      return [...document.querySelectorAll('h1, h1 span, h2, h3, p, th, td, a, summary, figcaption, caption, pre')]
        .filter(e => e.innerText.trim()).map(e => {
          const [one, two] = [light(parts(getComputedStyle(e).color)), light(behind(e))].sort((a, b) => b - a);
          return [(one + 0.05) / (two + 0.05), e.tagName, e.className]; })
        .filter(found => found[0] < 4.5);
    }"""
    assert page.evaluate(script) == []
