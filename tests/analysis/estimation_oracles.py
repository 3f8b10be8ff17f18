"""What ppi-python and statsmodels say of the same numbers: they live in an environment of their own, asked by JSON.

Run by that environment's Python, this file answers the questions on its standard input; imported, it asks them.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ORACLES = ROOT / ".venv-oracles" / "bin" / "python"


def ask(questions):
    """`[{"what": "ols", "x": …}]` -> one answer each, in order."""
    asked = subprocess.run(
        [ORACLES, __file__], input=json.dumps(questions), capture_output=True, text=True, check=False, timeout=200
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def _ppi_mean(np, q):
    import ppi_py

    data = [np.array(q[name]) for name in ("y", "guess", "others")]
    low, high = ppi_py.ppi_mean_ci(*data, alpha=0.05, lam=q["lam"])
    return [float(low[0]), float(high[0])]


def _ppi_regression(np, q):
    import ppi_py

    data = [np.array(q[name]) for name in ("x", "y", "guess", "rest", "others")]
    ci = ppi_py.ppi_logistic_ci if q["logistic"] else ppi_py.ppi_ols_ci
    low, high = ci(*data, alpha=0.05, lam=q["lam"])
    return [list(low), list(high)]


def _regression(np, q):
    import statsmodels.api as sm

    y, x = np.array(q["y"]), np.array(q["x"])
    model = sm.GLM(y, x, family=sm.families.Binomial()) if q["logistic"] else sm.OLS(y, x)
    found = model.fit(cov_type="HC0", **({"tol": 1e-14, "maxiter": 200} if q["logistic"] else {}))
    return [list(found.params), list(found.bse)]


def _reml(np, q):
    """Crossed: one group of all, a variance for each of the named factors."""
    import pandas
    import statsmodels.formula.api as smf

    frame = pandas.DataFrame(q["rows"])
    frame["all"] = 1
    formula = {name: f"0 + C({name})" for name in q["effects"]}
    found = smf.mixedlm("y ~ 1", frame, groups="all", vc_formula=formula, re_formula="0").fit(reml=True)
    names = found.model.exog_vc.names
    return {
        "parts": dict(zip(names, map(float, found.vcomp), strict=True)),
        "run": float(found.scale),
        "llf": found.llf,
    }


def main():
    import warnings

    import numpy

    warnings.simplefilter("ignore")
    kinds = {"ppi_mean": _ppi_mean, "ppi_regression": _ppi_regression, "regression": _regression, "reml": _reml}
    print(json.dumps([kinds[one["what"]](numpy, one) for one in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
