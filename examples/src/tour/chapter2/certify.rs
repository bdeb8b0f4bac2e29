//! Certificates of every attacked image.

use assay_array::ndarray::ArrayView2;
use assay_examples::mnist::SIDE;
use assay_examples::train::{PIXEL_MEAN, PIXEL_SPREAD};
use assay_tensor::burn::tensor::{DType, Tensor, TensorData};
use assay_tensor::convert::into_array;
use specformer_msvp::lipschitz::{
    Certificate, certified_accuracy, certified_radius, certified_radius_last_layer,
};
use specformer_msvp::tensor::Network;
use specformer_msvp::tensor::vit::Vit;
use specformer_msvp::{CertifiedUpper, Classifier};

use super::error::RobustError;

/// Radii of the balls that certificates are tried on, in pixels.
pub(super) const BALLS: [f64; 11] = [3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0];

/// What is proved of some images.
#[derive(Debug)]
pub(super) struct Proof {
    /// Within which radius each keeps its right answer; negative for those that have none.
    pub(super) radii: Vec<f64>,
    /// Certified accuracy by radius.
    pub(super) curve: Vec<[f64; 2]>,
    /// The first image's certificate, on the smallest ball.
    pub(super) derivation: String,
    /// Its constant, by pixels, if it holds on the largest ball as well and so for all images.
    pub(super) lipschitz: Option<CertifiedUpper>,
}

/// Certifies images `[n, pixels]`.
///
/// A constant on a larger ball is larger; of all balls the one counts in which the margin lasts
/// longest.
pub(super) fn certify<F: Fn(&Vit, Tensor<4>) -> Tensor<2>>(
    model: &Network<Vit, F>,
    images: ArrayView2<'_, f32>,
    labels: &[usize],
) -> Result<Proof, RobustError> {
    let vit = model.module();
    let head = into_array::<f32, 2>(vit.head.weight.val().without_autodiff())?.reversed_axes();
    let logits = model.logits(images)?;
    let on = |image: &[f32], ball: f64| vit.certify(standardised(vit, image), ball_inside(ball));
    let mut radii = vec![];
    for ((image, z), &label) in images.outer_iter().zip(logits.outer_iter()).zip(labels) {
        let (image, z) = (image.to_vec(), z.to_vec());
        // No constant is needed to see that an answer is wrong.
        let mut best = certified_radius(&z, label, CertifiedUpper::known(1.0))?.min(0.0);
        for ball in BALLS.into_iter().take(if best < 0.0 { 0 } else { BALLS.len() }) {
            let certificate = on(&image, ball)?;
            let mut radius = certified_radius(&z, label, per_pixel(certificate.value))?;
            if let Some(body) = before_the_head(&certificate) {
                let body = per_pixel(body);
                radius = radius.max(certified_radius_last_layer(&z, label, body, head.view())?);
            }
            best = best.max(radius.min(ball));
            if radius < ball {
                break; // larger balls have larger constants
            }
        }
        radii.push(best);
    }
    let [smallest, .., largest] = BALLS;
    let (mut derivation, mut lipschitz) = (String::new(), None);
    if let Some(image) = images.outer_iter().next() {
        let (near, far) = (on(&image.to_vec(), smallest)?, on(&image.to_vec(), largest)?);
        derivation = near.to_string();
        lipschitz = (near.value == far.value).then(|| per_pixel(near.value));
    }
    // A radius that was cut off at a ball is as large as the ball, not larger.
    let curve =
        BALLS.iter().map(|&r| [r, certified_accuracy(&radii, r.next_down()).unwrap_or(0.0)]);
    Ok(Proof { curve: curve.collect(), radii, derivation, lipschitz })
}

/// A ball of pixels lies in this ball of what the transformer sees.
fn ball_inside(radius: f64) -> f64 {
    (radius / f64::from(PIXEL_SPREAD)).next_up()
}

/// A constant by what the transformer sees, as one by pixels.
fn per_pixel(constant: CertifiedUpper) -> CertifiedUpper {
    constant * CertifiedUpper::known((1.0 / f64::from(PIXEL_SPREAD)).next_up())
}

/// The constant of everything before the last layer.
fn before_the_head(certificate: &Certificate) -> Option<CertifiedUpper> {
    certificate.steps.iter().rev().nth(1).map(|step| step.total)
}

fn standardised(vit: &Vit, image: &[f32]) -> Tensor<4> {
    let values: Vec<f32> = image.iter().map(|x| (x - PIXEL_MEAN) / PIXEL_SPREAD).collect();
    let device = vit.pos_embed.val().device();
    Tensor::from_data(TensorData::new(values, [1, 1, SIDE, SIDE]), (&device, DType::F32))
}
