//! Does tuning on five digits spoil what the model says about the other five?
//!
//! A model that knows ten digits is tuned on the first five, from a few images each. It is then asked
//! about the other five, of which tuning saw nothing. A temperature is fitted on base digits, which is all
//! one has; Distance-Aware Calibration looks at how the names' features moved instead.

use assay_array::ndarray::{Array2, Axis};
use assay_tensor::burn::module::Module;
use assay_tensor::burn::tensor::Device;
use dac_calibration::measures::PieceConfig;
use dac_calibration::{
    BinaryForecasts, Binning, Calibrator, DensityRatio, DensityRatioConfig, DistanceAware,
    DistanceAwareConfig, Logits, Predictions, Probs, ProximityConfig, Reliability, Temperature,
    TemperatureConfig, TextFeatures,
};
use serde::Serialize;

use crate::cosine::{
    Learning, Lesson, SCALE, Towers, image_features, name_features, showing, train,
};
use crate::mnist::Mnist;

/// The digits that tuning sees.
pub const BASE: [usize; 5] = [0, 1, 2, 3, 4];
/// The digits that it does not see.
pub const NEW: [usize; 5] = [5, 6, 7, 8, 9];
/// Bins of every ECE here.
const BINS: usize = 15;

/// How much is learned, and from how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Images of each digit to learn all ten from.
    pub images: usize,
    /// How the ten are learned.
    pub before: Lesson,
    /// Images of each base digit to tune on.
    pub shots: usize,
    /// Images of each base digit to fit calibrators on, which tuning does not see.
    pub held_out: usize,
    /// How tuning goes.
    pub tuning: Lesson,
}

impl Plan {
    /// A model that is good, and 16 images a digit to tune on with this step size.
    pub fn new(learning_rate: f64) -> Self {
        Self {
            images: 1000,
            before: Lesson { passes: 2, batch: 128, learning_rate: 2e-3 },
            shots: 16,
            held_out: 100,
            tuning: Lesson { passes: 50, batch: 16, learning_rate },
        }
    }

    /// The same in a second, to show that it works.
    #[must_use]
    pub fn quick(self) -> Self {
        let tuning = Lesson { passes: 3, ..self.tuning };
        Self { images: 60, held_out: 20, tuning, ..self }
    }
}

/// What is known of one way to give probabilities on the new digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The way.
    pub name: String,
    /// The share of right predictions.
    pub accuracy: f64,
    /// The mean confidence.
    pub confidence: f64,
    /// The expected calibration error, 15 bins.
    pub ece: f64,
    /// The same by proximity to the base images.
    pub piece: f64,
    /// The mean negative log likelihood.
    pub nll: Option<f64>,
    /// The reliability diagram.
    pub reliability: Reliability,
}

/// The whole story for one plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Accuracy and ECE on the new digits before tuning.
    pub before: (f64, f64),
    /// Accuracy and ECE on the base digits after tuning.
    pub base: (f64, f64),
    /// The temperature that base digits ask for.
    pub temperature: f64,
    /// Reliability on the base digits after tuning: as it is, and at that temperature.
    pub base_reliability: [Reliability; 2],
    /// The factor of each new digit.
    pub gamma: Vec<f64>,
    /// Uncalibrated, temperature, distance-aware, both, density ratio.
    pub judged: Vec<Judged>,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// The device failed.
    #[error(transparent)]
    Tensor(#[from] assay_tensor::Error),
    /// Calibration has no answer.
    #[error(transparent)]
    Calibration(#[from] dac_calibration::Error),
}

/// Features with their labels, and the logits among some digits.
struct Exam {
    features: Array2<f32>,
    labels: Vec<usize>,
}

impl Exam {
    fn logits(&self, names: &Array2<f32>) -> Result<Logits<'static, f32>, dac_calibration::Error> {
        Logits::from_array(self.features.dot(&names.t()) * SCALE as f32)
    }
}

