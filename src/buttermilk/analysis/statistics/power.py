"""How many human labels are needed, and how likely a true difference is found: the normal approximation."""

from math import ceil, sqrt
from statistics import NormalDist

from buttermilk.analysis.statistics.wilson import Z

NORMAL = NormalDist()


def width(labels: int, rectifier: float, machine: float = 0.0) -> float:
    """Half of the interval that so many labels give: z √(var(y - λŷ) / n + var(λŷ) / N).

    `rectifier` is the variance of the difference in a pilot, `machine` the squared error of the machine's part."""
    return Z * sqrt(rectifier / labels + machine)


def labels_for(half: float, rectifier: float, machine: float = 0.0) -> int | None:
    """The least number of labels for an interval of ± `half`; None where no number would do.

        n = z² var(y - λŷ) / (half² - z² var(λŷ) / N)

    Of shares without a machine: var = ¼, ± .05 -> 385. Cochran, W. G. (1977). Sampling Techniques, 3rd ed., ch. 4."""
    room = half * half - Z * Z * machine
    return ceil(Z * Z * rectifier / room) if room > 0 else None


def power_of_difference(difference: float, squared_error: float) -> float:
    """The chance that a true difference is found at the level of .05: Φ(|d|/SE - z) + Φ(-|d|/SE - z).

    Paired, SE² = var(after - before) / n; two samples of shares, p₁(1-p₁)/n₁ + p₂(1-p₂)/n₂: 64 a side and half a
    standard deviation have .81. Cohen, J. (1988). Statistical Power Analysis, 2nd ed., ch. 2 (by t: .80)."""
    away = abs(difference) / sqrt(squared_error)
    return NORMAL.cdf(away - Z) + NORMAL.cdf(-away - Z)


def power_of_mcnemar(lost: float, gained: float, n: int) -> float:
    """The same for McNemar's test of n pairs, of which the shares `lost` and `gained` change.

        Φ((|δ| √n - z √ψ) / √(ψ - δ²)),  δ = gained - lost, ψ = gained + lost

    Connor, R. J. (1987). Sample size for testing differences in proportions for the paired-sample design. Biometrics
    43, 207-211."""
    change, moved = abs(gained - lost), gained + lost
    rest = moved - change * change
    return NORMAL.cdf((change * sqrt(n) - Z * sqrt(moved)) / sqrt(rest)) if rest > 0 else float(change > 0)
