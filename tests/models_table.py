"""The table of what can be asked of whom, and by which door, as the plugs themselves declare it.

`python tests/models_table.py` writes docs/reference/models.md; a test fails where the page is older than the code, and
another goes through each cell.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

from buttermilk.core.contracts import Secret
from buttermilk.core.flows import Agent, Capabilities, Strategy
from buttermilk.plugins import find

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "models.md"
MEDIA = ("text", "image", "audio", "video", "pdf")
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
COLUMNS = (*MEDIA, *STRATEGIES, "batch", "logprobs")
LOGPROBS: dict[str, dict[str, Any]] = {  # the parameters that ask for them
    "openai": {"logprobs": True},
    "openai_responses": {"include": ["message.output_text.logprobs"]},
    "gemini": {"responseLogprobs": True},
}
CLOUDS = {"azure": "Azure", "foundry": "Microsoft Foundry", "vertex": "Vertex AI", "bedrock": "Bedrock"}
TEST = "test_models_table.py::test_a_cell_is_true"


class Family(NamedTuple):
    """Models that are reached by one dialect. `direct` is where they are when no door is named; `lacks`, what its API
    has a place for and these models do not take; `doors`, where not every door of the dialect has them."""

    name: str
    type: str
    direct: str
    model: str
    lacks: tuple[str, ...] = ()
    doors: tuple[str, ...] | None = None


FAMILIES = (
    Family("GPT", "openai", "OpenAI", "gpt-5-mini", ("video",), ("", "azure")),
    Family("GPT", "openai_responses", "OpenAI", "gpt-5.4-mini"),
    Family("Claude", "anthropic", "Anthropic", "claude-sonnet-5-5"),
    Family("Gemini", "gemini", "Gemini API", "gemini-3.8-flash"),
    Family("Llama", "openai", "a server's address", "llama-4", ("audio", "video", "pdf")),
    Family("any other", "openai", "a server's address", "qwen3", (), ("",)),
    Family("any other", "pydantic_ai", "pydantic-ai", "openai-chat:gpt-5-mini"),
)
ORACLES = {
    ("GPT", "openai", ""): "test_openai_oracle.py::test_the_official_library_sends_the_same_body",
    (
        "GPT",
        "openai",
        "azure",
    ): "test_openai_oracle.py::test_at_azure_the_body_is_the_same_and_the_key_has_its_own_header",
    ("GPT", "openai_responses", ""): "test_openai_oracle.py::test_the_official_library_sends_the_same_body",
    (
        "GPT",
        "openai_responses",
        "azure",
    ): "test_openai_oracle.py::test_at_azure_the_body_is_the_same_and_the_key_has_its_own_header",
    ("Claude", "anthropic"): "test_anthropic_oracle.py::test_the_library_sends_what_we_send",
    ("Gemini", "gemini"): "test_gemini_oracle.py::test_googles_own_client_sends_what_we_send_and_reads_what_we_read",
    ("Llama", "openai", ""): "test_real_server.py::test_an_answer_to_a_native_schema_fits_the_codebook_to_the_letter",
    ("any other", "openai"): "test_real_server.py::test_a_study_is_asked_of_it_by_its_address_alone",
    (
        "any other",
        "pydantic_ai",
    ): "test_pydantic_ai.py::test_turns_media_parameters_and_seed_arrive_and_what_was_handed_over_is_kept",
}


class Row(NamedTuple):
    family: Family
    door: str

    @property
    def where(self) -> str:
        return CLOUDS[self.door] if self.door else self.family.direct

    @property
    def proof(self) -> str:
        """The test that holds this row against somebody else's code."""
        family = self.family
        return ORACLES.get((family.name, family.type, self.door)) or ORACLES.get((family.name, family.type), "")

    def agent(self, url: str, strategy: Strategy = "native", media: str = "text", logprobs: bool = False) -> Agent:
        parameters = {"max_tokens": 500} if self.family.type == "anthropic" else {}
        return Agent(
            name="one",
            type=self.family.type,
            model=self.family.model,
            base_url=url,
            door=self.door,
            key="secret://env/KEY",
            parameters=parameters | (LOGPROBS[self.family.type] if logprobs else {}),
            capabilities=Capabilities.model_validate({"inputs": {"text": 0, media: 0}.keys(), "answers": strategy}),
        )

    def has(self, column: str) -> bool:
        plug = find("models", self.family.type)
        if column == "logprobs":
            return self.family.type in LOGPROBS
        if column == "batch":
            opened = plug(self.agent("http://127.0.0.1:1/v1"), lambda key: Secret("key"), lambda key: b"")
            return bool(getattr(opened, "batch_size", 0))
        return column in STRATEGIES or (column in plug.takes and column not in self.family.lacks)

    def cell(self, column: str) -> str:
        return "-".join(filter(None, (self.family.name, self.family.type, self.door, column)))


def rows() -> Iterator[Row]:
    for family in FAMILIES:
        doors = find("models", family.type).keys if family.doors is None else family.doors
        yield from (Row(family, door) for door in doors)


def cells() -> list[tuple[Row, str]]:
    return [(row, column) for row in rows() for column in COLUMNS if row.has(column)]


def page() -> str:
    head = ["model", "by", "`type`", "`door`", *COLUMNS, "also held against"]
    lines = [head, ["---"] * 4 + [":-:"] * len(COLUMNS) + ["---"]]
    for row in rows():
        marks = ["✓" if row.has(column) else "" for column in COLUMNS]
        proof = f"`{row.proof.partition('::')[2]}`" if row.proof else ""
        lines.append([row.family.name, row.where, row.family.type, row.door, *marks, proof])
    return INTRODUCTION + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" + NOTES


INTRODUCTION = """# Which models, by which door

This page is written from what the plugs declare, by `python tests/models_table.py`. `type`, `door` and `capabilities`
are lines of an agent's file, `conf/agent/NAME.yaml`. A ✓ says that the API has a place for a medium; whether the very
model takes it is for its `capabilities.inputs` to say.

"""
LOGPROBS_TOLD = [json.dumps(one).replace('"', "").strip("{}") for one in LOGPROBS.values()]
NOTES = f"""
Each ✓ is a test that asks by that door: `{TEST}[MODEL-TYPE-DOOR-COLUMN]`, for example
`[Claude-anthropic-vertex-pdf]`. The last column names the test that holds the row against the vendor's own client
library, or against a server that nobody here wrote.

native, tool, prompted: how the form of the answer is asked for (`capabilities.answers`): by the API's own schema, by a
call that is forced, or in words alone. Batches cost about half and take up to a day (`run.mode=batch`); at another
address than OpenAI's, they work where that server has them. logprobs: how probable the model held each answer, in the
column `logprob` of an export; asked for by the agent's `parameters`, {", ".join(f"`{one}`" for one in LOGPROBS_TOLD)},
and told by some models only. A server's address is that of vLLM, Ollama, llama.cpp,
Together, Groq, OpenRouter or any other that speaks OpenAI's chat completions. `buttermilk doctor --live` says what your
own models do.
"""


def main() -> Any:
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
