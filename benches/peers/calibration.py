"""Python peers of dac-calibration on workloads drawn by one counter generator on both sides.

- ece15: torchmetrics' binary calibration error of 15 bins, arguments validated as by default, and
  numpy's bincount as somebody who knows would write it;
- temperature: scikit-learn's temperature scaling on 50,000 x 1,000 logits;
- overview: torch's softmax and maximum alone, which is less than our pass does;
- distance_aware: torch's cdist and topk on both spaces, and the authors' loop (numpy, class by class);
- isotonic: scikit-learn's fit on a million forecasts.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before the libraries load

import numpy as np
import torch
from netcal.metrics import ECE
from sklearn.isotonic import IsotonicRegression
from torchmetrics.functional.classification import binary_calibration_error

from harness import Suite

torch.set_num_threads(1)
suite = Suite()


def u(seed, start, count):
    with np.errstate(over="ignore"):
        i = np.arange(start + 1, start + count + 1, dtype=np.uint64)
        z = np.uint64(seed) + i * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)) * 2.0**-53


def g(seed, start, count):
    v = u(seed, 4 * start, 4 * count).reshape(-1, 4)
    return (((v[:, 0] + v[:, 1]) + v[:, 2]) + v[:, 3] - 2) * 1.7320508075688772


def forecasts(n):
    c = np.sqrt(u(1, 0, n))
    return c.astype(np.float32), (u(2, 0, n) < c * c)


def by_bincount(p, y):
    bins = np.minimum((p * np.float32(15)).astype(np.int64), 14)
    gap = np.bincount(bins, weights=y - p.astype(np.float64), minlength=15)
    return np.abs(gap).sum() / len(p)


def logits(n=50_000, classes=1_000):
    z = np.empty((n, classes), dtype=np.float32)
    own = 2 + 12 * u(4, 0, n)
    for start in range(0, n, 500):
        count = min(500, n - start)
        block = 2 * g(3, start * classes, count * classes).reshape(count, classes)
        rows = np.arange(start, start + count)
        block[np.arange(count), rows % classes] += own[rows]
        z[start : start + count] = 2.5 * block
    return z, np.arange(n) % classes


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def features():
    draw = lambda seed: unit(g(seed, 0, 1000 * 512).reshape(1000, 512))
    base, new = draw(5), draw(6)
    moved = [unit(base + 0.5 * draw(7)), unit(new + 0.8 * draw(8))]
    return [x.astype(np.float32) for x in (base, new, *moved)]


def proximity_loop(queries, base, k=5):
    return np.array([
        np.exp(-np.sort(np.linalg.norm(base - q, axis=1))[:k].mean()) for q in queries
    ])


def proximity_torch(queries, base, k=5):
    return torch.exp(-torch.cdist(queries, base).topk(k, largest=False).values.mean(1))


@suite.check
def errors_of_one_sample_each_bin_are_known():
    p = np.array([0.1, 0.5, 0.9], dtype=np.float32)
    y = np.array([0, 1, 1])
    want = (0.1 + 0.5 + 0.1) / 3
    assert abs(float(binary_calibration_error(torch.tensor(p), torch.tensor(y), n_bins=15)) - want) < 1e-6
    assert abs(ECE(bins=15).measure(p.astype(float), y) - want) < 1e-6
    assert abs(by_bincount(p, y) - want) < 1e-6


@suite.check
def both_proximities_are_one():
    base, new, _, _ = features()
    loop = proximity_loop(new[:20], base)
    vectorised = proximity_torch(torch.tensor(new[:20]), torch.tensor(base)).numpy()
    assert np.abs(loop - vectorised).max() < 1e-4


@suite.check
def isotonic_averages_a_violation():
    fitted = IsotonicRegression().fit([0.1, 0.2], [1.0, 0.0]).predict([0.15])
    assert fitted[0] == 0.5


def ece(n, how):
    def prepare():
        p, y = forecasts(n)
        if how == "numpy":
            return lambda: by_bincount(p, y)
        if how == "netcal":
            wide = p.astype(np.float64)
            return lambda: ECE(bins=15).measure(wide, y.astype(int))
        p, y = torch.tensor(p), torch.tensor(y.astype(np.int64))
        return lambda: binary_calibration_error(p, y, n_bins=15)

    return prepare


for n in (1_000_000, 10_000_000):
    for how in ("torchmetrics", "numpy") + (("netcal",) if n == 1_000_000 else ()):
        suite.time(f"ece15/{n}", how, ece(n, how))


def temperature():
    from sklearn.calibration import _TemperatureScaling

    z, y = logits()
    return lambda: _TemperatureScaling().fit(z, y)


def softmax():
    z = torch.tensor(logits()[0])
    return lambda: torch.softmax(z, 1).max(1)


def isotonic():
    c = np.sqrt(u(1, 0, 1_000_000))
    y = (u(2, 0, 1_000_000) < c * c).astype(np.float64)
    return lambda: IsotonicRegression(out_of_bounds="clip").fit(c, y)


def by_torch():
    base, new, base_tuned, tuned = map(torch.tensor, features())
    return lambda: proximity_torch(tuned, base_tuned) / proximity_torch(new, base)


def by_loop():
    base, new, base_tuned, tuned = features()
    return lambda: proximity_loop(tuned, base_tuned) / proximity_loop(new, base)


suite.time("temperature/50000x1000", "scikit-learn", temperature)
suite.time("overview/50000x1000", "torch softmax and max", softmax)
suite.time("distance_aware/1000x1000x512", "torch cdist and topk", by_torch)
suite.time("distance_aware/1000x1000x512", "the authors' loop", by_loop)
suite.time("isotonic/1000000", "scikit-learn", isotonic)

if __name__ == "__main__":
    suite.main()
