"""Spearman and Brown's prophecy: how reliable the mean of several answers is."""


def spearman_brown(one: float, times: float) -> float:
    """r_n = n r / (1 + (n - 1) r), r the reliability of one answer: of .5, two give .6667 and four .8.

    Spearman, C. (1910). Correlation calculated from faulty data. British J. Psychology 3, 271-295; Brown, W. (1910).
    Some experimental results in the correlation of mental abilities. British J. Psychology 3, 296-322."""
    if not -1 / max(times - 1, 1e-12) < one <= 1:
        raise ValueError(f"a reliability of {one} cannot be that of one of {times:g} answers")
    return times * one / (1 + (times - 1) * one)
