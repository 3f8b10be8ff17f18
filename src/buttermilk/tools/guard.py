"""Guard models behind any chat endpoint that speaks OpenAI's dialect: they say whether a text breaks a policy.

`verdict: safe_unsafe` (Llama Guard 3 and 4: https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-3/):

    "unsafe\\nS1,S10" -> raw {"unsafe": 1, "S1": 1, "S2": 0, …, "categories": ["S1", "S10"], "text": "unsafe\\nS1,S10"}

`verdict: yes_no` (ShieldGemma, https://ai.google.dev/gemma/docs/shieldgemma/model_card; Granite Guardian): "Yes" is
unsafe. With `body: {logprobs: true, top_logprobs: 20}`, `probability` is P(Yes) / (P(Yes) + P(No)), as its card has it,
and a threshold on it can be moved afterwards. The policy stands in the messages, which `body: {messages: [...]}` words.

Anything else that is said is no verdict, and a failure: a guard that explains itself has been asked in the wrong way.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from buttermilk.core.errors import Permanent, Unavailable
from buttermilk.core.values import Json
from buttermilk.tools.http import HttpTool, Service, at, steps_of

VERDICTS = ("safe_unsafe", "yes_no")
HAZARDS = tuple(f"S{number}" for number in range(1, 15))  # the fourteen of Llama Guard 3 and 4
_SAFE_UNSAFE = re.compile(r"\s*(?:(safe)|(unsafe)(?:\s*\n\s*([A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*))?)\s*")
_YES_NO = re.compile(r"[\s*]*(yes|no)\b", re.IGNORECASE)
_CHOICE, _SAID, _FIRST = map(steps_of, ("choices[0]", "message.content", "logprobs.content[0].top_logprobs"))


class Guard(HttpTool):
    """One guard model. `categories` are its codes, where they are not Llama Guard's."""

    takes = ("query", "body", "verdict", "categories")
    service = Service(
        path="/chat/completions",
        body={"model": "{{ agent.model }}", "messages": [{"role": "user", "content": "{{ record.text }}"}]},
        version="model",
    )

    def names(self) -> Iterable[str]:
        self._verdict = self._agent.parameters.get("verdict", VERDICTS[0])
        if self._verdict not in VERDICTS:
            raise self._wrong(f"'{self._verdict}' is no form of a verdict.", f"There are: {', '.join(VERDICTS)}")
        if self._verdict == "yes_no":
            return ("unsafe", "probability")
        codes = self._agent.parameters.get("categories", list(HAZARDS))
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise self._wrong("`parameters.categories` is no list of codes.", "Like this: categories: [S1, S2]")
        self._codes = tuple(map(str, codes))
        return ("unsafe", *self._codes)

    def scores(self, reply: Any) -> dict[str, Json]:
        choice = at(reply, _CHOICE)
        text = at(choice, _SAID)
        if not isinstance(text, str) or not text.strip():
            raise Unavailable("the reply holds no text", kind="malformed")
        return {**(self._of_yes_no if self._verdict == "yes_no" else self._of_safe_unsafe)(text, choice), "text": text}

    def _of_safe_unsafe(self, text: str, choice: Any) -> dict[str, Json]:
        said = _SAFE_UNSAFE.fullmatch(text)
        if said is None or choice.get("finish_reason") == "length":  # S1 may have been S10
            raise _no_verdict(text, "safe, or unsafe and its categories")
        found = [code.strip() for code in said[3].split(",")] if said[3] else []
        flags: dict[str, Json] = {code: int(code in found) for code in dict.fromkeys([*self._codes, *found])}
        return {"unsafe": int(said[1] is None), **flags, "categories": list[Json](found)}

    def _of_yes_no(self, text: str, choice: Any) -> dict[str, Json]:
        said = _YES_NO.match(text)
        if said is None:
            raise _no_verdict(text, "Yes or No")
        scores: dict[str, Json] = {"unsafe": int(said[1].lower() == "yes")}
        share = {"yes": 0.0, "no": 0.0}
        try:
            for one in at(choice, _FIRST) or ():
                word = str(one["token"]).strip().lower()
                share |= {word: share[word] + math.exp(one["logprob"])} if word in share else {}
        except (LookupError, TypeError, OverflowError) as error:
            raise Unavailable("the reply's `logprobs` are none", kind="malformed") from error
        if total := sum(share.values()):
            scores["probability"] = share["yes"] / total
        return scores


def _no_verdict(text: str, wanted: str) -> Permanent:
    return Permanent(f"the guard did not say {wanted}, but: {text.strip()[:200]}", kind="unparsed")
