"""Python peers of trust-metrics' scoring: sacrebleu, jiwer, rapidfuzz, rouge-score, scikit-learn, scipy and
numpy on 100,000 pairs of texts, a million labels, and resamples, called as their documentation shows.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy loads its libraries

import math
import statistics

import jiwer
import numpy as np
import rapidfuzz
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU
from scipy import stats
from sklearn import metrics

from corpus import SplitMix64, corpus
from harness import Suite

suite = Suite()
_TEXTS = {}


def texts(n=100_000):
    if n not in _TEXTS:
        _TEXTS[n] = corpus(n)
    return _TEXTS[n]


@suite.check
def values_are_the_published_ones():
    hypotheses, references = texts(2000)
    distance = rapidfuzz.distance.Levenshtein.distance
    edits = sum(distance(r.split(), h.split()) for h, r in zip(hypotheses, references))
    words = sum(len(r.split()) for r in references)
    assert abs(jiwer.wer(references, hypotheses) - edits / words) < 1e-12
    truth, predicted = labels(1000)
    assert 0.55 < metrics.f1_score(truth, predicted, average="macro") < 0.8


@suite.check
def the_exact_permutation_test_is_the_enumeration():
    d = np.array([0.3, -0.1, 0.5, 0.2, -0.4])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1)
    expected = np.mean(np.abs(d @ signs) >= abs(d.sum()) - 1e-12)
    assert abs(permutation(d) - expected) < 1e-12


def on_texts(function, n=100_000):
    """A timing's `prepare`: the corpus is made before the clock starts."""

    def prepare():
        pair = texts(n)
        return lambda: function(*pair)

    return prepare


def bleu(tokenize):
    return lambda hypotheses, references: BLEU(tokenize=tokenize).corpus_score(hypotheses, [references]).score


def rouge(types):
    def scored(hypotheses, references):
        scorer = rouge_scorer.RougeScorer(types, use_stemmer=False)
        return [scorer.score(r, h) for h, r in zip(hypotheses, references)]

    return scored


def word_distances(hypotheses, references):
    distance = rapidfuzz.distance.Levenshtein.distance
    return sum(distance(r.split(), h.split()) for h, r in zip(hypotheses, references))


def character_distances(hypotheses, references):
    distance = rapidfuzz.distance.Levenshtein.distance
    return sum(distance(r, h) for h, r in zip(hypotheses, references))


def word_subsequences(hypotheses, references):
    similarity = rapidfuzz.distance.LCSseq.similarity
    return sum(similarity(r.split(), h.split()) for h, r in zip(hypotheses, references))


def sentence_bleu(hypotheses, references):
    scorer = BLEU(effective_order=True)
    return statistics.fmean(scorer.sentence_score(h, [r]).score for h, r in zip(hypotheses, references))


def paired_bootstrap(hypotheses, references):
    from sacrebleu.significance import PairedTest

    swapped = [hypotheses[i ^ 1] for i in range(len(hypotheses))]
    test = PairedTest(
        [("one", hypotheses), ("other", swapped)], {"BLEU": BLEU(references=[references])},
        references=None, test_type="bs", n_samples=1000,
    )
    return test()


suite.time("bleu_13a/100k", "sacrebleu", on_texts(bleu("13a")))
suite.time("bleu_none/100k", "sacrebleu", on_texts(bleu("none")))
suite.time("wer/100k", "jiwer", on_texts(lambda h, r: jiwer.wer(r, h)))
suite.time("wer/100k", "rapidfuzz", on_texts(word_distances))
suite.time("cer/100k", "jiwer", on_texts(lambda h, r: jiwer.cer(r, h)))
suite.time("cer/100k", "rapidfuzz", on_texts(character_distances))
suite.time("rouge_l/100k", "rouge-score", on_texts(rouge(["rougeL"])))
suite.time("rouge_l/100k", "rapidfuzz", on_texts(word_subsequences))
suite.time("rouge_12/100k", "rouge-score", on_texts(rouge(["rouge1", "rouge2"])))
suite.time("sentence_bleu/5k", "sacrebleu", on_texts(sentence_bleu, 5000))
suite.time("paired_bootstrap/2k", "sacrebleu", on_texts(paired_bootstrap, 2000))


