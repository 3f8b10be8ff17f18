"""Our statistics beside other people's: two hundred random inputs each, with gaps where those allow them, to 1e-9."""

from random import Random

import pytest

from buttermilk.analysis.statistics.alpha import alpha
from buttermilk.analysis.statistics.calibration import calibration
from buttermilk.analysis.statistics.classes import classes
from buttermilk.analysis.statistics.cohen import cohen
from buttermilk.analysis.statistics.dawid_skene import dawid_skene
from buttermilk.analysis.statistics.fleiss import fleiss
from buttermilk.analysis.statistics.mace import mace

INPUTS = 200
LABELS = ("a", "b", "c", "d")
close = pytest.approx


def near(found, theirs):
    """To 1e-9; undefined on both sides is agreement too."""
    assert found == (None if theirs is None else close(theirs, abs=1e-9, rel=1e-9))


def table(draw, values):
    """Coders by records: they agree more often than chance, and a quarter is missing."""
    records, coders = draw.randrange(2, 30), draw.randrange(2, 7)
    truth = [draw.choice(values) for _ in range(records)]
    said = [[true if draw.random() < 0.5 else draw.choice(values) for true in truth] for _ in range(coders)]
    return [[None if draw.random() < 0.25 else value for value in row] for row in said]


def units(rows):
    return [tuple((value,) for value in column if value is not None) for column in zip(*rows, strict=True)]


def numbers(draw):
    few = [float(value) for value in range(1, draw.randrange(3, 8))]
    return draw.choice([few, [0.0, *few], [draw.uniform(0.1, 90) for _ in range(60)]])


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_is_krippendorffs(oracle, level):
    draw = Random(level)
    tables = [table(draw, numbers(draw)) for _ in range(INPUTS)]
    theirs = oracle("alpha", [{"rows": rows, "level": level} for rows in tables])
    assert sum(one is not None for one in theirs) > 190
    for rows, found in zip(tables, theirs, strict=True):
        near(alpha(units(rows), level, draws=0).value, found)


@pytest.mark.parametrize("weights", ["", "linear", "quadratic"])
def test_cohens_kappa_is_scikit_learns(oracle, weights):
    draw = Random(weights)
    tables = [table(draw, LABELS[: draw.randrange(2, 5)])[:2] for _ in range(INPUTS)]
    whole = [[pair for pair in zip(*rows, strict=True) if None not in pair] for rows in tables]
    asked = [
        {"first": [a for a, _ in pairs], "second": [b for _, b in pairs], "labels": LABELS, "weights": weights or None}
        for pairs in whole
    ]
    kept = [place for place, pairs in enumerate(whole) if pairs]
    theirs = oracle("cohen", [asked[place] for place in kept])
    for place, found in zip(kept, theirs, strict=True):
        given = [
            tuple(() if label is None else (label,) for label in pair) for pair in zip(*tables[place], strict=True)
        ]
        ours = cohen(given, LABELS, weights=weights, draws=0)
        near(ours.value, found)
        assert (ours.n, ours.left_out) == (len(whole[place]), len(given) - len(whole[place]))


def test_fleiss_kappa_is_statsmodels(oracle):
    draw, tables = Random("fleiss"), []
    for _ in range(INPUTS):
        labels, raters = LABELS[: draw.randrange(2, 5)], draw.randrange(2, 9)
        tables.append([[draw.choice(labels) for _ in range(raters)] for _ in range(draw.randrange(2, 30))])
    theirs = oracle("fleiss", [{"table": [[row.count(label) for label in LABELS] for row in one]} for one in tables])
    for one, found in zip(tables, theirs, strict=True):
        near(fleiss([tuple((label,) for label in row) for row in one], draws=0).value, found)


def test_precision_recall_f1_and_the_confusion_are_scikit_learns(oracle):
    draw, pairs = Random("classes"), []
    for _ in range(INPUTS):
        labels = LABELS[: draw.randrange(2, 5)]
        pairs.append([(draw.choice(labels), draw.choice(labels)) for _ in range(draw.randrange(1, 40))])
    asked = [{"true": [t for t, _ in one], "given": [g for _, g in one], "labels": LABELS} for one in pairs]
    for one, theirs in zip(pairs, oracle("classes", asked), strict=True):
        found = classes([(truth, (given,)) for truth, given in one], LABELS, draws=0).by
        for place, label in enumerate(LABELS):
            near(found[label].precision.value, theirs["precision"][place])
            near(found[label].recall.value, theirs["recall"][place])
            assert found[label].recall.n == theirs["support"][place]
            if found[label].f1.value is not None:
                near(found[label].f1.value, theirs["f1"][place])


def test_briers_score_is_scikit_learns(oracle):
    draw, inputs = Random("brier"), []
    for _ in range(INPUTS):
        size = draw.randrange(2, 60)
        inputs.append(([draw.random() for _ in range(size)], [draw.randrange(2) for _ in range(size)]))
    theirs = oracle("brier", [{"right": right, "confidence": sure} for sure, right in inputs])
    for (sure, right), found in zip(inputs, theirs, strict=True):
        near(calibration(zip(sure, map(float, right), strict=True), draws=0).brier.value, found)


def panel(draw):
    """Records by coders with gaps, some coders asked twice; each record has an answer."""
    coders = [f"coder{place}" for place in range(draw.randrange(3, 6))]
    labels, answers = LABELS[: draw.randrange(2, 5)], {}
    for place in range(draw.randrange(8, 16)):
        truth, said = draw.choice(labels), {}
        for coder in coders:
            if coder == coders[0] or draw.random() < 0.7:
                times = draw.choice((1, 1, 1, 2))
                said[coder] = tuple(truth if draw.random() < 0.6 else draw.choice(labels) for _ in range(times))
        answers[f"r{place}"] = said
    return answers


def rows(answers):
    return [
        [record, coder, label] for record, said in answers.items() for coder, votes in said.items() for label in votes
    ]


@pytest.mark.slow
def test_dawid_and_skenes_model_is_crowd_kits_step_by_step(oracle):
    draw = Random("dawid skene")
    inputs = [(panel(draw), draw.randrange(1, 5)) for _ in range(INPUTS)]
    theirs = oracle("dawid_skene", [{"answers": rows(one), "rounds": rounds} for one, rounds in inputs])
    for (answers, rounds), found in zip(inputs, theirs, strict=True):
        ours = dawid_skene(answers, rounds=rounds, tolerance=-1, least=1)
        for record, shares in found["posterior"].items():
            assert ours.posterior[record] == close(shares, abs=1e-9)
        assert ours.shares == close(found["priors"], abs=1e-9)
        for coder, truths in found["confusions"].items():
            for truth, given in truths.items():
                assert {label: ours.confusions[coder][truth][label] for label in given} == close(given, abs=1e-9)


@pytest.mark.slow
def test_mace_is_crowd_kits_from_the_same_start_by_plain_em(oracle):
    draw = Random("mace")
    inputs = [(panel(draw), draw.randrange(1, 5), draw.randrange(1000)) for _ in range(INPUTS)]
    asked = [{"answers": rows(one), "rounds": rounds, "seed": seed} for one, rounds, seed in inputs]
    for (answers, rounds, _), found in zip(inputs, oracle("mace", asked), strict=True):
        start = {coder: (knows, guesses) for coder, (knows, guesses) in found["start"].items()}
        ours = mace(answers, start=start, rounds=rounds, least=1)
        assert ours.knows == close(found["competence"], abs=1e-9)
        for record, shares in found["posterior"].items():
            assert ours.posterior[record] == close(shares, abs=1e-9)
