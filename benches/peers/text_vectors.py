"""Writes testdata/peers/score_text.json: what sacrebleu, rouge-score, jiwer and nltk say of random
texts in several scripts, with everything that a tokeniser may stumble on.

    benches/peers/.venv/bin/python benches/peers/text_vectors.py

The tests of assay-score compare every number in it; run this again after changing a case, with the
versions that requirements.txt pins. `--fuzz N` writes N random cases from the clock's seed to
standard output instead, for ASSAY_TEXT_VECTORS of the same test.
"""

import json
import pathlib
import random
import sys
import time

import jiwer
import sacrebleu
from nltk.translate.meteor_score import single_meteor_score
from rouge_score import rouge_scorer, tokenize
from nltk.stem.porter import PorterStemmer
from sacrebleu.metrics import BLEU, CHRF, TER

OUT = pathlib.Path(__file__).resolve().parents[2] / "testdata" / "peers" / "score_text.json"

WORDS = (
    "the cat sat on a mat with an apple and the dog runs running ran quickly happily flies dying "
    "news relational conditional generalization hopefulness possibly enjoy enjoyment agreed U.S. "
    "e.g. it's don't 3.14 3,140 1,000.50 covid-19 2019-20 $5 50% #tag @name C++ (yes) [no] {x} "
    "&amp; &lt;b&gt; &quot;q&quot; a/b a\\b x_y --- ... , . ! ? ; : ' \" ` ~ ^ | <skipped> "
    "naïve café Straße İstanbul ΟΔΟΣ привет мир 你好，世界 你好 。 こんにちは 안녕 مرحبا नमस्ते 🍕 👩‍👩‍👧 e\u0301 "
    "我喜欢吃苹果、梨。 東京タワーへ行く。 ｢半角｣｡ （全角）！？ ㌔㍍ ㈱会社 ⺀部首 ﹁縦﹂ カタカナ・ひらがな 한국어． "
    "“quoted” ‘single’ « olá » … – — ½ ² Ⅷ ٣ ١٢٣ ₹100 №5 © ™ → ∑ _the_ THE An"
).split()
SPACES = [" "] * 12 + ["  ", "\t", " \u00a0", "\u3000", "\n", " \n ", "-\n"]


class Synonymless:
    def synsets(self, word):
        return []


def sentence(rng, most=14):
    n = rng.choice([0, 1, 2, 3, 5, 8, most])
    return "".join(
        part for _ in range(n) for part in (rng.choice(WORDS), rng.choice(SPACES)))


def edited(rng, text):
    """A text that shares most of another: words dropped, doubled, swapped, moved, replaced."""
    words = text.split(" ")
    for _ in range(rng.randrange(4)):
        if not words:
            break
        i, j = rng.randrange(len(words)), rng.randrange(len(words))
        match rng.randrange(5):
            case 0:
                del words[i]
            case 1:
                words.insert(i, words[j])
            case 2:
                words[i], words[j] = words[j], words[i]
            case 3:
                words = words[i:] + words[:i]
            case 4:
                words[i] = rng.choice(WORDS)
    return " ".join(words)


BLEUS = {
    "13a": {}, "intl": {"tokenize": "intl"}, "char": {"tokenize": "char"},
    "none_lc": {"tokenize": "none", "lowercase": True},
    "floor": {"smooth_method": "floor"}, "add-k": {"smooth_method": "add-k"},
    "no_smooth": {"smooth_method": "none"}, "eff": {"effective_order": True},
    "order2": {"max_ngram_order": 2},
}
CHRFS = {
    "chrf": {}, "chrf++": {"word_order": 2}, "beta1_ws": {"beta": 1, "whitespace": True},
    "lc_eps": {"lowercase": True, "eps_smoothing": True, "word_order": 1},
}
TERS = {
    "ter": {}, "case": {"case_sensitive": True}, "norm": {"normalized": True},
    "no_punct": {"no_punct": True, "normalized": True},
    "asian": {"asian_support": True},
    "asian_norm": {"asian_support": True, "normalized": True},
    "asian_no_punct": {"asian_support": True, "no_punct": True},
    "asian_both": {"asian_support": True, "no_punct": True, "normalized": True},
}


