"""Regular expressions against texts that nobody has seen: in a process of their own, which ends after a second.

Some patterns take longer than the age of the universe: `(a+)+$` on fifty a's and an exclamation mark. Python cannot be
stopped in the middle of a search, so the searching process is: a clock in it ends it, whatever it does.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence

from buttermilk.core.cases import Expectation

SECONDS = 1.0
LONGEST = 1_000_000  # characters of a text that is searched
_SEARCH = """
import faulthandler, json, re, sys
asked = json.load(sys.stdin)
faulthandler.dump_traceback_later(asked["seconds"], exit=True)
found = [re.search(pattern, text) for pattern, text in asked["pairs"]]
print(json.dumps([match and match.start() for match in found]))
"""


async def searched(pairs: Sequence[tuple[str, str]]) -> list[int | None] | str:
    """Where each pattern is found in its text, None where it is not; or why nobody can tell."""
    if not pairs:
        return []
    if any(len(text) > LONGEST for _, text in pairs):
        return f"a text of more than {LONGEST:,} characters, which is not searched"
    said = await asyncio.to_thread(_search, json.dumps({"pairs": pairs, "seconds": SECONDS}))
    return json.loads(said) if said else f"the search was not done after {SECONDS:g} second: simplify the pattern"


def _search(asked: str) -> str:
    command = [sys.executable, "-I", "-c", _SEARCH]
    return subprocess.run(command, input=asked, capture_output=True, text=True, check=False).stdout  # noqa: S603


def checked(expected: Expectation, pattern: str) -> str:
    """The pattern, if it is one."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise expected.wrong(f"'{pattern:.80}' is no regular expression: {error}.", _ESCAPE) from error
    return pattern


_ESCAPE = "Before . * + ? ( ) [ ] { } ^ $ | a backslash makes the sign itself: '\\('."
