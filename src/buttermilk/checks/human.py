"""What a person is to say of the answer. Until somebody has, it is open, and neither passed nor failed.

    human: "Is the tone right?"
    human: {asked: "Is the tone right?", said: "yes", of: [t1f0c9a3]}

`of` are the texts that were looked at, as the open verdict names them; what nobody has seen is open again. Without it
the word holds for whatever is answered.
"""

from buttermilk.checks.arguments import options_in, text_in, texts_in
from buttermilk.checks.each import EachAnswer
from buttermilk.core.cases import Finding, found, in_text, shown
from buttermilk.core.hashing import digest
from buttermilk.core.values import Json

_SAID = {"yes": True, "no": False, "true": True, "false": False}


class Human(EachAnswer):
    def _reads(self, argument: Json) -> str:
        like = 'human: {asked: "Is the tone right?", said: "yes"}'
        options = options_in(self._expected, argument, ("asked", "said", "of"), "asked", like)
        asked = text_in(self._expected, options["asked"], like)
        word = in_text(options.get("said")).strip().casefold()
        if word not in _SAID and "said" in options:
            raise self._expected.wrong(f"`said` is {word!r:.80}, and neither yes nor no.", f"Like this: {like}")
        self._said = _SAID.get(word)
        self._of = texts_in(self._expected, options["of"], like) if "of" in options else ()
        return f"gets a yes from a human to {shown(asked)}"

    def _look(self, value: Json) -> Finding:
        mark = f"t{digest(in_text(value))[:7]}"  # the letter keeps YAML from reading a number in it
        if self._said is None or (self._of and mark not in self._of):
            return Finding(None, 0.0, f"{shown(value)} ({mark}), of which nobody has said it yet")
        return found(self._said, f"{'yes' if self._said else 'no'}, of {shown(value)}")
