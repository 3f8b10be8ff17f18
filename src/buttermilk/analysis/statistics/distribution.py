"""How the answers about one record, or of a whole corpus, are distributed over the labels."""

from collections.abc import Mapping, Sequence

from buttermilk.analysis.statistics.beta import quantile
from buttermilk.analysis.statistics.estimate import Estimate, Label


def distribution(votes: Mapping[Label, int], labels: Sequence[Label]) -> dict[Label, Estimate]:
    """Each label's expected share, (n_l + 1/K) / (n + 1), and the middle 95 % of Beta(n_l + 1/K, n - n_l + 1 - 1/K).

    This is the Dirichlet distribution with 1/K for each of K labels, which weighs as much as one vote. Three votes of
    one label among two: (3 + .5) / 4 = .875. Perks, W. (1947). Some observations on inverse probability including a new
    indifference rule. J. Institute of Actuaries 73, 285-334."""
    unknown = set(votes) - set(labels)
    if unknown:
        raise ValueError(f"the labels do not name {', '.join(sorted(map(str, unknown)))}")
    n, found = sum(votes.values()), {}
    for label in labels:
        a = votes.get(label, 0) + 1 / len(labels)
        low, high = (quantile(share, a, n + 1 - a) if len(labels) > 1 else 1.0 for share in (0.025, 0.975))
        found[label] = Estimate(a / (n + 1), low, high, n)
    return found