/// Learns ten digits, tunes on five, and judges the other five.
///
/// # Errors
/// When the device fails, or a calibrator has no fit (a tuned model without one mistake on the samples
/// held out has no density ratio, which is then left out instead).
pub fn tell(data: &Mnist, plan: &Plan, seed: u64, device: &Device) -> Result<Found, StoryError> {
    let training = device.clone().autodiff();
    let ten: Vec<usize> = (0..10).collect();
    let learned = showing(&data.train, &ten, plan.images);
    let towers = Towers::new(seed, &training);
    let towers =
        train(towers, &data.train, &learned, &ten, (plan.before, Learning::Both), seed, &training)?;
    let before = name_features(&towers.valid(), seed, device)?;

    let base = showing(&data.train, &BASE, plan.shots + plan.held_out);
    let seen: Vec<usize> = showing(&data.train, &BASE, plan.shots);
    let held_out: Vec<usize> = base.into_iter().filter(|i| !seen.contains(i)).collect();
    let tuned =
        train(towers, &data.train, &seen, &BASE, (plan.tuning, Learning::Names), seed, &training)?
            .valid();
    let after = name_features(&tuned, seed, device)?;

    let exam = |split: &crate::mnist::Split, chosen: &[usize], digits: &[usize]| {
        let place =
            |&i: &usize| digits.iter().position(|&d| d == split.label(i)).unwrap_or_default();
        let features = image_features(&tuned, split, chosen, device)?;
        Ok::<_, StoryError>(Exam { features, labels: chosen.iter().map(place).collect() })
    };
    let every = usize::MAX;
    let fitting = exam(&data.train, &held_out, &BASE)?;
    let base_test = exam(&data.test, &showing(&data.test, &BASE, every), &BASE)?;
    let new_test = exam(&data.test, &showing(&data.test, &NEW, every), &NEW)?;
    judge(&before, &after, &fitting, &base_test, &new_test)
}

fn judge(
    before: &Array2<f32>,
    after: &Array2<f32>,
    fitting: &Exam,
    base_test: &Exam,
    new_test: &Exam,
) -> Result<Found, StoryError> {
    let rows = |names: &Array2<f32>, digits: &[usize]| names.select(Axis(0), digits);
    let (base_before, base_after) = (rows(before, &BASE), rows(after, &BASE));
    let (new_before, new_after) = (rows(before, &NEW), rows(after, &NEW));
    let quality = |exam: &Exam, names: &Array2<f32>| {
        let overview = exam.logits(names)?.overview(&exam.labels, BINS)?;
        Ok::<_, dac_calibration::Error>((overview.accuracy, overview.reliability.ece()))
    };

    let fit_logits = fitting.logits(&base_after)?;
    let temperature =
        Temperature::fit(&TemperatureConfig::new(), &(&fit_logits).into(), &fitting.labels)?;
    let text = TextFeatures {
        base_zero_shot: base_before.view(),
        base_tuned: base_after.view(),
        zero_shot: new_before.view(),
        tuned: new_after.view(),
    };
    let distance = DistanceAware::fit(&DistanceAwareConfig::new(), &text)?;

    let proximity = ProximityConfig::new().init()?;
    let near = proximity.of(new_test.features.view(), fitting.features.view())?;
    let fit_near = proximity.among(fitting.features.view())?;
    let logits = new_test.logits(&new_after)?;
    let fit_predictions = Predictions::from(&fit_logits).with_proximity(&fit_near)?;
    let predictions = Predictions::from(&logits).with_proximity(&near)?;

    let mut ways = vec![
        ("uncalibrated", logits.softmax()),
        ("temperature, fitted on base", temperature.transform(&predictions)?),
        ("distance-aware", distance.probabilities(&logits)?),
        ("distance-aware and temperature", distance.probabilities_at(&logits, &temperature)?),
    ];
    if let Ok(fitted) =
        DensityRatio::fit(&DensityRatioConfig::default(), &fit_predictions, &fitting.labels)
    {
        ways.push(("density ratio, fitted on base", fitted.transform(&predictions)?));
    }
    let judged = ways
        .into_iter()
        .map(|(name, probs)| judged(name, &probs, &new_test.labels, &near))
        .collect::<Result<_, _>>()?;
    let base_logits = base_test.logits(&base_after)?;
    let cooled =
        temperature.transform(&(&base_logits).into())?.overview(&base_test.labels, BINS)?;
    let plain = base_logits.overview(&base_test.labels, BINS)?;
    Ok(Found {
        base_reliability: [plain.reliability, cooled.reliability],
        before: quality(new_test, &new_before)?,
        base: quality(base_test, &base_after)?,
        temperature: temperature.value(),
        gamma: distance.gamma().to_vec(),
        judged,
    })
}

fn judged(
    name: &str,
    probs: &Probs<'_>,
    labels: &[usize],
    proximity: &[f64],
) -> Result<Judged, dac_calibration::Error> {
    let overview = probs.overview(labels, BINS)?;
    let top: BinaryForecasts<'_> = probs.top_label(labels)?;
    let config = PieceConfig::new().with_confidence(Binning::equal_width(BINS));
    Ok(Judged {
        name: name.to_owned(),
        accuracy: overview.accuracy,
        confidence: overview.confidence,
        ece: overview.reliability.ece(),
        piece: top.piece(proximity, &config)?.piece(),
        nll: overview.nll,
        reliability: overview.reliability,
    })
}