def score(hypotheses, references):
    """`references` is a list for each segment, all of one length."""
    transposed = [list(column) for column in zip(*references)]
    out = {"bleu": {}, "chrf": {}, "ter": {}}
    for name, options in BLEUS.items():
        out["bleu"][name] = BLEU(**options).corpus_score(hypotheses, transposed).score
    for name, options in CHRFS.items():
        out["chrf"][name] = CHRF(**options).corpus_score(hypotheses, transposed).score
    for name, options in TERS.items():
        out["ter"][name] = TER(**options).corpus_score(hypotheses, transposed).score
    out["rouge"] = []
    types = ["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"]
    for stemmer in (False, True):
        scorer = rouge_scorer.RougeScorer(types, use_stemmer=stemmer)
        rows = [scorer.score_multi(refs, hyp) for hyp, refs in zip(hypotheses, references)]
        out["rouge"].append([[list(row[kind]) for kind in types] for row in rows])
    out["meteor"] = [
        single_meteor_score(refs[0].split(), hyp.split(), wordnet=Synonymless())
        for hyp, refs in zip(hypotheses, references)]
    first = [refs[0] for refs in references]
    words = jiwer.process_words(first, hypotheses)
    out["wer"] = [words.wer, words.mer, words.wip, words.hits, words.substitutions,
                  words.deletions, words.insertions]
    characters = jiwer.process_characters(first, hypotheses)
    out["cer"] = [characters.cer, characters.hits, characters.substitutions,
                  characters.deletions, characters.insertions]
    return out


def cases(seed, count):
    rng = random.Random(seed)
    for index in range(count):
        segments = rng.choice([1, 1, 2, 4])
        per_segment = rng.choice([1, 1, 2, 3])
        hypotheses, references = [], []
        for _ in range(segments):
            base = sentence(rng, rng.choice([14, 14, 14, 90]))
            hypotheses.append(base)
            references.append([
                rng.choice([edited(rng, base), edited(rng, base), sentence(rng), base])
                for _ in range(per_segment)])
        yield {"hypotheses": hypotheses, "references": references,
               "expected": score(hypotheses, references)}


def stems():
    rng = random.Random(7)
    suffixes = ("s es ies ied ed ing eed ational tional enci anci izer bli abli alli entli eli ousli "
                "ization ation ator alism iveness fulness ousness aliti iviti biliti logi fulli "
                "icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment "
                "ent ion sion tion ou ism ate iti ous ive ize e ll y yy").split()
    starts = "b tr y sky ab syz ied hop tann fall fizz fil control rat rel po ag conflat é 日本 x1".split()
    words = sorted({rng.choice(starts) + "".join(rng.choice(suffixes) for _ in range(rng.choice([1, 1, 2])))
                    for _ in range(900)} | {"", "a", "is", "sky", "skies", "news", "dying", "howe"})
    extended = PorterStemmer()
    original = PorterStemmer(mode=PorterStemmer.ORIGINAL_ALGORITHM)
    rows = []
    for word in words:
        try:
            rows.append([word, extended.stem(word), original.stem(word)])
        except IndexError:
            pass  # nltk asks for the last letter of an empty stem
    return rows


if __name__ == "__main__":
    fuzz = sys.argv[1:2] == ["--fuzz"]
    seed = time.time_ns() if fuzz else 20261124
    document = {
        "versions": {"sacrebleu": sacrebleu.__version__, "rouge-score": "0.1.2", "jiwer": "4.0.0",
                     "nltk": "3.10.4"},
        "cases": list(cases(seed, int(sys.argv[2]) if fuzz else 160)),
        "stems": stems(),
    }
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"
    if fuzz:
        sys.stdout.write(text)
    else:
        OUT.write_text(text)
        print(f"{len(document['cases'])} cases in {OUT}")
