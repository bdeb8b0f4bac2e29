"""Python peers of culture-augment: synonyms, distinct-n, MinHash, self-BLEU.

The workload is the generator of the golden case `bench_corpus`: sentences of 15 tokens from WordNet's
most counted words (Debian: wordnet-base). nlpaug asks NLTK for tags, whose tagger needs data that is
not here; tags come from a table of the generator's own words instead, which costs nothing, so that
nlpaug's time is a lower bound.
"""

import collections
import hashlib
import os
import pathlib
import re
import shutil
import tempfile

import nltk
from datasketch import MinHash
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from harness import Suite

suite = Suite()
FOLDER = pathlib.Path(os.environ.get("WORDNET_DIR", "/usr/share/wordnet"))
MASK = (1 << 64) - 1


def splitmix(seed):
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def ranked(name):
    found = []
    for line in (FOLDER / f"index.{name}").read_text().splitlines():
        fields = line.split()
        if not line.startswith(" ") and re.fullmatch("[a-z]{4,9}", fields[0]):
            found.append((-int(fields[5 + int(fields[3])]), fields[0]))
    return [word for _, word in sorted(found)]


def vocabulary():
    nouns = ranked("noun")[:500]
    used, lists = set(nouns), [nouns]
    for name, count in (("verb", 300), ("adj", 200), ("adv", 100)):
        words = [word for word in ranked(name)[:1500] if word not in used][:count]
        used |= set(words)
        lists.append(words)
    return lists


NOUNS, VERBS, ADJECTIVES, ADVERBS = vocabulary()


def sentences(seed, count):
    n, v, a, r = NOUNS, VERBS, ADJECTIVES, ADVERBS
    numbers = splitmix(seed)
    made = []
    for _ in range(count):
        w = [words[next(numbers) % len(words)] for words in (a, n, v, n, r, n, v, a, n)]
        made.append(
            f"The {w[0]} {w[1]} {w[2]} the {w[3]} {w[4]} and the {w[5]} {w[6]} a {w[7]} {w[8]} ."
        )
    return made


def documents():
    made, numbers = sentences(43, 100_000), splitmix(44)
    for i in range(4, len(made), 5):
        words = made[i - 1].split(" ")
        words[5] = NOUNS[next(numbers) % 500]
        made[i] = " ".join(words)
    return made


LEXNAMES = """adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute
noun.body noun.cognition noun.communication noun.event noun.feeling noun.food noun.group noun.location
noun.motive noun.object noun.person noun.phenomenon noun.plant noun.possession noun.process
noun.quantity noun.relation noun.shape noun.state noun.substance noun.time verb.body verb.change
verb.cognition verb.communication verb.competition verb.consumption verb.contact verb.creation
verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative verb.weather
adj.ppl""".split()


def augmenter():
    """nlpaug's synonym augmenter on Debian's files, to which NLTK wants a list of lexicographer files."""
    home = pathlib.Path(tempfile.mkdtemp())
    corpus = home / "corpora" / "wordnet"
    corpus.mkdir(parents=True)
    for file in FOLDER.iterdir():
        if file.is_file():
            shutil.copy(file, corpus)  # NLTK follows no links
    number = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
    lines = (f"{i:02}\t{name}\t{number[name.split('.')[0]]}" for i, name in enumerate(LEXNAMES))
    (corpus / "lexnames").write_text("\n".join(lines) + "\n")
    (corpus / "index.sense").touch()  # wanted, not read
    nltk.data.path.insert(0, str(home))
    tags = {word: "NN" for word in NOUNS}
    tags |= {word: "VB" for word in VERBS} | {word: "JJ" for word in ADJECTIVES}
    tags |= {word: "RB" for word in ADVERBS}
    import nlpaug.augmenter.word as words
    from nlpaug.model.word_dict import WordNet

    WordNet.pos_tag = classmethod(
        lambda _cls, tokens: [(token, tags.get(token.lower(), "DT")) for token in tokens]
    )
    made = words.SynonymAug(aug_src="wordnet")
    made.augment("The rough couple greet the allowance .")  # loads WordNet
    return made


@suite.check
def the_corpus_is_the_golden_one():
    joined = "\n".join(sentences(42, 10_000)).encode()
    assert hashlib.sha256(joined).hexdigest().startswith("e88bd8ac8158")


@suite.check
def nlpaug_replaces_words_by_synonyms():
    before = sentences(42, 1)[0]
    after = augmenter().augment(before)[0]
    assert after != before and len(after.split()) >= 14, after


def distinct(texts, n):
    seen, total = set(), 0
    for text in texts:
        words = text.split()
        for i in range(len(words) - n + 1):
            seen.add(tuple(words[i : i + n]))
            total += 1
    return len(seen), total


@suite.check
def distinct_is_counted():
    assert distinct(["a a a a"], 2) == (1, 3)


def self_bleu(texts):
    split = [text.split() for text in texts]
    smooth = SmoothingFunction().method1
    return sum(
        sentence_bleu(split[:i] + split[i + 1 :], own, smoothing_function=smooth)
        for i, own in enumerate(split)
    ) / len(split)


@suite.check
def self_bleu_of_copies_is_one():
    assert abs(self_bleu(["one two three four"] * 2) - 1) < 1e-12


def shingles(texts):
    made = []
    for text in texts:
        words = text.split()
        made.append([" ".join(words[i : i + 3]).encode() for i in range(len(words) - 2)])
    return made


def prepare_synonyms():
    texts, augment = sentences(42, 2_000), augmenter().augment
    return lambda: [augment(text) for text in texts]


suite.time("synonyms/2000", "nlpaug", prepare_synonyms)
for n in (1, 2, 3, 4):
    suite.time(f"distinct/{n}", "python", lambda n=n: (lambda d: lambda: distinct(d, n))(documents()))
suite.time(
    "minhash/10000", "datasketch",
    lambda: (lambda d: lambda: MinHash.bulk(shingles(d), num_perm=128, seed=1))(documents()[:10_000]),
)
suite.time("self_bleu/200", "nltk", lambda: (lambda d: lambda: self_bleu(d))(sentences(42, 200)))

if __name__ == "__main__":
    suite.main()
