"""Errors say what is wrong, where, and what to do; the tree is sorted by who must act."""

import inspect

import pytest

from buttermilk.core import errors
from buttermilk.core.contracts import Secret
from buttermilk.core.errors import (
    ButtermilkError,
    ConfigError,
    DataError,
    MissingExtra,
    Permanent,
    ProviderError,
    RateLimited,
    TimedOut,
    Transient,
    Unavailable,
    did_you_mean,
)


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = DataError("record id 'v1' is there twice.", where="verse.csv row 7", hint="Mend the rows.")
    assert str(error) == "verse.csv row 7: record id 'v1' is there twice.\n  Mend the rows."
    assert str(DataError("empty.")) == "empty."
    assert (error.message, error.where, error.hint) == (
        "record id 'v1' is there twice.",
        "verse.csv row 7",
        "Mend the rows.",
    )


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    tree = errors.__doc__ or ""
    classes = [item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, ButtermilkError)]
    assert all(item.__name__ in tree for item in classes)
    depth = {
        line.lstrip("│├└─ ").split()[0]: len(line) - len(line.lstrip("│├└─ ")) for line in tree.splitlines() if line
    }
    for item in classes:
        parent = item.__mro__[1]
        if item is not ButtermilkError:
            assert depth[item.__name__] == depth[parent.__name__] + 4, item


def test_a_missing_extra_is_one_line_with_the_command_that_mends_it() -> None:
    error = MissingExtra("source 'xlsx'", "xlsx")
    assert str(error) == "source 'xlsx' needs an optional library.\n  Type: pip install 'buttermilk[xlsx]'"
    assert isinstance(error, ConfigError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RateLimited("slow", retry_after_seconds=2.0), "rate_limited"),
        (TimedOut("late"), "timed_out"),
        (Unavailable("broken", kind="http_503", http_status=503), "http_503"),
        (Permanent("no such model", raw="{}"), "permanent"),
    ],
)
def test_what_a_provider_did_is_one_word_for_tables(error: ProviderError, kind: str) -> None:
    assert error.kind == kind
    assert isinstance(error, Transient) != isinstance(error, Permanent)
    assert getattr(error, "retry_after_seconds", None) == (2.0 if kind == "rate_limited" else None)


def test_a_mistyped_name_is_answered_with_the_nearest_and_with_all() -> None:
    assert did_you_mean("jugde", ["synthesis", "judge"]) == "Did you mean 'judge'? There are: judge, synthesis."
    assert did_you_mean("zebra", ["judge"]) == "There are: judge."
    assert did_you_mean("judge", []) == "There are none yet."


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2", "secret://env/KEY")
    shown = f"{secret} {secret!r} {[secret]} {vars(type(secret)).keys()}"
    assert "hunter2" not in shown
    assert "secret://env/KEY" in shown
    assert repr(Secret("hunter2")) == "Secret(hidden)"
    assert secret.reveal() == "hunter2"
    with pytest.raises(TypeError, match="not pickled"):
        secret.__reduce__()
