"""What moves on the screen while a run goes on, drawn for narrow and wide terminals."""

import json
from io import StringIO

import pytest
from rich.console import Console

from buttermilk.engine.progress import LaneProgress, Progress
from buttermilk.verbs import live
from buttermilk.verbs.live import picture, short, summary, view_for
from buttermilk.verbs.screen import last_line, money, rows_left_out


def lane(endpoint: str, **more: object) -> LaneProgress:
    made = LaneProgress("judge", endpoint, planned=2_400, in_flight=64, limit=64)
    made.statuses.update({"answered": 1_000, "refused": 12})
    for name, value in more.items():
        setattr(made, name, value)
    return made


def going(*lanes: LaneProgress, budget: float | None = None) -> Progress:
    made = Progress("verse-2026-11-22", "jobs.db", 2_400, 200, lanes=list(lanes), budget=budget)
    for position in range(100):
        for _ in range(12):
            made.settled(position)
    return made


def drawn(progress: Progress, width: int) -> list[str]:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(picture(progress, 75.2))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_cut_or_wrapped(width: int) -> None:
    dear = lane("https://a-provider-with-a-long-name.example/openai/v1", cost=1.25, input_tokens=1_234_567, retries=17)
    lines = drawn(going(dear, lane("simulated"), budget=5.0), width)
    assert max(map(len, lines)) <= width
    (heads,) = [line for line in lines if line.startswith("step")]
    (row,) = [line for line in lines if "a-prov" in line]
    assert heads.split() == ["step", "endpoint", "done", "asking", "limit", "retries", "refused", "tokens", "money"]
    assert row.split()[2:] == ["1,012/2,400", "64", "64", "17", "12", "1.2M", "1.25", "USD"]
    assert lines[0].startswith("verse-2026-11-22   2,024 of 2,400 jobs")
    assert "budget 5.00 USD" in " ".join(lines)


def test_columns_of_nothing_are_left_out() -> None:
    quiet = lane("simulated")
    quiet.statuses.pop("refused")
    heads = drawn(going(quiet), 80)[1]
    assert heads.split() == ["step", "endpoint", "done", "asking", "limit"]


def test_large_numbers_are_short_in_the_picture() -> None:
    assert [short(count) for count in (0, 915, 9_999, 45_000, 1_234_567)] == ["0", "915", "9,999", "45k", "1.2M"]


def test_the_records_are_a_grid_that_fills() -> None:
    signs = "".join(line for line in drawn(going(lane("simulated")), 80) if set(line) <= set("·░▒▓█"))
    assert signs == "█" * 100 + "·" * 100


def test_money_that_is_not_known_is_marked() -> None:
    lines = drawn(going(lane("here", unpriced=3, cost=0.5)), 100)
    assert any("0.5000 USD?" in line for line in lines)
    assert "3 answers of unknown price" in lines[-2]


def test_a_paused_run_says_so() -> None:
    paused = going(lane("here"))
    paused.state = "paused"
    assert drawn(paused, 80)[0].endswith("[paused]")


def test_machines_get_a_line_of_json_and_pipes_get_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with view_for(as_json=True) as tell:
        tell(going(lane("here")))
    assert json.loads(capsys.readouterr().out)["answered"] == 1_000
    with view_for(as_json=False) as tell:
        tell(going(lane("here")))
        assert capsys.readouterr().out == ""
        monkeypatch.setattr(live, "PLAIN_EVERY_SECONDS", 0.0)
        tell(going(lane("here")))
    assert capsys.readouterr().out.startswith("verse-2026-11-22: answered 1,000 · refused 12")


def test_the_picture_is_drawn_while_it_goes_on_and_taken_away_after(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr(live, "out", Console(file=screen, force_terminal=True, width=80))
    with view_for(as_json=False) as tell:
        tell(going(lane("here")))
        so_far = screen.getvalue()
        assert "verse-2026-11-22" in so_far
    assert screen.getvalue().removeprefix(so_far).count("\x1b[2K") > 3  # its lines are erased


@pytest.mark.parametrize(
    ("state", "why", "said"),
    [
        ("finished", "", "r finished"),
        ("stopped", "stopped by Ctrl-C", "r stopped by Ctrl-C"),
        ("cancelled", "cancelled", "r cancelled"),
        ("stopped", "the budget of 1.00 USD is reached", "r stopped: the budget of 1.00 USD is reached"),
    ],
)
def test_the_end_is_said_once(state: str, why: str, said: str) -> None:
    first, last = summary({"run": "r", "state": state, "why": why, "answered": 1_234}).splitlines()
    assert first == said
    assert last == last_line({"answered": 1_234})
    assert last.startswith("answered 1,234 · refused 0")


def test_small_sums_of_money_are_not_rounded_away() -> None:
    assert [money(amount, "EUR") for amount in (0, 0.0042, 0.5, 12.5, 1234.5)] == [
        "0.00 EUR",
        "0.0042 EUR",
        "0.5000 EUR",
        "12.50 EUR",
        "1,234.50 EUR",
    ]
    assert (rows_left_out(1), rows_left_out(1_200)) == ("1 row is left out", "1,200 rows are left out")
