"""Writes testdata/peers/score_statistics.json: what scipy says of random and awkward data.

    benches/peers/.venv/bin/python benches/peers/score_vectors.py

The tests of assay-score compare every number in it; run this again after changing a case, with the
versions that requirements.txt pins.
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import stats

OUT = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "peers" / "score_statistics.json"
rng = np.random.default_rng(20261124)
cases = []


def case(op, data, expected):
    def plain(value):
        if isinstance(value, (np.ndarray, np.generic)):
            value = value.tolist()
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, float) and not np.isfinite(value):
            return None
        return value

    cases.append({
        "op": op,
        "input": {key: plain(value) for key, value in data.items()},
        "expected": {key: plain(value) for key, value in expected.items()},
    })


def sample(n, kind):
    if kind == "normal":
        return np.round(rng.standard_normal(n), 6)
    if kind == "ties":
        return rng.integers(-3, 6, n).astype(float)
    return np.round(np.exp(3 * rng.standard_normal(n)), 6)


SIDES = ("two-sided", "less", "greater")
for kind in ("normal", "ties", "heavy"):
    for n in (3, 5, 8, 20, 33, 34, 90, 400):
        x = sample(n, kind)
        y = np.round(0.6 * x + sample(n, kind), 6)
        pearson, spearman = stats.pearsonr(x, y), stats.spearmanr(x, y)
        low, high = pearson.confidence_interval(0.9) if n > 3 else (None, None)
        case("correlation", {"x": x, "y": y}, {
            "pearson": pearson.statistic, "pearson_p": pearson.pvalue, "pearson_low": low,
            "pearson_high": high, "spearman": spearman.statistic, "spearman_p": spearman.pvalue,
            "tau_b": stats.kendalltau(x, y, variant="b").statistic,
            "tau_c": stats.kendalltau(x, y, variant="c").statistic,
            "tau_p": stats.kendalltau(x, y).pvalue,
        })
        expected = {}
        for side in SIDES:
            paired = stats.ttest_rel(x, y, alternative=side)
            welch = stats.ttest_ind(x, y[: max(2, n // 2)], equal_var=False, alternative=side)
            expected[side] = {"paired": paired.pvalue, "welch": welch.pvalue}
        expected["paired_t"] = paired.statistic
        expected["welch_t"], expected["welch_df"] = welch.statistic, welch.df
        expected["paired_interval"] = list(stats.ttest_rel(x, y).confidence_interval(0.95))
        expected = {
            f"{key}_{name}" if isinstance(value, dict) else key: inner
            for key, value in expected.items()
            for name, inner in (value.items() if isinstance(value, dict) else [(None, value)])
        }
        case("t", {"x": x, "y": y, "shorter": y[: max(2, n // 2)]}, expected)

# Wilcoxon without ties (scipy's exact distribution) and large with ties (its limit, uncorrected).
for n in (4, 9, 25, 50):
    d = np.round(rng.standard_normal(n) + 0.2, 6)
    case("wilcoxon", {"d": d}, {
        side: stats.wilcoxon(d, alternative=side, method="exact").pvalue for side in SIDES})
for n in (250, 700):
    d = rng.integers(-6, 9, n).astype(float)
    d = d[d != 0]
    case("wilcoxon", {"d": d}, {
        side: stats.wilcoxon(d, alternative=side, method="asymptotic").pvalue for side in SIDES})
# The exact distribution with ties, as a permutation test over all signs.
for n in (6, 12, 16):
    d = rng.integers(-4, 6, n).astype(float)
    d[d == 0] = 1
    ranks = stats.rankdata(np.abs(d))
    signs = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    sums = (signs * ranks).sum(1)
    seen = ranks[d > 0].sum()
    less, greater = (sums <= seen).mean(), (sums >= seen).mean()
    case("wilcoxon", {"d": d}, {
        "two-sided": min(1, 2 * min(less, greater)), "less": less, "greater": greater})

for n1, n2 in ((1, 1), (3, 5), (8, 8), (20, 30)):
    x, y = np.round(rng.standard_normal(n1) + 0.5, 6), np.round(rng.standard_normal(n2), 6)
    case("mann_whitney", {"x": x, "y": y}, {
        "u": stats.mannwhitneyu(x, y).statistic,
        **{side: stats.mannwhitneyu(x, y, alternative=side, method="exact").pvalue for side in SIDES}})
for n1, n2 in ((40, 41), (200, 90)):
    x, y = rng.integers(0, 7, n1).astype(float), rng.integers(0, 8, n2).astype(float)
    case("mann_whitney", {"x": x, "y": y}, {
        "u": stats.mannwhitneyu(x, y).statistic,
        **{side: stats.mannwhitneyu(x, y, alternative=side, method="asymptotic").pvalue
           for side in SIDES}})

for k, n in ((0, 5), (1, 5), (9, 20), (15, 20), (480, 1000)):
    d = np.array([1.0] * k + [-1.0] * (n - k))
    case("sign", {"d": d}, {
        side: stats.binomtest(k, n, 0.5, alternative=side).pvalue for side in SIDES})

for _ in range(30):
    rows, columns = rng.integers(2, 6, 2)
    table = rng.integers(0, 1 + rng.choice([3, 40, 5000]), (rows, columns))
    table[0, 0] += 1
    table[-1, -1] += 1
    kept = table[table.sum(1) > 0][:, table.sum(0) > 0]
    if min(kept.shape) < 2:
        continue
    plain, auto = stats.chi2_contingency(kept, correction=False), stats.chi2_contingency(kept)
    case("chi_square", {"table": table}, {
        "plain": plain.statistic, "plain_p": plain.pvalue, "auto": auto.statistic,
        "auto_p": auto.pvalue, "dof": plain.dof,
        "v": stats.contingency.association(kept, method="cramer", correction=False)})

for table in ([[0, 5], [5, 0]], [[1, 9], [11, 3]], [[0, 0], [3, 4]], [[3, 3], [3, 3]],
              [[1000, 1100], [900, 1200]], [[20000, 19000], [18500, 20500]], [[2, 90], [60, 7]],
              [[400, 1], [380, 22]], [[1, 400], [22, 380]], [[12, 0], [8, 3]]):
    case("fisher", {"table": table}, {
        side: stats.fisher_exact(table, alternative=side)[1] for side in SIDES})

for n in (4, 11, 18):
    d = np.round(rng.standard_normal(n) + 0.3, 3)
    case("paired_permutation", {"d": d}, {
        side: stats.permutation_test((d,), np.mean, permutation_type="samples", vectorized=True,
                                     axis=-1, n_resamples=np.inf, alternative=side).pvalue
        for side in SIDES})

for k, b in ((3, 4), (5, 12), (16, 31)):
    blocks = rng.integers(0, 9, (b, k)).astype(float) / 8
    found = stats.friedmanchisquare(*blocks.T)
    case("friedman", {"blocks": blocks}, {"statistic": found.statistic, "p": found.pvalue})
    q = stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2)
    case("critical_difference", {"k": k, "b": b, "alpha": 0.05},
         {"cd": q * np.sqrt(k * (k + 1) / (6 * b))})

p = np.round(rng.random(40) ** 3, 5)
case("adjust", {"p": p}, {
    "bh": stats.false_discovery_control(p, method="bh"),
    "by": stats.false_discovery_control(p, method="by")})

OUT.parent.mkdir(parents=True, exist_ok=True)
document = {"versions": {"scipy": scipy.__version__, "numpy": np.__version__}, "cases": cases}
OUT.write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n")
print(f"{len(cases)} cases in {OUT}")
