"""The generator and the synthetic corpus that the benches share with ../corpus.rs."""

MASK = (1 << 64) - 1


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53


def corpus(n=20_000):
    rng = SplitMix64(42)
    hypotheses, references = [], []
    for _ in range(n):
        reference = [f"w{rng.below(1000)}" for _ in range(10 + rng.below(21))]
        hypothesis = []
        for word in reference:
            draw = rng.below(100)
            if draw < 70:
                hypothesis.append(word)
            elif draw < 85:
                hypothesis.append(f"w{rng.below(1000)}")
            elif draw >= 93:
                hypothesis += [word, f"w{rng.below(1000)}"]
        hypotheses.append(" ".join(hypothesis or reference[:1]))
        references.append(" ".join(reference))
    return hypotheses, references
