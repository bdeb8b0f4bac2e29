use assay_array::Scalar;
use ndarray::{Array2, ArrayView2};

use crate::attack::objective::largest_but;
use crate::attack::{Attack, Batch, Norm, Threat};
use crate::classifier::{Classifier, logits};
use crate::lipschitz::certified_accuracy;
use crate::{CertifiedUpper, Error, LowerBound, Result};

/// What is known of the samples besides the attacks.
#[derive(Debug, Clone, Default)]
pub struct Knowledge<'a> {
    /// Certified `L2` radii, one a sample.
    pub certified: Option<&'a [f64]>,
    /// Exact radii in the threat's norm, where there is a closed form.
    pub exact: Option<&'a [f64]>,
    /// The Lipschitz constant of the logits in `L2` that the radii come from.
    pub lipschitz: Option<CertifiedUpper>,
    /// A lower bound on it, from Jacobians.
    pub lipschitz_below: Option<LowerBound>,
    /// The seed of the attacks, to be written down.
    pub seed: u64,
}

/// How a classifier fares by the size of the perturbation; every list is along `epsilons`.
///
/// Printed numbers about robustness mislead unless margin, norm and constant stand beside them, so they
/// are all here.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Evaluation {
    /// How many samples.
    pub samples: usize,
    /// The norm of the perturbations.
    pub norm: Norm,
    /// The seed.
    pub seed: u64,
    /// Accuracy on the samples as they are.
    pub clean: f64,
    /// Minimum, quartiles and maximum of `z_y − max_{j≠y} z_j`.
    pub margins: [f64; 5],
    /// The sizes.
    pub epsilons: Vec<f64>,
    /// Each attack.
    pub attacks: Vec<AttackCurve>,
    /// Accuracy on samples that no attack breaks.
    pub worst: Vec<f64>,
    /// The provable accuracy, if radii are known.
    pub certified: Option<Vec<f64>>,
    /// The true accuracy, if radii are known.
    pub exact: Option<Vec<f64>>,
    /// The certified Lipschitz constant of the logits in `L2`.
    pub lipschitz: Option<f64>,
    /// A lower bound on the true one.
    pub lipschitz_below: Option<f64>,
    /// What is wrong with the numbers; empty if `certified ≤ exact ≤ worst ≤ clean` holds at every size
    /// and robust accuracy falls with it.
    pub violations: Vec<String>,
}

/// One attack's line.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AttackCurve {
    /// The attack.
    pub name: String,
    /// Robust accuracy.
    pub accuracy: Vec<f64>,
    /// Mean queries a sample.
    pub queries: Vec<f64>,
}

/// What [`evaluate`] returns beside the numbers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Evaluated<T> {
    /// The numbers.
    pub evaluation: Evaluation,
    /// For each size, the samples as the strongest attack on each left them.
    pub adversarial: Vec<Array2<T>>,
    /// For each size, which samples were broken.
    pub broken: Vec<Vec<bool>>,
}

