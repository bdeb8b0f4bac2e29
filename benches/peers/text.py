"""Python peers of assay-score's text measures and tests: sacrebleu, rouge-score, jiwer, rapidfuzz,
nltk, scipy and scikit-learn, called as their documentation shows, on the same synthetic corpus.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy loads its libraries

import jiwer
import numpy as np
import rapidfuzz
from nltk.translate.meteor_score import single_meteor_score
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF
from scipy import stats

from corpus import SplitMix64, corpus
from harness import Suite

suite = Suite()
HYPOTHESES, REFERENCES = corpus()


class NoSynonyms:
    def synsets(self, word):
        return []


@suite.check
def scores_are_the_published_ones():
    assert abs(bleu("13a") - 45.0342857853595) < 1e-9
    assert abs(jiwer.wer(REFERENCES, HYPOTHESES) - 0.2938840130958604) < 1e-9
    assert distances() == 117_501


def bleu(tokenize):
    return BLEU(tokenize=tokenize).corpus_score(HYPOTHESES, [REFERENCES]).score


def chrf(word_order):
    return CHRF(word_order=word_order).corpus_score(HYPOTHESES, [REFERENCES]).score


def rouge(types, stemmer):
    scorer = rouge_scorer.RougeScorer(types, use_stemmer=stemmer)
    return [scorer.score(r, h) for h, r in zip(HYPOTHESES, REFERENCES)]


def distances():
    distance = rapidfuzz.distance.Levenshtein.distance
    return sum(distance(r.split(), h.split()) for h, r in zip(HYPOTHESES, REFERENCES))


def meteor():
    pairs = zip(HYPOTHESES[:2000], REFERENCES[:2000])
    return [single_meteor_score(r.split(), h.split(), wordnet=NoSynonyms()) for h, r in pairs]


def sentence_bleu():
    scorer = BLEU(effective_order=True)
    pairs = zip(HYPOTHESES[:2000], REFERENCES[:2000])
    return sum(scorer.sentence_score(h, [r]).score for h, r in pairs)


def bootstrap():
    return BLEU().corpus_score(HYPOTHESES, [REFERENCES], n_bootstrap=1000)


def call(function, *arguments):
    """A timing's `prepare`: nothing is prepared, for the corpus is made once."""
    return lambda: lambda: function(*arguments)


suite.time("bleu_13a/20k", "sacrebleu", call(bleu, "13a"))
suite.time("bleu_none/20k", "sacrebleu", call(bleu, "none"))
suite.time("chrf/20k", "sacrebleu", call(chrf, 0))
suite.time("chrf++/20k", "sacrebleu", call(chrf, 2))
suite.time("rouge_l/20k", "rouge-score", call(rouge, ["rougeL"], False))
suite.time("rouge_12l/20k", "rouge-score", call(rouge, ["rouge1", "rouge2", "rougeL"], False))
suite.time("rouge_1_stem/20k", "rouge-score", call(rouge, ["rouge1"], True))
suite.time("wer/20k", "jiwer", call(jiwer.wer, REFERENCES, HYPOTHESES))
suite.time("wer/20k", "rapidfuzz", call(distances))
suite.time("cer/20k", "jiwer", call(jiwer.cer, REFERENCES, HYPOTHESES))
suite.time("meteor/2k", "nltk", call(meteor))
suite.time("sentence_bleu/2k", "sacrebleu", call(sentence_bleu))
suite.time("bleu_bootstrap/20k", "sacrebleu", call(bootstrap))


def chi_square():
    rng = SplitMix64(11)
    tables = [[[1 + rng.below(200) for _ in range(4)] for _ in range(3)] for _ in range(20_000)]
    return lambda: sum(stats.chi2_contingency(table).pvalue for table in tables)


def correlated(test, n=200_000):
    def prepare():
        rng = SplitMix64(17)
        x = np.array([rng.uniform() for _ in range(n)])
        y = 0.5 * x + np.array([rng.uniform() for _ in range(n)])
        return lambda: test(x, y)
    return prepare


suite.time("chi_square/20k", "scipy", chi_square)
suite.time("pearson/200k", "scipy", correlated(stats.pearsonr))
suite.time("spearman/200k", "scipy", correlated(stats.spearmanr))
suite.time("kendall/200k", "scipy", correlated(stats.kendalltau))
suite.time("kendall/5k", "scipy", correlated(stats.kendalltau, 5000))

if __name__ == "__main__":
    suite.main()
