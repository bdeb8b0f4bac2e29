"""Python peers of glws-nfa: log Z of every bag and the posterior of every instance.

Input of every peer: the instances' logits, [bags, length, 2 classes] in f32, drawn from N(0, 1);
the softmax is inside the timing. Output: log Z [bags] and gamma = P(label 1 | supervision)
[bags, length]; ours also writes P(label 0 | supervision).

hmmlearn: the compiled recursions `_hmmc` are called directly, one call a bag as its own
`score_samples` does; everything around them is vectorised over bags with numpy. A supervision
becomes a hidden Markov model whose state is (automaton state after the instance, label of the
instance):
- the label is part of the state because an HMM emits from states, not from arcs;
- "frame probabilities" are p(label), start and transition weights are 0 or 1, so the "log
  probability" returned is log Z with no constant to subtract (rows need not sum to one);
- acceptance: hmmlearn's backward recursion starts from ones, so the states in which a bag may not
  end get frame probability 0 at the last instance, which is the same product with the acceptance
  indicator moved one factor to the left;
- multiple instances: 3 states (none yet, 0), (seen, 0), (seen, 1); count m: 2m + 1 states (j, 0)
  for j = 0..m and (j, 1) for j = 1..m; pairs: 2 states with the identity as transitions.

torch-struct: the linear chain runs over automaton states, and the two symbols are folded into the
edges (label 0 keeps the count, label 1 raises it); the edge marginals then give gamma. One
partition with its gradient is timed, rather than the `partition` and `marginals` properties, which
would run the forward pass twice.

torch: what somebody who knows the formulas would write, vectorised over bags.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch load their libraries

import itertools

import numpy as np
import torch
import torch_struct
from hmmlearn import _hmmc

from harness import Suite

BAGS = 64
PAIRS = 4096
IMPOSSIBLE = -1e9  # a log weight that torch-struct's recursions survive; -inf makes its gradient NaN

torch.set_num_threads(1)
torch.set_flush_denormal(True)  # else the tails of the linear-domain counts run on denormals


def margin(logits):
    """z with p(label 1) = sigmoid(z)."""
    return logits[..., 1] - logits[..., 0]


# Hidden Markov models for hmmlearn ---------------------------------------------------------------


class LabelHmm:
    """A supervision of binary labels as an HMM: see the head of this file."""

    def __init__(self, start, transitions, labels, accepting):
        self.start = np.array(start, dtype=float)
        self.transitions = np.array(transitions, dtype=float)
        self.labels = np.array(labels)
        self.rejecting = ~np.array(accepting, dtype=bool)
        self.indicator = np.stack([self.labels == 0, self.labels == 1], axis=1).astype(float)

    @staticmethod
    def multiple_instances():
        """At least one label 1."""
        return LabelHmm([1, 0, 1], [[1, 0, 1], [0, 1, 1], [0, 1, 1]], [0, 0, 1], [0, 1, 1])

    @staticmethod
    def count(m):
        """Exactly m labels 1."""
        states = [(j, 0) for j in range(m + 1)] + [(j, 1) for j in range(1, m + 1)]
        return LabelHmm(
            [after == label for after, label in states],
            [[after == before + label for after, label in states] for before, _ in states],
            [label for _, label in states],
            [after == m for after, _ in states],
        )

    @staticmethod
    def similar_pair():
        """Both labels equal."""
        return LabelHmm([1, 1], np.eye(2), [0, 1], [1, 1])

    def frames(self, logits):
        """Frame probabilities [bags, length, states]; p(0) = sigmoid(-z), so neither cancels."""
        z = margin(logits.astype(np.float64))
        odds = np.exp(-np.abs(z))
        larger = 1 / (1 + odds)
        smaller = odds * larger
        positive = z >= 0
        p = np.stack([np.where(positive, smaller, larger), np.where(positive, larger, smaller)], axis=-1)
        frames = p[:, :, self.labels]
        frames[:, -1, self.rejecting] = 0
        return frames

    def scaling(self, logits):
        """Forward and backward with scaling."""
        frames = self.frames(logits)
        log_z = np.empty(len(logits))
        joint = np.empty_like(frames)
        for b, frame in enumerate(frames):
            log_z[b], forward, scales = _hmmc.forward_scaling(self.start, self.transitions, frame)
            backward = _hmmc.backward_scaling(self.start, self.transitions, frame, scales)
            np.multiply(forward, backward, out=joint[b])
        by_label = joint @ self.indicator
        return log_z, by_label[..., 1] / by_label.sum(axis=-1)

    def viterbi(self, logits):
        """The likeliest labels of each bag and their log weight."""
        with np.errstate(divide="ignore"):
            frames = np.log(self.frames(logits))
        found = [_hmmc.viterbi(self.start, self.transitions, frame) for frame in frames]
        return np.array([log_weight for log_weight, _ in found]), self.labels[[path for _, path in found]]

    def log(self, logits):
        """Forward and backward in log space."""
        with np.errstate(divide="ignore"):
            frames = np.log(self.frames(logits))
        log_z = np.empty(len(logits))
        joint = np.empty_like(frames)
        for b, frame in enumerate(frames):
            log_z[b], forward = _hmmc.forward_log(self.start, self.transitions, frame)
            backward = _hmmc.backward_log(self.start, self.transitions, frame)
            np.add(forward, backward, out=joint[b])
        joint -= log_z[:, None, None]
        return log_z, np.exp(joint) @ self.indicator[:, 1]


# torch-struct ------------------------------------------------------------------------------------


def struct_posteriors(edges):
    """log Z and edge marginals of a linear chain; edges are [bags, length, to, from]."""
    log_z, (potentials,) = torch_struct.LinearChain().logpartition(edges.requires_grad_(), force_grad=True)
    (marginals,) = torch.autograd.grad(log_z.sum(), potentials)
    return log_z[0].detach(), marginals[0]


def struct_multiple_instances(logits):
    z = margin(torch.from_numpy(logits))
    log_p0, log_p1 = -torch.nn.functional.softplus(z), -torch.nn.functional.softplus(-z)
    edges = torch.full((*z.shape, 2, 2), IMPOSSIBLE)
    edges[:, :, 0, 0] = log_p0
    edges[:, :, 1, 0] = log_p1
    edges[:, :, 1, 1] = 0  # both labels
    edges[:, 0, :, 1] = IMPOSSIBLE  # start in "none yet"
    edges[:, -1, 0, :] = IMPOSSIBLE  # end in "seen"
    log_z, marginals = struct_posteriors(edges)
    return log_z, marginals[:, :, 1, 0] + marginals[:, :, 1, 1] * log_p1.exp()


def struct_count(logits, m):
    z = margin(torch.from_numpy(logits))
    j = torch.arange(m + 1)
    edges = torch.full((*z.shape, m + 1, m + 1), IMPOSSIBLE)
    edges[:, :, j, j] = -torch.nn.functional.softplus(z)[..., None]
    edges[:, :, j[1:], j[:-1]] = -torch.nn.functional.softplus(-z)[..., None]
    edges[:, 0, :, 1:] = IMPOSSIBLE
    edges[:, -1, :m, :] = IMPOSSIBLE
    log_z, marginals = struct_posteriors(edges)
    return log_z, marginals[:, :, j[1:], j[:-1]].sum(-1)


# torch -------------------------------------------------------------------------------------------


@torch.no_grad()
def torch_multiple_instances(logits):
    """The closed form: Z = 1 - prod p(0), gamma = p(1) / Z."""
    z = margin(torch.from_numpy(logits))
    mass = -torch.expm1(-torch.nn.functional.softplus(z).sum(1))
    return mass.log(), torch.sigmoid(z) / mass[:, None]


@torch.no_grad()
def torch_similar_pair(logits):
    """log Z = log sum_c p(c) p'(c), gamma(c) = p(c) p'(c) / Z."""
    joint = torch.log_softmax(torch.from_numpy(logits), dim=2).sum(1)
    log_z = joint.logsumexp(1)
    return log_z, (joint - log_z[:, None]).exp()


def steps(length, values_a_step):
    """Slices of the steps, each small enough for its temporaries to stay in the cache."""
    stride = max(1, 2**18 // values_a_step)
    return [slice(first, min(first + stride, length)) for first in range(0, length, stride)]


def both_sides(x, m, start, nothing):
    """`x` [bags, length] and its reverse, and the table that a recursion fills for both at once.

    table[i, side, bag, 1 + j] is about "j ones among the first i of that side"; column 0 means
    j = -1 and holds `nothing`. At i = 0 only j = 0 is possible, with the value `start`.
    """
    bags, length = x.shape
    table = torch.empty((length + 1, 2, bags, m + 2), dtype=x.dtype)
    table[..., 0] = nothing
    table[0] = nothing
    table[0, :, :, 1] = start
    return torch.stack([x, x.flip(1)])[..., None], table


@torch.no_grad()
def torch_count_log(logits, m):
    """Elementary symmetric polynomials of exp(z) in log space, in f32."""
    z = margin(torch.from_numpy(logits))
    bags, length = z.shape
    both, table = both_sides(z, m, 0, -torch.inf)
    for i in range(length):
        before = table[i]
        torch.logaddexp(before[..., 1:], before[..., :-1] + both[:, :, i], out=table[i + 1, ..., 1:])
    total = table[length, 0, :, m + 1]
    prefix, suffix = table[:length, 0, :, 1 : m + 1], table[:length, 1, :, 1 : m + 1]
    others = torch.empty((length, bags))
    for here in steps(length, bags * m):
        mirrored = suffix[length - here.stop : length - here.start].flip(0, 2)
        torch.logsumexp(prefix[here] + mirrored, 2, out=others[here])
    return total - torch.nn.functional.softplus(z).sum(1), (others.T + z - total[:, None]).exp()


@torch.no_grad()
def torch_count_linear(logits, m):
    """The Poisson-binomial recursion in f64, where P(count = m) of these workloads does not underflow."""
    z = margin(torch.from_numpy(logits).double())
    bags, length = z.shape
    p = torch.sigmoid(z)
    both, table = both_sides(p, m, 1, 0)
    complement = torch.sigmoid(torch.stack([-z, -z.flip(1)]))[..., None]
    for i in range(length):
        before, after = table[i], table[i + 1, ..., 1:]
        torch.mul(before[..., 1:], complement[:, :, i], out=after)
        after.addcmul_(before[..., :-1], both[:, :, i])
    total = table[length, 0, :, m + 1]
    prefix, suffix = table[:length, 0, :, 1 : m + 1], table[:length, 1, :, 1 : m + 1]
    others = torch.empty((length, bags), dtype=torch.float64)
    for here in steps(length, bags * m):
        mirrored = suffix[length - here.stop : length - here.start].flip(0, 2)
        torch.sum(prefix[here] * mirrored, 2, out=others[here])
    return total.log(), others.T * p / total[:, None]


# Checks ------------------------------------------------------------------------------------------


def draw(bags, length, seed=0, scale=1):
    return np.random.default_rng(seed).normal(0, scale, (bags, length, 2)).astype(np.float32)


def enumerate_labels(logits, accepts):
    """log Z and gamma by summing over all 2^length label sequences, in f64."""
    weights = np.exp(logits.astype(np.float64))
    log_z, gamma = [], []
    for p in weights / weights.sum(axis=2, keepdims=True):
        total, ones = 0.0, np.zeros(len(p))
        for labels in itertools.product((0, 1), repeat=len(p)):
            if accepts(labels):
                mass = np.prod([p[i, label] for i, label in enumerate(labels)])
                total += mass
                ones += mass * np.array(labels)
        log_z.append(np.log(total))
        gamma.append(ones / total)
    return np.array(log_z), np.array(gamma)


def assert_equal(what, found, expected, tolerance):
    for name, left, right in zip(("log Z", "gamma"), found, expected):
        error = np.abs(np.asarray(left) - np.asarray(right)).max()
        if not error <= tolerance:  # also catches NaN
            raise AssertionError(f"{what}: {name} is off by {error:.1e}, allowed {tolerance:.0e}")


F64, F32 = 1e-12, 2e-5
suite = Suite()


@suite.check
def multiple_instances_equal_enumeration():
    for length in (2, 7):
        logits = draw(4, length, seed=1, scale=2)
        expected = enumerate_labels(logits, any)
        hmm = LabelHmm.multiple_instances()
        assert_equal("hmmlearn scaling", hmm.scaling(logits), expected, F64)
        assert_equal("hmmlearn log", hmm.log(logits), expected, F64)
        assert_equal("torch-struct", struct_multiple_instances(logits), expected, F32)
        assert_equal("torch closed form", torch_multiple_instances(logits), expected, F32)


@suite.check
def counts_equal_enumeration():
    length = 7
    logits = draw(4, length, seed=2, scale=2)
    for m in range(1, length):
        expected = enumerate_labels(logits, lambda labels: sum(labels) == m)
        hmm = LabelHmm.count(m)
        assert_equal("hmmlearn scaling", hmm.scaling(logits), expected, F64)
        assert_equal("hmmlearn log", hmm.log(logits), expected, F64)
        assert_equal("torch-struct", struct_count(logits, m), expected, F32)
        assert_equal("torch log", torch_count_log(logits, m), expected, F32)
        assert_equal("torch linear", torch_count_linear(logits, m), expected, F64)


@suite.check
def the_likeliest_counts_are_those_of_enumeration():
    length, m = 7, 3
    logits = draw(4, length, seed=5, scale=2)
    log_p = np.log(np.exp(logits.astype(np.float64)) / np.exp(logits.astype(np.float64)).sum(2, keepdims=True))
    candidates = [labels for labels in itertools.product((0, 1), repeat=length) if sum(labels) == m]
    weights = np.array([[sum(p[i, y] for i, y in enumerate(labels)) for labels in candidates] for p in log_p])
    expected = weights.max(1), np.array(candidates)[weights.argmax(1)]
    assert_equal("hmmlearn viterbi", LabelHmm.count(m).viterbi(logits), expected, F64)


@suite.check
def pairs_equal_enumeration():
    logits = draw(50, 2, seed=3, scale=2)
    expected = enumerate_labels(logits, lambda labels: labels[0] == labels[1])
    hmm = LabelHmm.similar_pair()
    assert_equal("hmmlearn scaling", hmm.scaling(logits), expected, F64)
    log_z, gamma = torch_similar_pair(logits)
    assert_equal("torch closed form", (log_z, gamma[:, 1:].repeat(1, 2)), expected, F32)


@suite.check
def large_counts_have_mean_m_and_agree():
    # Enumeration cannot reach the sizes that are timed; sum_i gamma_i = m for any exact count.
    for length, m, log_tolerance in ((100, 10, 1e-3), (100, 50, 1e-3), (1000, 100, 1e-2), (1000, 500, 1e-2)):
        logits = draw(4, length, seed=4)
        log_z, gamma = torch_count_linear(logits, m)
        assert_equal("torch linear", (log_z, gamma.sum(1)), (log_z, np.full(4, m)), 1e-9)
        assert_equal("torch log", torch_count_log(logits, m), (log_z, gamma), log_tolerance)
        if m < 100:
            assert_equal("hmmlearn scaling", LabelHmm.count(m).scaling(logits), (log_z, gamma), 1e-9)


# Workloads ---------------------------------------------------------------------------------------


def on(logits, function, *parameters):
    """A timing's `prepare`: input made before the clock starts."""
    return lambda: lambda: function(logits, *parameters)


