"""The same number of jobs as `buttermilk_run`, a quarter of the records put to each of four vendors' dialects at once.

What four dialects and four lanes cost beyond one is the ratio of the two in one session; it may be 1.3 at most.
"""

from peer import MODEL, N, URL, Report

report = Report()
from study import OPENAI, ask, import_plugs

import_plugs("openai", "openai_responses", "anthropic", "gemini")
report.imported()
ROOT = URL.removesuffix("/v1")
ask(
    {
        "gpt": f"{OPENAI}base_url: {URL}\n",
        "gpt_responses": f"type: openai_responses\nmodel: {MODEL}\nbase_url: {URL}\nparameters: {{temperature: 0}}\n",
        "claude": f"type: anthropic\nmodel: {MODEL}\nbase_url: {ROOT}\nparameters: {{max_tokens: 300}}\n",
        "gemini": f"type: gemini\nmodel: {MODEL}\nbase_url: {ROOT}/v1beta\nparameters: {{temperature: 0}}\n",
    },
    N // 4,
    report,
)
