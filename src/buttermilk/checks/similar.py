"""`{similar: {to: "The paper is on the minister's side."}, threshold: 0.8}`: the answer means about the same.

The score is the cosine of their embeddings, 0 where it is less. Cosines of two models are on two scales: look at what
yours gives to texts that are and are not alike before you set the threshold.
"""

import math
from operator import mul
from typing import ClassVar

from buttermilk.checks.arguments import options_in, text_in
from buttermilk.checks.each import EachAnswer
from buttermilk.core.cases import Finding, Said, in_text, nothing, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.errors import ProviderError
from buttermilk.core.values import Json


class Similar(EachAnswer):
    graded: ClassVar[bool] = True
    embeds = True

    def _reads(self, argument: Json) -> str:
        like = '{similar: {to: "The paper is on her side."}, threshold: 0.8}'
        options = options_in(self._expected, argument, ("to",), "to", like)
        self._to = text_in(self._expected, options["to"], like)
        self._needs_threshold(like)
        return f"is {self._expected.threshold:g} like {shown(self._to)} in meaning"

    async def _judged(self, value: Json, said: Said, judges: Judges) -> Finding:
        text = in_text(value)
        if not text.strip():
            return nothing("an answer without words")
        try:
            one, other = await judges.embed([self._to, text])
        except ProviderError as error:
            return nothing(f"no comparison: {error.message:.200}")
        lengths = math.hypot(*one) * math.hypot(*other)
        if len(one) != len(other) or not lengths:
            return nothing("no comparison: the embeddings have no angle between them")
        score = max(0.0, min(1.0, math.fsum(map(mul, one, other)) / lengths))
        return self._graded(score, f"{score:.2f} of {shown(value)}")
