"""Python peers of assay-array's linear algebra: numpy (OpenBLAS) and torch (MKL), one thread.

Workloads, in f32 and f64, entries from N(0, 1): X Y^T at 256 and 768, the eigenvalues of X^T X at
256 and 768, the singular values of X at 768, the Gram matrix of 8192 rows of 768 features.
The product has two different factors, else numpy would see X X^T and compute one triangle of it.
The Gram matrix is accumulated as ours is: blocks of rows multiplied in their type, summed in f64.
"""

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # before numpy and torch load their libraries

import numpy as np
import torch

from harness import Suite

torch.set_num_threads(1)
GRAM_BLOCK = 1024
suite = Suite()


def draw(rows, columns, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(dtype)


def blocked_gram(x):
    """X^T X with blocks in the type of x and the sum in f64."""
    total = np.zeros((x.shape[1], x.shape[1]))
    for first in range(0, len(x), GRAM_BLOCK):
        block = x[first : first + GRAM_BLOCK]
        total += block.T @ block
    return total


def torch_blocked_gram(x):
    total = torch.zeros((x.shape[1], x.shape[1]), dtype=torch.float64)
    for block in x.split(GRAM_BLOCK):
        total += block.T @ block
    return total


def error(found, expected):
    return np.abs(np.asarray(found) - expected).max() / np.abs(expected).max()


@suite.check
def products_equal_sums_written_out():
    x, y = draw(7, 5, np.float64), draw(5, 6, np.float64, seed=1)
    expected = np.array([[sum(x[i, k] * y[k, j] for k in range(5)) for j in range(6)] for i in range(7)])
    assert error(x @ y, expected) < 1e-14
    assert error(torch.from_numpy(x) @ torch.from_numpy(y), expected) < 1e-14
    long = draw(2 * GRAM_BLOCK + 3, 4, np.float64)
    expected = np.array([[sum(long[:, i] * long[:, j]) for j in range(4)] for i in range(4)])
    assert error(blocked_gram(long), expected) < 1e-12
    assert error(torch_blocked_gram(torch.from_numpy(long)), expected) < 1e-12


@suite.check
def spectra_equal_known_ones():
    # The second difference matrix has eigenvalues 2 - 2 cos(k pi / (n + 1)), all positive, so they
    # are its singular values as well.
    n = 40
    x = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    expected = 2 - 2 * np.cos(np.arange(1, n + 1) * np.pi / (n + 1))
    assert error(np.linalg.eigvalsh(x), expected) < 1e-13
    assert error(np.linalg.svd(x, compute_uv=False)[::-1], expected) < 1e-13
    assert error(torch.linalg.eigvalsh(torch.from_numpy(x)), expected) < 1e-13
    assert error(torch.linalg.svdvals(torch.from_numpy(x)).flip(0), expected) < 1e-13


def time_both(name, numpy_call, torch_call, *inputs):
    tensors = [torch.from_numpy(x) for x in inputs]
    suite.time(name, "numpy", lambda: lambda: numpy_call(*inputs))
    suite.time(name, "torch", lambda: lambda: torch_call(*tensors))


for dtype, label in ((np.float32, "f32"), (np.float64, "f64")):
    for n in (256, 768):
        x, y = draw(n, n, dtype), draw(n, n, dtype, seed=1)
        time_both(f"eigvalsh/{n}/{label}", np.linalg.eigvalsh, torch.linalg.eigvalsh, x.T @ x)
        time_both(f"matmul/{n}/{label}", lambda x, y: x @ y.T, lambda x, y: x @ y.T, x, y)
    square = draw(768, 768, dtype)
    time_both(
        f"svdvals/768/{label}", lambda x: np.linalg.svd(x, compute_uv=False), torch.linalg.svdvals, square
    )
    if dtype == np.float32:
        time_both(f"gram/8192x768/{label}", blocked_gram, torch_blocked_gram, draw(8192, 768, dtype))

if __name__ == "__main__":
    suite.main()
