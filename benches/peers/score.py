"""Python peers of assay-score: bootstrap confidence intervals of the mean.

Workloads: n values from N(0, 1), the 95 % interval of their mean by the percentile method and by
BCa (whose jackknife takes the mean of each of the n leave-one-out samples). scipy is called as its documentation shows, with the vectorised mean; `batch` bounds its
memory, and between 10 and 2000 it changes the time by less than the noise.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy loads its libraries

import itertools

import numpy as np
from scipy import stats

from harness import Suite

BATCH = 100
suite = Suite()


def interval(x, method, resamples):
    return stats.bootstrap(
        (x,), np.mean, n_resamples=resamples, batch=BATCH, method=method, vectorized=True,
        confidence_level=0.95, rng=np.random.default_rng(1),
    )


@suite.check
def resampled_means_equal_enumeration():
    # All 5^5 resamples of five values give the bootstrap distribution exactly.
    x = np.array([0.3, -1.2, 2.0, 0.7, 0.1])
    means = np.array([np.mean(draw) for draw in itertools.product(x, repeat=5)])
    found = interval(x, "percentile", 200_000)
    assert abs(found.standard_error / means.std() - 1) < 0.01, found.standard_error
    expected = np.quantile(means, (0.025, 0.975))
    assert np.abs(np.array(found.confidence_interval) - expected).max() < 0.03, found


@suite.check
def intervals_of_many_values_are_normal():
    # At n = 10,000 both methods must come within resampling error of mean +- 1.96 s / sqrt(n).
    x = np.random.default_rng(0).standard_normal(10_000)
    half = 1.959964 * x.std() / np.sqrt(len(x))
    for method in ("percentile", "BCa"):
        low, high = interval(x, method, 2000).confidence_interval
        assert abs(low - (x.mean() - half)) < 0.15 * half, (method, low)
        assert abs(high - (x.mean() + half)) < 0.15 * half, (method, high)


def on(*arguments):
    """A timing's `prepare`: input made before the clock starts."""
    return lambda: lambda: interval(*arguments)


for n, resamples in ((10_000, 2_000), (1_400, 10_000)):
    x = np.random.default_rng(0).standard_normal(n)
    for method in ("percentile", "BCa"):
        name = f"mean/{n}x{resamples}/{method.lower()}"
        suite.time(name, "scipy", on(x, method, resamples))

if __name__ == "__main__":
    suite.main()
