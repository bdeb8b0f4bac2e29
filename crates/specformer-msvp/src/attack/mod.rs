//! Attacks: how much of a model's accuracy survives an adversary.
//!
//! Everything is per sample: losses are summed, not averaged, and random numbers come from the stream
//! `(seed, purpose, the sample's id)`, so neither the batch size nor the order changes a result.
//!
//! | attack | norms | gradients per sample |
//! |---|---|---|
//! | [`Fgsm`] (and R-FGSM) | `L∞`, `L2`, `L1` | 1 |
//! | [`Pgd`] with any [`Objective`] | `L∞`, `L2`, `L1` | steps · restarts |
//! | [`CarliniWagner`], the original | `L2` | steps · values of `c` |
//! | [`MiFgsm`] | `L∞` | steps |
//! | [`DeepFool`] | `L∞`, `L2` | steps · classes |
//! | [`Apgd`] CE, DLR and targeted DLR | `L∞`, `L2`, `L1` | steps · restarts |
//! | [`Fab`] targeted | `L∞`, `L2`, `L1` | steps · targets |
//! | [`Square`] | `L∞`, `L2`, `L1` | none: queries only |
//! | [`AutoAttack`] | `L∞`, `L2`, `L1` | the standard four in order |

mod apgd;
mod auto;
mod batch;
mod cw;
mod deepfool;
mod fab;
mod fgsm;
mod found;
mod norm;
pub(crate) mod objective;
mod pgd;
mod square;
mod threat;

pub use apgd::{Apgd, apgd_checkpoints};
pub use auto::{AutoAttack, AutoReport, AutoState, Warning};
pub use batch::Batch;
pub use cw::CarliniWagner;
pub use deepfool::DeepFool;
pub use fab::Fab;
pub use fgsm::{Fgsm, MiFgsm};
pub use found::{Adversarial, Perturbed};
pub use norm::Norm;
pub use objective::Objective;
pub use pgd::{Loss, Pgd, Start, ascend};
pub use square::{Schedule, Square};
pub use threat::Threat;

use assay_array::Scalar;

use crate::Result;
use crate::classifier::Classifier;

/// A way to look for a small change that changes the answer.
pub trait Attack<T: Scalar> {
    /// Its name with the settings that matter.
    fn name(&self) -> String;

    /// Looks for adversarial examples within the threat model, one a sample, and gives the samples where
    /// the search ends. FGSM and PGD do not look at the last point: a step costs a forward and a
    /// backward pass of the model, and no more.
    ///
    /// # Errors
    /// Inputs outside the bounds, labels outside the classes, settings outside their range, a norm that
    /// the attack does not know, and whatever the model answers.
    fn perturb(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Perturbed<T>>;

    /// [`Attack::perturb`] and [`Perturbed::judge`]: what the model says to the samples, by a forward
    /// pass of its own. What an evaluation counts.
    ///
    /// # Errors
    /// As theirs.
    fn attack(
        &self,
        model: &dyn Classifier<T>,
        batch: &Batch<'_, T>,
        threat: &Threat,
    ) -> Result<Adversarial<T>> {
        self.perturb(model, batch, threat)?.judge(model, batch, threat)
    }
}
