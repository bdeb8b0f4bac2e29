//! Attacks, certificates, and both beside one another.

use assay_array::ndarray::{ArrayView2, Axis};
use assay_examples::mnist::CLASSES;
use assay_examples::progress::Task;
use assay_examples::train::argmax;
use specformer_msvp::attack::{Attack, Norm, Objective, Pgd, Threat};
use specformer_msvp::lipschitz::jacobian_norms;
use specformer_msvp::msvp::{Blocking, MsvpConfig};
use specformer_msvp::tensor::vit::Vit;
use specformer_msvp::tensor::{Network, Penalty};
use specformer_msvp::{Classifier, Evaluated, Knowledge, LowerBound, evaluate};

use super::certify::{Proof, certify};
use super::error::RobustError;
use super::learn::{SHAPE, forward, pixels};
use super::results::{Judged, Numbers, Shown};
use super::settings::Settings;
use super::way::Way;
use crate::chapters::Tour;

/// Sizes in `L∞`, of the brightest pixel.
pub(super) const LINF: [f64; 4] = [0.02, 0.05, 0.1, 0.15];
/// Sizes in `L2`.
pub(super) const L2: [f64; 5] = [0.1, 0.25, 0.5, 1.0, 1.5];
/// The size in `L∞` of which the page shows pictures.
pub(super) const PICTURED: usize = 2;
/// Images on the page.
const SHOWN: usize = 8;
/// Power iterations for the norms of Jacobians and of weights.
const ITERATIONS: usize = 20;

/// Attacks and certifies a trained model.
pub(super) fn judge(
    tour: &Tour,
    settings: &Settings,
    way: Way,
    vit: Vit,
    task: &Task<'_>,
) -> Result<Judged, RobustError> {
    let test = &tour.data.test;
    let indices: Vec<usize> = (0..settings.attacked.min(test.len())).collect();
    let labels: Vec<usize> = indices.iter().map(|&i| test.label(i)).collect();
    let images = pixels(test, &indices);
    let x = images.view();
    let sigma = largest_sigma(&vit)?;
    let model = Network::new(vit, forward, SHAPE, CLASSES, &tour.device);

    let Proof { radii, curve, derivation, lipschitz } = certify(&model, x, &labels)?;
    let below = jacobian_norms(&model, x, ITERATIONS, tour.seed)?;
    let below = below.into_iter().reduce(|a: LowerBound, b| if b > a { b } else { a });
    let knowledge = Knowledge {
        certified: Some(&radii),
        lipschitz_below: below,
        lipschitz,
        seed: tour.seed,
        ..Knowledge::default()
    };
    let pgd = Pgd::new(settings.steps).with_seed(tour.seed);
    let margin = pgd.clone().with_objective(Objective::Margin { kappa: f64::MAX });
    let attacks: [&dyn Attack<f32>; 2] = [&pgd, &margin];
    let against = |norm: Norm, sizes: &[f64]| {
        let threat = Threat::new(norm, 0.0);
        let found = evaluate(&model, x, &labels, &attacks, &threat, sizes, &knowledge);
        task.advance(sizes.len() * settings.steps * indices.len());
        found
    };
    let linf = against(Norm::Linf, &LINF)?;
    let l2 = against(Norm::L2, &L2)?;
    let shown = shown(&model, x, &linf)?;
    let right = tested(tour, &model, settings)?;
    Ok(Judged {
        numbers: Numbers {
            way,
            sigma,
            right,
            certified: curve,
            linf: linf.evaluation,
            l2: l2.evaluation,
        },
        derivation,
        shown,
    })
}

/// The first images as the adversary left them, and what the model takes each for.
fn shown<C: Classifier<f32>>(
    model: &C,
    x: ArrayView2<'_, f32>,
    found: &Evaluated<f32>,
) -> Result<Shown, RobustError> {
    let rows: Vec<usize> = (0..SHOWN.min(x.nrows())).collect();
    let left = found.adversarial.get(PICTURED).map_or(x, |a| a.view());
    let answers = |x: ArrayView2<'_, f32>| -> Result<Vec<usize>, RobustError> {
        let z = model.logits(x)?.mapv(|z| z as f32);
        Ok(z.outer_iter().map(|z| argmax(&z.to_vec())).collect())
    };
    let (before, after) = (x.select(Axis(0), &rows), left.select(Axis(0), &rows));
    Ok(Shown { taken_for: answers(after.view())?, before, after })
}

/// The share of right answers on all test images.
fn tested<C: Classifier<f32>>(
    tour: &Tour,
    model: &C,
    settings: &Settings,
) -> Result<f64, RobustError> {
    let test = &tour.data.test;
    let indices: Vec<usize> = (0..settings.tested.min(test.len())).collect();
    let mut right = 0;
    for batch in indices.chunks(200) {
        let z = model.logits(pixels(test, batch).view())?.mapv(|z| z as f32);
        let answers =
            z.outer_iter().map(|z: assay_array::ndarray::ArrayView1<'_, f32>| argmax(&z.to_vec()));
        right +=
            answers.zip(batch).filter(|(answer, image)| *answer == test.label(**image)).count();
    }
    Ok(right as f64 / indices.len().max(1) as f64)
}

/// The largest singular value of any head's queries, keys or values.
fn largest_sigma(vit: &Vit) -> Result<f64, RobustError> {
    let config = MsvpConfig::new().with_blocking(Blocking::HeadRows).with_warmup(10 * ITERATIONS);
    let spectrum = Penalty::new(config, vit)?.spectrum();
    let all = spectrum.iter().flat_map(|layer| layer.q.iter().chain(&layer.k).chain(&layer.v));
    Ok(all.copied().fold(0.0, f64::max))
}
