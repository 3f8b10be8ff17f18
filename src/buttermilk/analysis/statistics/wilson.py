"""The Wilson interval of a share."""

from math import sqrt

from buttermilk.analysis.statistics.estimate import Estimate

Z = 1.959963984540054  # the 97.5th percentile of the normal distribution


def wilson(hits: float, n: int, *, left_out: int = 0) -> Estimate:
    """The share `hits / n` with its 95 % score interval; it never leaves 0 to 1 and is never of width nought.

        (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.
    `hits` may be a sum of shares per record (2.5 of 3 records): the interval is then too wide, never too narrow."""
    if n < 1:
        return Estimate(None, n=0, left_out=left_out, note="undefined: nothing to count")
    share = min(max(hits / n, 0.0), 1.0)
    centre = share + Z * Z / (2 * n)
    half = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    low = 0.0 if share == 0 else (centre - half) / scale
    high = 1.0 if share == 1 else (centre + half) / scale
    return Estimate(share, low, high, n=n, left_out=left_out)
