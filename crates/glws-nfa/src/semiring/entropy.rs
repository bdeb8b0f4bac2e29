//! Semirings that carry a mean next to the log of the mass it is the mean over.

use super::{PathSemiring, Semiring, Step, log_add};

/// The shares `e^a / (e^a + e^b)` and `e^b / (e^a + e^b)`, and their logarithms; 0 and `−∞` for no mass.
fn shares(a: f64, b: f64) -> ([f64; 2], [f64; 2]) {
    let sum = log_add(a, b);
    let logs = [a, b].map(|x| if x == f64::NEG_INFINITY { x } else { x - sum });
    (logs.map(f64::exp), logs)
}

/// `share · value`, where no share of anything, even of the infinite, is nothing.
fn part(share: f64, value: f64) -> f64 {
    if share == 0.0 { 0.0 } else { share * value }
}

/// Expected sums along the path: with a value for each step, `(log Z, E[Σ_i value(step_i)])`
/// (Eisner 2002, *Parameter Estimation for Probabilistic Finite-State Transducers*).
///
/// ```
/// use glws_nfa::semiring::{Expectation, Step};
/// use glws_nfa::{Bags, Constraint, Posteriors};
/// use ndarray::array;
///
/// let logits = array![[0.0_f64, 1.0], [0.5, 0.0], [0.0, 0.0]];
/// let bags = Bags::new(logits.view(), &[3])?;
/// let posteriors = Posteriors::new(&bags, &[Constraint::Present { class: 1 }])?;
/// // How many ones are expected where there is at least one?
/// let ones = Expectation::new(|step: &Step| if step.class == 1 { 1.0 } else { 0.0 });
/// let mean = posteriors.fold(&ones)?[0].mean;
/// let gamma = glws_nfa::marginals(&bags, &[Constraint::Present { class: 1 }])?.posterior;
/// assert!((mean - gamma.column(1).sum()).abs() < 1e-12);
/// # Ok::<(), glws_nfa::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Expectation<F> {
    value: F,
}

impl<F: Fn(&Step) -> f64> Expectation<F> {
    /// The expectation of what `value`, a finite number a step, sums to along the path.
    pub fn new(value: F) -> Self {
        Self { value }
    }
}

/// A mass and a mean over it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanWeight {
    /// The logarithm of the mass.
    pub log_mass: f64,
    /// The mean; 0 where there is no mass.
    pub mean: f64,
}

impl<F: Fn(&Step) -> f64> Semiring for Expectation<F> {
    type Weight = MeanWeight;

    fn zero(&self) -> MeanWeight {
        MeanWeight { log_mass: f64::NEG_INFINITY, mean: 0.0 }
    }
    fn one(&self) -> MeanWeight {
        MeanWeight { log_mass: 0.0, mean: 0.0 }
    }
    fn plus(&self, a: &MeanWeight, b: &MeanWeight) -> MeanWeight {
        let (share, _) = shares(a.log_mass, b.log_mass);
        MeanWeight {
            log_mass: log_add(a.log_mass, b.log_mass),
            mean: part(share[0], a.mean) + part(share[1], b.mean),
        }
    }
    fn times(&self, a: &MeanWeight, b: &MeanWeight) -> MeanWeight {
        let log_mass = a.log_mass + b.log_mass;
        if log_mass == f64::NEG_INFINITY {
            return self.zero();
        }
        MeanWeight { log_mass, mean: a.mean + b.mean }
    }
}

impl<F: Fn(&Step) -> f64> PathSemiring for Expectation<F> {
    fn step(&self, step: &Step) -> MeanWeight {
        if step.log_weight == f64::NEG_INFINITY {
            return self.zero();
        }
        MeanWeight { log_mass: step.log_weight, mean: (self.value)(step) }
    }
    fn end(&self, log_weight: f64) -> MeanWeight {
        MeanWeight { log_mass: log_weight, mean: 0.0 }
    }
}

/// `log Z` and the entropy, in nats, of the distribution over paths.
///
/// Two alternatives with masses `a` and `b` and entropies `h_a` and `h_b` have, by the chain rule,
/// the entropy `s h_a + t h_b − s ln s − t ln t` with the shares `s = a/(a + b)` and `t = b/(a + b)`;
/// independent parts add. No term is negative, so that nothing cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entropy;

