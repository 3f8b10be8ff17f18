"""buttermilk itself, as a notebook would call it: a study of plain files, `await run(...)`, everything stored.

Structured output is asked for and validated; the plan, the checks before the first call, the retries, the limiter, the
progress and the full record of request and reply are what this adapter does beyond the bare loops.
"""

from peer import N, URL, Report

report = Report()
from study import OPENAI, ask, import_plugs

import_plugs("openai")
report.imported()
ask({"mock": f"{OPENAI}base_url: {URL}\n"}, N, report)
