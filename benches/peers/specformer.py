"""Python peers of specformer-msvp: torch and scipy, one thread, f32, entries from N(0, 0.02^2).

power: one step of power iteration on each of the model's query, key and value weights, by a loop of
matrix-vector products: v = W^T u / |.|, u = W v / |.|, sigma = |W v|; u is kept.

power_gradient: the penalty sum of sigma^2 over blocks of columns, one a head, forward and backward
by autograd, written from the formula of SpecFormer's published code: a loop over heads, the vectors
updated without gradient, sigma = u^T W v with it. Ours cuts rows instead of columns, as many blocks.

lanczos: the largest singular value of one matrix by ARPACK (scipy svds, k = 1) to 1e-6.

certificate: the spectral norm of one matrix by a singular value decomposition (torch matrix_norm).
"""

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # before numpy and torch load their libraries

import numpy as np
import torch
from scipy.sparse.linalg import svds

from harness import Suite

torch.set_num_threads(1)
MODELS = {"S": (36, 384, 6), "B": (36, 768, 12), "L": (72, 1024, 16)}
suite = Suite()


def draw(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy((0.02 * rng.standard_normal(shape)).astype(np.float32))


def unit(x):
    return x / (x.norm() + 1e-12)


def power_step(weights, us):
    sigmas = []
    for i, w in enumerate(weights):
        v = unit(w.t() @ us[i])
        x = w @ v
        sigma = x.norm()
        us[i] = x / (sigma + 1e-12)
        sigmas.append(sigma)
    return sigmas


def head_penalty(weights, us, vs, heads):
    total = 0.0
    for i, w in enumerate(weights):
        blocks = w.reshape(w.shape[0], heads, -1)
        for h in range(heads):
            block = blocks[:, h, :]
            with torch.no_grad():
                vs[i][h] = unit(block.t() @ us[i][h])
                us[i][h] = unit(block @ vs[i][h])
            sigma = us[i][h] @ (block @ vs[i][h])
            total = total + sigma**2
    return total


@suite.check
def steps_converge_to_the_norm():
    w = draw(40, 30)
    us = [unit(draw(40, seed=1))]
    for _ in range(2000):
        (sigma,) = power_step([w], us)
    exact = np.linalg.svd(w.numpy().astype(np.float64), compute_uv=False)[0]
    assert abs(sigma.item() / exact - 1) < 1e-4
    found = svds(w.numpy(), k=1, tol=1e-6, return_singular_vectors=False)[0]
    assert abs(found / exact - 1) < 1e-5
    assert abs(torch.linalg.matrix_norm(w, ord=2).item() / exact - 1) < 1e-5


@suite.check
def the_penaltys_gradient_is_the_closed_form():
    w = draw(12, 12).requires_grad_()
    us, vs = [[unit(draw(12, seed=s)) for s in (1, 2)]], [[None, None]]
    head_penalty([w], us, vs, 2).backward()
    blocks = w.detach().reshape(12, 2, 6)
    for h in range(2):
        u, v, block = us[0][h], vs[0][h], blocks[:, h, :]
        sigma = u @ (block @ v)
        expected = 2 * sigma * torch.outer(u, v)
        assert torch.allclose(w.grad.reshape(12, 2, 6)[:, h, :], expected, atol=1e-7)


def prepare_power(count, d):
    def prepare():
        weights = [draw(d, d, seed=i) for i in range(count)]
        us = [unit(draw(d, seed=1000 + i)) for i in range(count)]
        return lambda: power_step(weights, us)

    return prepare


def prepare_penalty(count, d, heads):
    def prepare():
        weights = [draw(d, d, seed=i).requires_grad_() for i in range(count)]
        us = [[unit(draw(d, seed=1000 + i)) for _ in range(heads)] for i in range(count)]
        vs = [[None] * heads for _ in range(count)]

        def call():
            head_penalty(weights, us, vs, heads).backward()

        return call

    return prepare


for model, (count, d, heads) in MODELS.items():
    suite.time(f"power/{model}", "torch", prepare_power(count, d))
    suite.time(f"power_gradient/{model}", "published", prepare_penalty(count, d, heads))

for d in (384, 768, 1024):
    w = draw(d, d)
    suite.time(
        f"lanczos/{d}",
        "scipy",
        lambda w=w.numpy(): lambda: svds(w, k=1, tol=1e-6, return_singular_vectors=False),
    )
    suite.time(f"certificate/{d}", "torch", lambda w=w: lambda: torch.linalg.matrix_norm(w, ord=2))

if __name__ == "__main__":
    suite.main()