for length in (10, 100, 1000):
    name, logits, hmm = f"mil/64x{length}", draw(BAGS, length), LabelHmm.multiple_instances()
    suite.time(name, "hmmlearn scaling", on(logits, hmm.scaling))
    suite.time(name, "hmmlearn log", on(logits, hmm.log))
    suite.time(name, "torch-struct", on(logits, struct_multiple_instances))
    suite.time(name, "torch closed form", on(logits, torch_multiple_instances))

for length, m in ((10, 5), (100, 10), (100, 50), (1000, 100), (1000, 500)):
    name, logits, hmm = f"count/64x{length}/m{m}", draw(BAGS, length), LabelHmm.count(m)
    if m < 100:
        suite.time(name, "hmmlearn scaling", on(logits, hmm.scaling))
    else:
        suite.leave_out(name, "hmmlearn scaling", "dense transitions of 2m + 1 states: 11 s a run at m = 100")
    if m < 100:
        suite.time(name, "hmmlearn log", on(logits, hmm.log))
    else:
        suite.leave_out(name, "hmmlearn log", "4 to 10 times slower than hmmlearn scaling where both run")
    if m <= 10:
        suite.time(name, "torch-struct", on(logits, struct_count, m))
    else:
        suite.leave_out(name, "torch-struct", "needs length x (m + 1)^3 values a bag")
    suite.time(name, "torch log f32", on(logits, torch_count_log, m))
    suite.time(name, "torch linear f64", on(logits, torch_count_linear, m))

logits = draw(BAGS, 100)
suite.time("viterbi/64x100/m10", "hmmlearn viterbi", on(logits, LabelHmm.count(10).viterbi))

pairs = draw(PAIRS, 2)
suite.time("pairs/4096", "hmmlearn scaling", on(pairs, LabelHmm.similar_pair().scaling))
suite.time("pairs/4096", "torch closed form", on(pairs, torch_similar_pair))

if __name__ == "__main__":
    suite.main()
