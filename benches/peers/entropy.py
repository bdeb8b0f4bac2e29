"""Python peers of matrix-entropy: numpy (OpenBLAS) by the same route, the published formula in torch,
and vendi-score. One thread.

Workloads: columns of N(0, 1) / sqrt(1 + j). The entropy of one sentence, 128 or 512 tokens of width
2048: by the small Gram matrix as here ("numpy dual"), and as Diff-eRank's definition reads ("formula":
the d x d covariance and its singular values in f32). The sum of products of a batch; eigenvalues in f64;
the Vendi score of 4096 items of width 512, whose package forms the 4096 x 4096 kernel.
"""

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # before numpy and torch load their libraries

import numpy as np
import torch
from vendi_score import vendi

from harness import Suite

torch.set_num_threads(1)
suite = Suite()


def states(rows, columns, dtype=np.float32):
    x = np.random.default_rng(0).standard_normal((rows, columns)) / np.sqrt(1 + np.arange(columns))
    return x.astype(dtype)


def entropy(values):
    p = values[values > 0] / values[values > 0].sum()
    return -(p * np.log(p)).sum()


def normalised(x, centre=True):
    if centre:
        x = x - x.mean(0)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def dual(x):
    """Gram matrix in the type of x, eigenvalues in f64."""
    z = normalised(x)
    return entropy(np.linalg.eigvalsh((z @ z.T).astype(np.float64)))


def formula(x):
    """Definition 3.3 as it stands: all of the d x d covariance, by torch.svd with its vectors."""
    c = x - x.mean(0)
    z = c / c.norm(dim=1, keepdim=True)
    sigma = z.T @ z / len(z)
    values = torch.svd(sigma / sigma.trace())[1]
    return -(values * values.log()).nansum().item()


def covariance(x, total):
    z = normalised(x, centre=False)
    total += z.T @ z


@suite.check
def entropies_agree():
    x = states(24, 40, np.float64)
    z = normalised(x)
    expected = entropy(np.linalg.eigvalsh(z.T @ z / 24))
    assert abs(dual(x) - expected) < 1e-10
    assert abs(formula(torch.from_numpy(x)) - expected) < 1e-10


@suite.check
def scores_agree():
    x = states(30, 8, np.float64)
    z = normalised(x, centre=False)
    expected = np.exp(entropy(np.linalg.eigvalsh(z.T @ z / 30)))
    assert abs(vendi.score_X(x) - expected) < 1e-8, vendi.score_X(x)
    assert abs(vendi.score_dual(x) - expected) < 1e-8


for rows in (128, 512):
    x = states(rows, 2048)
    name = f"sentence/{rows}x2048"
    suite.time(name, "numpy dual", lambda x=x: lambda: dual(x))
    suite.time(name, "formula", lambda x=x: lambda: formula(torch.from_numpy(x)))

embeddings = states(4096, 512)
suite.time("vendi/4096x512", "vendi-score", lambda: lambda: vendi.score_X(embeddings))
suite.time("vendi/4096x512", "vendi-score dual", lambda: lambda: vendi.score_dual(embeddings))

for rows, columns in ((10_000, 768), (8192, 4096)):
    name = f"moment/{rows}x{columns}"

    def prepare(rows=rows, columns=columns):
        x, total = states(rows, columns), np.zeros((columns, columns))
        return lambda: covariance(x, total)

    suite.time(name, "numpy", prepare)

    def decompose(rows=rows, columns=columns):
        x = states(rows, columns)
        sigma = (x.T @ x / rows).astype(np.float64)
        return lambda: np.linalg.eigvalsh(sigma)

    suite.time(f"eigenvalues/{columns}", "numpy", decompose)

if __name__ == "__main__":
    suite.main()