/// A mass and the entropy of the distribution over it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntropyWeight {
    /// The logarithm of the mass.
    pub log_mass: f64,
    /// The entropy in nats; 0 where there is no mass.
    pub entropy: f64,
}

impl Semiring for Entropy {
    type Weight = EntropyWeight;

    fn zero(&self) -> EntropyWeight {
        EntropyWeight { log_mass: f64::NEG_INFINITY, entropy: 0.0 }
    }
    fn one(&self) -> EntropyWeight {
        EntropyWeight { log_mass: 0.0, entropy: 0.0 }
    }
    fn plus(&self, a: &EntropyWeight, b: &EntropyWeight) -> EntropyWeight {
        let (share, log_share) = shares(a.log_mass, b.log_mass);
        let of = |i: usize, inner: f64| part(share[i], inner - log_share[i]);
        EntropyWeight {
            log_mass: log_add(a.log_mass, b.log_mass),
            entropy: of(0, a.entropy) + of(1, b.entropy),
        }
    }
    fn times(&self, a: &EntropyWeight, b: &EntropyWeight) -> EntropyWeight {
        let log_mass = a.log_mass + b.log_mass;
        if log_mass == f64::NEG_INFINITY {
            return self.zero();
        }
        EntropyWeight { log_mass, entropy: a.entropy + b.entropy }
    }
}

impl PathSemiring for Entropy {
    fn step(&self, step: &Step) -> EntropyWeight {
        self.end(step.log_weight)
    }
    fn end(&self, log_weight: f64) -> EntropyWeight {
        EntropyWeight { log_mass: log_weight, entropy: 0.0 }
    }
}

/// The Kullback-Leibler divergence `Σ P ln(P/Q)` between two distributions over one set of paths,
/// each known up to its mass; in nats.
///
/// By the chain rule the divergence of two alternatives is the mean, under `P`, of theirs plus the
/// divergence between the two pairs of shares; independent parts add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Divergence;

/// The masses that two measures give to some paths, and how far apart they distribute them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DivergenceWeight {
    /// The logarithm of the first mass.
    pub log_p: f64,
    /// The logarithm of the second mass.
    pub log_q: f64,
    /// The divergence of the first distribution from the second; 0 where one of the masses is 0.
    pub divergence: f64,
}

impl DivergenceWeight {
    /// Something that is one path: there is nothing to distribute.
    pub(crate) fn single(log_p: f64, log_q: f64) -> Self {
        Self { log_p, log_q, divergence: 0.0 }
    }
}

impl Semiring for Divergence {
    type Weight = DivergenceWeight;

    fn zero(&self) -> DivergenceWeight {
        DivergenceWeight::single(f64::NEG_INFINITY, f64::NEG_INFINITY)
    }
    fn one(&self) -> DivergenceWeight {
        DivergenceWeight::single(0.0, 0.0)
    }
    fn plus(&self, a: &DivergenceWeight, b: &DivergenceWeight) -> DivergenceWeight {
        let (p, log_p) = shares(a.log_p, b.log_p);
        let (_, log_q) = shares(a.log_q, b.log_q);
        let of = |i: usize, inner: f64| part(p[i], inner + (log_p[i] - log_q[i]));
        let sum = DivergenceWeight::single(log_add(a.log_p, b.log_p), log_add(a.log_q, b.log_q));
        if sum.log_p == f64::NEG_INFINITY || sum.log_q == f64::NEG_INFINITY {
            return sum;
        }
        // Not negative (Gibbs) but for rounding.
        let divergence = (of(0, a.divergence) + of(1, b.divergence)).max(0.0);
        DivergenceWeight { divergence, ..sum }
    }
    fn times(&self, a: &DivergenceWeight, b: &DivergenceWeight) -> DivergenceWeight {
        let product = DivergenceWeight::single(a.log_p + b.log_p, a.log_q + b.log_q);
        if product.log_p == f64::NEG_INFINITY || product.log_q == f64::NEG_INFINITY {
            return product;
        }
        DivergenceWeight { divergence: a.divergence + b.divergence, ..product }
    }
}
