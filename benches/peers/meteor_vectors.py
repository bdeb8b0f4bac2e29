"""Writes testdata/peers/meteor_wordnet.json: what nltk's METEOR says with WordNet's synonyms.

    benches/peers/.venv/bin/python benches/peers/meteor_vectors.py [FOLDER OF WORDNET 3.0]

Two lists of pairs: `own` with a WordNet of a few lines, which is written to testdata/wordnet in the
format of the published files, so that the test needs nothing installed; `published` with WordNet 3.0
(Debian's wordnet-base in /usr/share/wordnet unless named), which the test compares where it finds it.
"""

import json
import pathlib
import random
import shutil
import sys
import tempfile

import nltk
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.translate.meteor_score import single_meteor_score

DATA = pathlib.Path(__file__).resolve().parents[2] / "testdata"
NAMES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
SETS = {
    "n": ["cat feline", "child kid young_one", "automobile car machine", "knife blade", "party affair",
          "wolf canid", "calf young", "Paris capital", "march walk", "hot_dog frank", "church temple",
          "machine contraption", "fox dodger", "glass spectacles", "woman lady", "Mark mark"],
    "v": ["sit sitting", "run go", "study examine", "stop halt", "make create", "march parade",
          "fix mend repair", "go travel", "see watch"],
    "a": ["happy glad", "big large", "able(p) capable", "good right(a)", "nice pleasant", "glad willing"],
    "r": ["quickly fast", "well good", "well_known famously"],
}
EXCEPTIONS = {
    "n": ["children child", "knives knife", "wolves wolf", "women woman"],
    "v": ["sat sit", "ran run", "made make", "sitting sit", "saw see", "went go", "stopped stop"],
    "a": ["better good well", "happier happy", "bigger big"],
    "r": ["best well", "better well"],
}
FORMS = ("the a cats child children kids cars automobiles machine machines knives blades parties affairs "
         "wolves calves calf paris capital hot_dog hot_dogs frank churches temples foxes dodgers glasses "
         "women ladies sat sits sitting ran running went goes going studies studied examining stopped "
         "halting made makes creating marches marched fixes mended repairing saw watching happier glad "
         "bigger large able capable better best good right nicer pleasant quickly fast famously well "
         "mark marks parade parades travels wolf woman happy willing").split()


def write_own(folder):
    folder.mkdir(exist_ok=True)
    for pos, name in NAMES.items():
        data, index = "  1 A WordNet of our own, for tests.\n", {}
        for words in SETS[pos]:
            words, offset = words.split(), len(data)
            terms = " ".join(f"{word} {i:x}" for i, word in enumerate(words))
            data += f"{offset:08} 00 {pos} {len(words):02x} {terms} 000 | none\n"
            for word in words:
                offsets = index.setdefault(word.split("(")[0].lower(), [])
                offsets += [offset] if offset not in offsets else []
        (folder / f"data.{name}").write_text(data)
        (folder / f"index.{name}").write_text("  1 A WordNet of our own, for tests.\n" + "".join(
            f"{word} {pos} {len(at)} 0 {len(at)} 0 {' '.join(f'{o:08}' for o in at)}\n"
            for word, at in sorted(index.items())))
        (folder / f"{name}.exc").write_text("".join(line + "\n" for line in sorted(EXCEPTIONS[pos])))


def reader(folder):
    """nltk wants files that other copies lack, and does not read them for this."""
    copy = pathlib.Path(tempfile.mkdtemp())
    nltk.data.path.append(str(copy))
    for kind in ["index.{}", "data.{}", "{}.exc"]:
        for name in NAMES.values():
            shutil.copy(folder / kind.format(name), copy)
    (copy / "lexnames").write_text("".join(f"{i:02}\tnone\t1\n" for i in range(45)))
    for name in ["cntlist.rev", "index.sense"]:
        (copy / name).write_text("")
    WordNetCorpusReader.map_wn = lambda self, version="wordnet": None
    return WordNetCorpusReader(str(copy), None)


def pairs(rng, wordnet, forms, n):
    def related(word):
        names = {name.lower() for s in wordnet.synsets(word) for name in s.lemma_names()}
        return rng.choice(sorted(names)) if names and rng.random() < 0.7 else rng.choice(forms)

    cases = []
    for _ in range(n):
        hypothesis = [rng.choice(forms) for _ in range(rng.randrange(1, 12))]
        reference = [w if rng.random() < 0.2 else related(w) for w in hypothesis]
        for _ in range(rng.randrange(3)):
            i, j = rng.randrange(len(reference)), rng.randrange(len(reference))
            reference[i], reference[j] = reference[j], reference[i]
        if rng.random() < 0.3:
            reference.insert(rng.randrange(len(reference)), rng.choice(forms))
        score = single_meteor_score(reference, hypothesis, wordnet=wordnet)
        cases.append([" ".join(hypothesis), " ".join(reference), score])
    return cases


def published_forms(rng, wordnet):
    """Base forms, and what may be inflections of them: right, wrong and irregular."""
    words = sorted(w for w in wordnet.all_lemma_names() if w.isascii() and len(w) > 1)
    forms = rng.sample(words, 500)
    for word in rng.sample(words, 1500):
        forms.append(rng.choice(["{}s", "{}es", "{}ed", "{}ing", "{}er", "{}est"]).format(
            word[:-1] if rng.random() < 0.4 else word))
        if word.endswith(("f", "y", "man")):
            forms += [word[:-1] + "ves", word[:-1] + "ies", word[:-2] + "en"]
    for pos in NAMES:
        forms += rng.sample(sorted(wordnet._exception_map[pos]), 7 if pos == "r" else 250)
    return [form.lower() for form in forms]


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/wordnet")
    rng = random.Random(8)
    write_own(DATA / "wordnet")
    own, published = reader(DATA / "wordnet"), reader(folder)
    out = {"own": pairs(rng, own, FORMS, 300),
           "published": pairs(rng, published, published_forms(rng, published), 400)}
    lines = ",\n".join(
        f' "{name}": [\n' + ",\n".join("  " + json.dumps(case) for case in cases) + "\n ]"
        for name, cases in out.items())
    (DATA / "peers" / "meteor_wordnet.json").write_text("{\n" + lines + "\n}\n")


main()
