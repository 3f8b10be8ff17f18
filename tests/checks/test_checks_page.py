"""The manual's table of checks: all that is registered, each with an example that does what its line says."""

import pytest

from buttermilk.plugins import names
from checks_table import PAGE, ROWS, page
from judging import expected


def test_the_page_is_written_from_what_is_registered() -> None:
    assert PAGE.read_text("utf-8") == page(), "type: python tests/checks_table.py"
    assert sorted(row.name for row in ROWS) == names("checks")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_example_is_one_line_of_yaml_that_names_its_check(row: object) -> None:
    example = row.example  # type: ignore[attr-defined]
    assert "\n" not in example
    assert "|" not in example
    assert expected(example).check == row.name  # type: ignore[attr-defined]
    assert row.says  # type: ignore[attr-defined]
