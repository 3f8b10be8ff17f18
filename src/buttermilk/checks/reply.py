"""The reply as an event: `refusal: true`, `finish-reason: stop`, `latency: 10`, `cost: 0.01`, `tokens: 500`.

Of a call that failed nothing is known, so it passes none of them, nor the opposite.
"""

from typing import get_args

from buttermilk.checks.arguments import number_in, options_in, texts_in
from buttermilk.checks.each import EachReply
from buttermilk.core.cases import Finding, found, nothing, shown
from buttermilk.core.errors import did_you_mean
from buttermilk.core.jobs import Result
from buttermilk.core.messages import Finish
from buttermilk.core.values import Json


class Refusal(EachReply):
    """As the model or its provider says it. A refusal in prose is a reply that cannot be read."""

    def _reads(self, argument: Json) -> str:
        if argument not in (None, True):
            raise self._expected.wrong("it takes no argument.", "Write refusal: true, or not-refusal: true.")
        return "is a refusal"

    def _event(self, result: Result) -> Finding:
        refused = result.status == "refused"
        return found(refused, f"a refusal {shown(result.refusal or result.text)}" if refused else shown(result.text))


class FinishReason(EachReply):
    def _reads(self, argument: Json) -> str:
        self._reasons = texts_in(self._expected, argument, "finish-reason: stop")
        for reason in self._reasons:
            if reason not in get_args(Finish):
                message = f"no reply ends for the reason '{reason:.80}'."
                raise self._expected.wrong(message, did_you_mean(reason, get_args(Finish)))
        return f"ends by {' or '.join(self._reasons)}"

    def _event(self, result: Result) -> Finding:
        return found(result.finish in self._reasons, result.finish) if result.finish else nothing("no reason is given")


class Latency(EachReply):
    """Seconds from the question to the answer; of a kept answer, those that it took when it was asked."""

    def _reads(self, argument: Json) -> str:
        self._most = number_in(self._expected, argument, "latency: 10")
        return f"takes at most {self._most:g} s"

    def _event(self, result: Result) -> Finding:
        return found(result.seconds <= self._most, f"{result.seconds:.3g} s")


class Cost(EachReply):
    def _reads(self, argument: Json) -> str:
        self._most = number_in(self._expected, argument, "cost: 0.01")
        return f"costs at most {self._most:g}"

    def _event(self, result: Result) -> Finding:
        if result.cost is None:
            return nothing("no price is known: unknown is not free")
        return found(result.cost <= self._most, f"{result.cost:.4g} {result.currency}".rstrip())


class Tokens(EachReply):
    """`tokens: 500` of both together, or `tokens: {input: 2000, output: 300}`."""

    def _reads(self, argument: Json) -> str:
        like = "tokens: 500, or tokens: {input: 2000, output: 300}"
        kinds = ("input", "output")
        if isinstance(argument, dict):
            needed = next((kind for kind in kinds if kind in argument), "output")
            argument = options_in(self._expected, argument, kinds, needed, like)
        given = argument if isinstance(argument, dict) else {"all": argument}
        self._most = {kind: number_in(self._expected, most, like) for kind, most in given.items()}
        return f"has at most {', '.join(f'{most:g} {kind}' for kind, most in self._most.items())} tokens"

    def _event(self, result: Result) -> Finding:
        given, got = result.usage.input_tokens, result.usage.output_tokens
        if not given + got:
            return nothing("no tokens were counted")
        counts = {"input": given, "output": got, "all": given + got}
        return found(all(counts[kind] <= most for kind, most in self._most.items()), f"{given} input, {got} output")