def labels(n):
    rng = SplitMix64(13)
    truth = np.array([rng.below(5) for _ in range(n)])
    predicted = np.array([t if rng.below(100) < 60 else rng.below(5) for t in truth])
    return truth, predicted


def of_labels(score):
    def prepare():
        pair = labels(1_000_000)
        return lambda: score(*pair)

    return prepare


def macro_f1_bootstrap():
    truth, predicted = labels(1000)
    rng = np.random.default_rng(0)

    def resampled():
        for _ in range(1000):
            drawn = rng.integers(0, 1000, 1000)
            metrics.f1_score(truth[drawn], predicted[drawn], average="macro")

    return resampled


def uniforms(n=5000):
    rng = SplitMix64(23)
    return np.array([rng.uniform() for _ in range(n)])


def standard_error():
    """100,000 means as lm-evaluation-harness makes them, a hundredth of them timed and scaled would be
    kinder; here numpy draws in blocks, which is faster than either."""
    x = uniforms()[:1400]

    def drawn():
        rng = np.random.default_rng(0)
        means = [x[rng.integers(0, 1400, (500, 1400))].mean(axis=1) for _ in range(200)]
        return np.concatenate(means).std(ddof=1)

    return drawn


def cluster_mean():
    sums = uniforms().reshape(1000, 5).sum(axis=1)

    def drawn():
        rng = np.random.default_rng(0)
        means = [sums[rng.integers(0, 1000, (500, 1000))].sum(axis=1) / 5000 for _ in range(20)]
        return np.quantile(np.concatenate(means), (0.025, 0.975))

    return drawn


def permutation(d):
    result = stats.permutation_test(
        (d,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=math.inf, batch=4096,
    )
    return result.pvalue


def cosine():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((10_000, 1536), dtype=np.float32) for _ in range(2))
    return lambda: np.einsum("ij,ij->i", a, b) / (
        np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    )


def merge():
    truth, predicted = labels(2000)
    shards = [
        metrics.confusion_matrix(truth[: 1000 + i], predicted[: 1000 + i]).tobytes() for i in range(1000)
    ]
    return lambda: sum(np.frombuffer(shard, dtype=np.int64) for shard in shards)


def refusals():
    rng = SplitMix64(5)

    def words(n):
        return " ".join(f"w{rng.below(3000)}" for _ in range(n))

    phrases = [words(3) for _ in range(500)]
    answers = [words(95) for _ in range(10_000)]
    return lambda: sum(
        sum(phrase in text for phrase in phrases) > 0 for text in (a.lower() for a in answers)
    )


def f1(truth, predicted):
    return metrics.f1_score(truth, predicted, average="macro")


suite.time("labels/1M", "scikit-learn macro F1", of_labels(f1))
suite.time("labels/1M", "scikit-learn kappa", of_labels(metrics.cohen_kappa_score))
suite.time("labels/1M", "scikit-learn MCC", of_labels(metrics.matthews_corrcoef))
suite.time("macro_f1_bootstrap/1000", "scikit-learn", macro_f1_bootstrap)
suite.time("standard_error/100k", "numpy", standard_error)
suite.time("cluster_mean/1000x5", "numpy", cluster_mean)
suite.time("exact_permutation/20", "scipy", lambda: lambda: permutation(uniforms()[:20] - 0.4))
suite.time("cosine/10k", "numpy", cosine)
suite.time("merge/1000", "numpy", merge)
suite.time("refusals/10k", "loop over phrases", refusals)

if __name__ == "__main__":
    suite.main()
