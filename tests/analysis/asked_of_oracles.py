"""What other people's libraries say: run by the Python of .venv-oracles, which knows nothing of buttermilk.

A line of JSON in, `["cohen", [{…}, {…}]]`; a line out with an answer for each. None where the library has none.
"""

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss, cohen_kappa_score, confusion_matrix, precision_recall_fscore_support
from statsmodels.stats.inter_rater import fleiss_kappa

Said = dict[str, Any]


def number(found: float) -> float | None:
    return None if np.isnan(found) else float(found)


def alpha(rows: list[list[float | None]], level: str) -> float | None:
    """One row per coder, one column per record, None where there is no answer."""
    data = np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=float)
    try:
        return number(krippendorff.alpha(reliability_data=data, level_of_measurement=level))
    except ValueError:
        return None


def cohen(first: list[str], second: list[str], labels: list[str], weights: str | None) -> float | None:
    return number(cohen_kappa_score(first, second, labels=labels, weights=weights))


def fleiss(table: list[list[int]]) -> float | None:
    return number(fleiss_kappa(np.array(table), method="fleiss"))


def classes(true: list[str], given: list[str], labels: list[str]) -> Said:
    found = precision_recall_fscore_support(true, given, labels=labels, zero_division=np.nan)
    names = ("precision", "recall", "f1", "support")
    said = {name: [number(one) for one in column] for name, column in zip(names, found, strict=True)}
    return said | {"confusion": confusion_matrix(true, given, labels=labels).tolist()}


def brier(right: list[int], confidence: list[float]) -> float:
    return float(brier_score_loss(right, confidence))


def _answers(answers: list[list[str]]) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Record, coder and label, renamed in the order in which they appear: MACE there takes it for the sorted one."""
    frame, names = pd.DataFrame(answers, columns=["task", "worker", "label"]), {}
    for column in frame:
        codes, found = pd.factorize(frame[column])
        names[column] = list(found)
        frame[column] = [f"{column}{code:06d}" for code in codes]
    return frame, names


def _posterior(found: pd.DataFrame, names: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    tasks, labels = ({f"{of}{place:06d}": name for place, name in enumerate(names[of])} for of in ("task", "label"))
    return {
        tasks[task]: {labels[label]: float(share) for label, share in row.items()} for task, row in found.iterrows()
    }


def dawid_skene(answers: list[list[str]], rounds: int) -> Said:
    from crowdkit.aggregation import DawidSkene  # seconds: whoever asks for alpha does not wait for it

    frame, names = _answers(answers)
    model = DawidSkene(n_iter=rounds, tol=-np.inf).fit(frame)
    workers = [f"worker{place:06d}" for place in range(len(names["worker"]))]
    labels = [f"label{place:06d}" for place in range(len(names["label"]))]
    errors = {
        worker: {
            truth: {
                given: float(model.errors_.loc[(code, column), label])
                for column, given in zip(labels, names["label"], strict=True)
                if (code, column) in model.errors_.index
            }
            for label, truth in zip(labels, names["label"], strict=True)
        }
        for code, worker in zip(workers, names["worker"], strict=True)
    }
    priors = {name: float(model.priors_[label]) for label, name in zip(labels, names["label"], strict=True)}
    return {"posterior": _posterior(model.probas_, names), "priors": priors, "confusions": errors}


def mace(answers: list[list[str]], rounds: int, seed: int) -> Said:
    """Its random start is told too, so that another may start there."""
    from crowdkit.aggregation import MACE

    frame, names = _answers(answers)
    model = MACE(n_restarts=1, n_iter=rounds, method="em", random_state=seed)
    model._initialize(len(names["worker"]), len(names["label"]))
    spamming, strategies = model.spamming_.copy(), model.thetas_.copy()
    model.fit(frame)
    by = names["worker"]
    return {
        "start": {
            name: [float(spamming[place, 1]), dict(zip(names["label"], map(float, strategies[place]), strict=True))]
            for place, name in enumerate(by)
        },
        "competence": {name: float(model.spamming_[place, 1]) for place, name in enumerate(by)},
        "posterior": _posterior(model.probas_, names),
    }


def glad(answers: list[list[str]], rounds: int) -> dict[str, dict[str, float]]:
    from crowdkit.aggregation import GLAD

    frame, names = _answers(answers)
    return _posterior(GLAD(n_iter=rounds).fit_predict_proba(frame), names)


ORACLES: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (alpha, cohen, fleiss, classes, brier, dawid_skene, mace, glad)
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of empty classes, which are asked about on purpose
    for line in sys.stdin:
        name, asked = json.loads(line)
        print(json.dumps([ORACLES[name](**one) for one in asked]), flush=True)