/// Runs every attack at every size; a sample that an attack broke at a smaller size counts as broken at
/// larger ones, because the smaller perturbation is allowed there as well.
///
/// # Errors
/// The attacks' own; [`Error::Empty`] without samples or sizes; [`Error::Parameter`] for sizes that do not
/// rise; [`Error::Shape`] for radii that are not one a sample.
pub fn evaluate<T: Scalar>(
    model: &dyn Classifier<T>,
    x: ArrayView2<'_, T>,
    labels: &[usize],
    attacks: &[&dyn Attack<T>],
    threat: &Threat,
    epsilons: &[f64],
    knowledge: &Knowledge<'_>,
) -> Result<Evaluated<T>> {
    let operation = "evaluation";
    let (n, d) = x.dim();
    if n == 0 || epsilons.is_empty() {
        return Err(Error::Empty { operation, what: "sample and size" });
    }
    if let Some(w) =
        epsilons.windows(2).find(|w| w[0].partial_cmp(&w[1]) != Some(std::cmp::Ordering::Less))
    {
        let (name, expected) = ("epsilons", "rising sizes");
        return Err(Error::Parameter { name, expected, got: w[1] });
    }
    for radii in [knowledge.certified, knowledge.exact].into_iter().flatten() {
        if radii.len() != n {
            let (expected, got) = (vec![n], vec![radii.len()]);
            return Err(Error::Shape { operation: "evaluation: radii [n]", expected, got });
        }
    }
    let batch = Batch::new(x, labels);
    batch.check(operation, model, threat)?;
    let z = logits(model, x)?;
    let margin = |(z, &y): (ndarray::ArrayView1<'_, f64>, &usize)| {
        let z = z.to_vec();
        if z.len() < 2 { 0.0 } else { z[y] - z[largest_but(&z, y)] }
    };
    let mut margins: Vec<f64> = z.outer_iter().zip(labels).map(margin).collect();
    let right = margins.iter().filter(|m| **m > 0.0).count();
    margins.sort_by(f64::total_cmp);
    let quantile = |k: usize| margins[k * (n - 1) / 4];

    let mut curves: Vec<AttackCurve> = attacks
        .iter()
        .map(|a| AttackCurve { name: a.name(), accuracy: vec![], queries: vec![] })
        .collect();
    let mut fallen = vec![vec![false; n]; attacks.len()];
    let (mut worst, mut adversarial, mut broken) = (vec![], vec![], vec![]);
    let mut last: Vec<Option<usize>> = vec![None; n];
    let mut hardest = x.to_owned();
    for &epsilon in epsilons {
        let threat = Threat { epsilon, ..*threat };
        let mut margin = vec![f64::NEG_INFINITY; n];
        for (k, attack) in attacks.iter().enumerate() {
            let found = attack.attack(model, &batch, &threat)?;
            for i in 0..n {
                // Once broken, a sample keeps the smaller example that broke it.
                if last[i].is_none() && (found.success[i] || found.margin[i] > margin[i]) {
                    hardest.row_mut(i).assign(&found.x.row(i));
                    margin[i] = found.margin[i];
                    if found.success[i] {
                        last[i] = Some(k);
                    }
                }
                fallen[k][i] |= found.success[i];
            }
            let standing = fallen[k].iter().filter(|f| !**f).count();
            curves[k].accuracy.push(standing as f64 / n as f64);
            curves[k].queries.push(found.queries.iter().sum::<u64>() as f64 / n as f64);
        }
        let union: Vec<bool> = (0..n).map(|i| fallen.iter().any(|f| f[i])).collect();
        worst.push(union.iter().filter(|f| !**f).count() as f64 / n as f64);
        adversarial.push(hardest.clone());
        broken.push(union);
    }
    // Certified radii are Euclidean: a ball of another norm lies in one of this radius.
    let euclidean = |epsilon: f64| match threat.norm {
        Norm::Linf => epsilon * (d as f64).sqrt(),
        Norm::L2 | Norm::L1 => epsilon,
    };
    let along = |radii: &[f64], size: &dyn Fn(f64) -> f64| -> Vec<f64> {
        epsilons.iter().map(|e| certified_accuracy(radii, size(*e)).unwrap_or(0.0)).collect()
    };
    let mut evaluation = Evaluation {
        samples: n,
        norm: threat.norm,
        seed: knowledge.seed,
        clean: right as f64 / n as f64,
        margins: [0, 1, 2, 3, 4].map(quantile),
        epsilons: epsilons.to_vec(),
        attacks: curves,
        worst: if attacks.is_empty() {
            vec![right as f64 / n as f64; epsilons.len()]
        } else {
            worst
        },
        certified: knowledge.certified.map(|r| along(r, &euclidean)),
        exact: knowledge.exact.map(|r| along(r, &|e| e)),
        lipschitz: knowledge.lipschitz.map(CertifiedUpper::value),
        lipschitz_below: knowledge.lipschitz_below.map(LowerBound::value),
        violations: vec![],
    };
    evaluation.violations = evaluation.check();
    Ok(Evaluated { evaluation, adversarial, broken })
}

impl Evaluation {
    /// Every place where the numbers contradict one another: then an attack, a certificate or a label
    /// is wrong, and none of the numbers should be quoted.
    fn check(&self) -> Vec<String> {
        let mut all = vec![];
        let ones = || vec![self.clean; self.epsilons.len()];
        let chain = [
            ("certified", self.certified.clone()),
            ("exact", self.exact.clone()),
            ("attacked", Some(self.worst.clone())),
            ("clean", Some(ones())),
        ];
        let known: Vec<(&str, Vec<f64>)> =
            chain.into_iter().filter_map(|(name, values)| Some((name, values?))).collect();
        for pair in known.windows(2) {
            let ((lower, a), (upper, b)) = (&pair[0], &pair[1]);
            for ((e, a), b) in self.epsilons.iter().zip(a).zip(b) {
                if a > b {
                    all.push(format!(
                        "{lower} accuracy {a} is above {upper} accuracy {b} at ε = {e}"
                    ));
                }
            }
        }
        if let (Some(upper), Some(lower)) = (self.lipschitz, self.lipschitz_below)
            && lower > upper
        {
            all.push(format!(
                "the Lipschitz constant {upper} is below an estimate from below, {lower}"
            ));
        }
        all
    }
}
