"""What the intervals and tests of a comparison promise holds in simulations with a planted truth (a part of
`bench/coverage_comparing.py`, whose tables stand in docs/reference/coverage.md)."""

from pathlib import Path
from runpy import run_path

import pytest

BENCH = run_path(str(Path(__file__).parents[2] / "bench" / "coverage_comparing.py"))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "repeats"), [("share", 1), ("share", 3), ("mean", 3)])
def test_an_interval_of_a_paired_difference_holds_the_truth_in_95_of_100_studies(kind, repeats):
    # 1,000 runs: .93 to .97 is within three standard errors (.0069) of .95
    assert 0.93 <= BENCH["held"](kind, 30, repeats, 1_000) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nominal", "ordinal"])
def test_without_drift_the_alarm_is_raised_in_4_to_6_of_100_studies(kind):
    # of 1,000 runs a share of .05 is known to ± .014 only: hence 3,000
    half, exact = BENCH["alarms"](kind, 30, 3, 0.0, 3_000)
    assert 0.04 <= half <= 0.06
    assert exact <= half  # the exact p keeps its level as well, and is more careful than it says


@pytest.mark.slow
def test_a_fifth_of_the_records_turned_is_seen_in_seven_of_ten_studies():
    assert BENCH["alarms"]("nominal", 100, 3, 0.2, 200)[0] >= 0.65  # 1,000 runs: .74
