"""Moderation services, each a row: where it is, what it is sent, and where its scores stand in the reply.

What every row can be given in an agent's file: `base_url` (another address), `query`, more `body`, and `answers`, which
says how scores answer the codebook (`scales.py`). The scores keep their service's own names and scale.
"""

import logging
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.values import Json
from buttermilk.tools.http import HttpTool, Service

logger = logging.getLogger("buttermilk")


def each(path: str, *names: str) -> dict[str, str]:
    """`each("labels.*.score", "hate")` -> `{"hate": "labels.hate.score"}`"""
    return {name: path.replace("*", name) for name in names}


class Row(HttpTool):
    """A classifier of one version says the same of the same text: asked once."""

    deterministic: ClassVar[bool] = True
    takes: ClassVar[tuple[str, ...]] = ("query", "body")


class OpenAIModeration(Row):
    """Scores from 0 to 1; `flagged` is 1 where OpenAI's own thresholds are passed."""

    service = Service(
        docs="https://platform.openai.com/docs/api-reference/moderations",
        base_url="https://api.openai.com/v1",
        path="/moderations",
        body={"model": "{{ agent.model }}", "input": "{{ record.text }}"},
        scores={"flagged": "results[0].flagged"}
        | each(
            "results[0].category_scores.*",
            *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent"),
            *("self-harm", "self-harm/instructions", "self-harm/intent"),
            *("sexual", "sexual/minors", "violence", "violence/graphic"),
        ),
        version="model",
    )


class AzureContentSafety(Row):
    """Severities from 0 to 7. `base_url` is your resource: https://NAME.cognitiveservices.azure.com"""

    service = Service(
        docs="https://learn.microsoft.com/rest/api/contentsafety/text-operations/analyze-text",
        path="/contentsafety/text:analyze",
        header=("Ocp-Apim-Subscription-Key", ""),
        doors=("azure",),
        query={"api-version": "2024-09-01"},
        body={"text": "{{ record.text }}", "outputType": "EightSeverityLevels"},
        scores=each("categoriesAnalysis[category=*].severity", "Hate", "SelfHarm", "Sexual", "Violence"),
    )


class GoogleModerate(Row):
    """Confidences from 0 to 1; the severities that some categories have as well are in the `reply`."""

    service = Service(
        docs="https://cloud.google.com/natural-language/docs/reference/rest/v2/documents/moderateText",
        base_url="https://language.googleapis.com",
        path="/v2/documents:moderateText",
        header=("X-Goog-Api-Key", ""),
        doors=("google",),
        body={"document": {"type": "PLAIN_TEXT", "content": "{{ record.text }}"}, "modelVersion": "MODEL_VERSION_2"},
        scores=each(
            "moderationCategories[name=*].confidence",
            *("Toxic", "Insult", "Profanity", "Derogatory", "Sexual", "Violent", "Death, Harm & Tragedy"),
            *("Firearms & Weapons", "Public Safety", "Health", "Religion & Belief", "Illicit Drugs"),
            *("War & Conflict", "Politics", "Finance", "Legal"),
        ),
    )


class PerspectiveApi(Row):
    """Probabilities from 0 to 1. Google switches it off at the end of 2026: https://perspectiveapi.com

    Which attributes a language has differs; `body: {languages: [de], requestedAttributes: {TOXICITY: {}}}` chooses.
    """

    last_day: ClassVar[date] = date(2026, 12, 31)
    service = Service(
        docs="https://developers.perspectiveapi.com/s/about-the-api-methods",
        base_url="https://commentanalyzer.googleapis.com",
        path="/v1alpha1/comments:analyze",
        header=("X-Goog-Api-Key", ""),
        body={
            "comment": {"text": "{{ record.text }}"},
            "requestedAttributes": {
                name: {} for name in ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT")
            },
            "doNotStore": True,  # what a study reads is not Google's to keep
        },
        scores=each(
            "attributeScores.*.summaryScore.value",
            *("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT"),
        ),
    )

    def check(self, codebook: Codebook) -> None:
        """Says in words that it ends, or has ended; a stand-in at another `base_url` is another matter."""
        super().check(codebook)
        if self._agent.base_url:
            return
        where, when = f"agent '{self._agent.name}'", f"{self.last_day:%d %B %Y}"
        if datetime.now(UTC).date() > self.last_day:
            raise ConfigError(
                f"Google switched the Perspective API off after {when}; it can be asked no more.",
                where=where,
                hint="What it answered before is kept. Others to ask: openai_moderation, google_moderate, "
                "azure_content_safety; or a server that speaks as it did, as `base_url`.",
            )
        logger.warning("%s: Google switches the Perspective API off after %s. Ask what you need before.", where, when)


class HuggingFaceEndpoint(Row):
    """A text classifier on an inference endpoint of your own, which is the `base_url`: a score for each of `labels`.

    `labels: [toxic, obscene]` are written as the model's card writes them. A text that is too long for the model is an
    error, unless `body: {parameters: {truncation: true, top_k: 2}}` lets the endpoint cut it off.
    """

    takes = ("query", "body", "labels")
    service = Service(
        docs="https://huggingface.co/docs/inference-providers/tasks/text-classification",
        body={"inputs": "{{ record.text }}"},
    )

    def declared(self, agent: Agent) -> Service:
        labels = agent.parameters.get("labels")
        if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
            hint = "As its card on huggingface.co writes them: labels: [toxic, obscene]"
            raise ConfigError("`parameters.labels` names no label.", where=f"agent '{agent.name}'", hint=hint)
        row = super().declared(agent)
        body = {"parameters": {"top_k": len(labels)}} | (row.body if isinstance(row.body, dict) else {})
        return row.model_copy(update={"body": body, "scores": each("[label=*].score", *map(str, labels))})

    def scores(self, reply: Any) -> dict[str, Json]:
        """`[{"label": "toxic", "score": 0.9}, …]`, or the same as the one item of a list."""
        nested = isinstance(reply, list) and len(reply) == 1 and isinstance(reply[0], list)
        return super().scores(reply[0] if nested else reply)
