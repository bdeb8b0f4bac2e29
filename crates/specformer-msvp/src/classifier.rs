//! What attacks and certificates ask of a model.

use assay_array::Scalar;
use assay_array::linalg::matmul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::attack::Norm;
use crate::error::linalg;
use crate::{Error, Result};

/// Given the logits `[n, classes]`, what to multiply the Jacobian with from the left, same shape.
pub type Weigh<'a> = dyn FnMut(ArrayView2<'_, f64>) -> Result<Array2<f64>> + 'a;

/// A classifier of flat samples `[n, d]`, in evaluation mode: the same input gives the same logits,
/// and no call changes its parameters or their gradients.
///
/// Inputs are in the units of the data, say `[0, 1]`: a model that normalises does so inside, or is
/// wrapped in [`Normalized`]. On burn, `tensor::Network` implements this for any function from
/// images to logits.
pub trait Classifier<T: Scalar> {
    /// The shape of one sample: `[channels, height, width]` for images.
    fn input_shape(&self) -> &[usize];

    /// How many classes the logits are over.
    fn classes(&self) -> usize;

    /// The logits `[n, classes]` of samples `[n, d]`.
    ///
    /// # Errors
    /// When the model cannot answer.
    fn logits(&self, x: ArrayView2<'_, T>) -> Result<Array2<f64>>;

    /// The logits, and row by row `Jᵢᵀ cᵢ`: the gradient by sample `i` of `⟨cᵢ, logitsᵢ⟩`, where `c`
    /// is what `weigh` makes of the logits.
    ///
    /// # Errors
    /// When the model cannot answer, and `weigh`'s own.
    fn gradient(
        &self,
        x: ArrayView2<'_, T>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<T>)>;
}

/// `logits = x Wᵀ + b`, whose robustness is known in closed form: the test that no attack may fail.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearClassifier<T> {
    weight: Array2<T>,
    bias: Array1<T>,
    shape: Vec<usize>,
}

impl<T: Scalar> LinearClassifier<T> {
    /// From a weight `[classes, d]` and a bias `[classes]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a bias of another length; [`Error::Empty`] without classes or inputs;
    /// [`Error::NotFinite`].
    pub fn new(weight: Array2<T>, bias: Array1<T>) -> Result<Self> {
        let operation = "linear classifier";
        if weight.is_empty() {
            return Err(Error::Empty { operation, what: "class and input" });
        }
        if weight.nrows() != bias.len() {
            let (expected, got) = (vec![weight.nrows()], vec![bias.len()]);
            return Err(Error::Shape { operation: "linear classifier: bias", expected, got });
        }
        if let Some(x) = weight.iter().chain(&bias).find(|x| !x.is_finite()) {
            return Err(Error::NotFinite { operation, index: vec![], value: x.to_f64() });
        }
        let shape = vec![weight.ncols()];
        Ok(Self { weight, bias, shape })
    }

    /// The distance from `x` to the nearest point, ignoring bounds, that gets another label:
    /// `min_j (z_y − z_j)/‖w_y − w_j‖*` with the dual norm. Negative for what is misclassified already,
    /// `+∞` where no other class exists or can be reached.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::Label`].
    pub fn exact_radius(&self, x: ArrayView1<'_, T>, label: usize, norm: Norm) -> Result<f64> {
        let operation = "exact radius of a linear classifier";
        if x.len() != self.weight.ncols() {
            let (expected, got) = (vec![self.weight.ncols()], vec![x.len()]);
            return Err(Error::Shape { operation, expected, got });
        }
        let classes = self.weight.nrows();
        if label >= classes {
            return Err(Error::Label { operation, sample: 0, label, classes });
        }
        let z = self.logits(x.insert_axis(Axis(0)))?;
        let mut least = f64::INFINITY;
        for j in (0..classes).filter(|&j| j != label) {
            let difference: Vec<f64> = self
                .weight
                .row(label)
                .iter()
                .zip(self.weight.row(j))
                .map(|(a, b)| a.to_f64() - b.to_f64())
                .collect();
            let length = norm.dual().length(&difference);
            let gap = z[[0, label]] - z[[0, j]];
            // Two classes with one weight differ by a constant.
            let radius = if length == 0.0 { gap * f64::INFINITY } else { gap / length };
            least = least.min(if radius.is_nan() { 0.0 } else { radius });
        }
        Ok(least)
    }
}

impl<T: Scalar> Classifier<T> for LinearClassifier<T> {
    fn input_shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        self.weight.nrows()
    }

    fn logits(&self, x: ArrayView2<'_, T>) -> Result<Array2<f64>> {
        let product = matmul(x, self.weight.t()).map_err(linalg("linear classifier"))?;
        Ok(product.mapv(T::to_f64) + self.bias.mapv(T::to_f64))
    }

    fn gradient(
        &self,
        x: ArrayView2<'_, T>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<T>)> {
        let logits = self.logits(x)?;
        let cotangent = weigh(logits.view())?.mapv(T::from_f64);
        let gradient = matmul(cotangent.view(), self.weight.view());
        Ok((logits, gradient.map_err(linalg("linear classifier"))?))
    }
}

/// A classifier behind `(x − mean)/std` per channel, so that attacks see images in their own units: to
/// attack normalised inputs with an `ε` in pixel units is the field's most common mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalized<C> {
    inner: C,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl<C> Normalized<C> {
    /// With one mean and one standard deviation per channel (the first axis of a sample), or one for
    /// all.
    ///
    /// # Errors
    /// [`Error::Shape`] for other counts; [`Error::Parameter`] for a mean that is not finite or a
    /// deviation that is not positive.
    pub fn new<T: Scalar>(inner: C, mean: Vec<f64>, std: Vec<f64>) -> Result<Self>
    where
        C: Classifier<T>,
    {
        let channels = inner.input_shape().first().copied().unwrap_or(1);
        for given in [&mean, &std] {
            if given.len() != channels && given.len() != 1 {
                let (expected, got) = (vec![channels], vec![given.len()]);
                let operation = "normalisation: one value per channel";
                return Err(Error::Shape { operation, expected, got });
            }
        }
        for &mean in &mean {
            crate::error::within("mean", "a finite number", mean, f64::MIN, f64::MAX)?;
        }
        for &std in &std {
            let expected = "a positive number";
            crate::error::within("standard deviation", expected, std, f64::MIN_POSITIVE, f64::MAX)?;
        }
        Ok(Self { inner, mean, std })
    }

    /// Mean and deviation of flat position `i` of `d` in `channels` channels.
    fn at(&self, i: usize, d: usize, channels: usize) -> (f64, f64) {
        let channel = i * channels / d.max(1);
        let pick = |values: &[f64]| values.get(channel).or(values.first()).copied().unwrap_or(0.0);
        (pick(&self.mean), pick(&self.std))
    }

    fn apply<T: Scalar>(
        &self,
        x: ArrayView2<'_, T>,
        channels: usize,
        f: fn(f64, f64, f64) -> f64,
    ) -> Array2<T> {
        let d = x.ncols();
        let parts: Vec<(f64, f64)> = (0..d).map(|i| self.at(i, d, channels)).collect();
        let mut out = x.to_owned();
        for mut row in out.rows_mut() {
            for (x, &(mean, std)) in row.iter_mut().zip(&parts) {
                *x = T::from_f64(f(x.to_f64(), mean, std));
            }
        }
        out
    }
}

impl<T: Scalar, C: Classifier<T>> Classifier<T> for Normalized<C> {
    fn input_shape(&self) -> &[usize] {
        self.inner.input_shape()
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }

    fn logits(&self, x: ArrayView2<'_, T>) -> Result<Array2<f64>> {
        let channels = self.input_shape().first().copied().unwrap_or(1);
        self.inner.logits(self.apply(x, channels, |x, mean, std| (x - mean) / std).view())
    }

    fn gradient(
        &self,
        x: ArrayView2<'_, T>,
        weigh: &mut Weigh<'_>,
    ) -> Result<(Array2<f64>, Array2<T>)> {
        let channels = self.input_shape().first().copied().unwrap_or(1);
        let x = self.apply(x, channels, |x, mean, std| (x - mean) / std);
        let (logits, gradient) = self.inner.gradient(x.view(), weigh)?;
        Ok((logits, self.apply(gradient.view(), channels, |g, _, std| g / std)))
    }
}

/// The logits, checked.
pub(crate) fn logits<T: Scalar>(
    model: &dyn Classifier<T>,
    x: ArrayView2<'_, T>,
) -> Result<Array2<f64>> {
    let logits = model.logits(x)?;
    check_logits(model, x.nrows(), logits.view())?;
    Ok(logits)
}

/// Logits and gradient, checked.
pub(crate) fn gradient<T: Scalar>(
    model: &dyn Classifier<T>,
    x: ArrayView2<'_, T>,
    weigh: &mut Weigh<'_>,
) -> Result<(Array2<f64>, Array2<T>)> {
    let n = x.nrows();
    let (logits, gradient) = model.gradient(x, &mut |z| {
        check_logits(model, n, z)?;
        weigh(z)
    })?;
    if gradient.dim() != x.dim() {
        let (expected, got) = (x.shape().to_vec(), gradient.shape().to_vec());
        return Err(Error::Shape { operation: "the model's gradient [n, d]", expected, got });
    }
    finite("the model's gradient", gradient.view())?;
    Ok((logits, gradient))
}

fn check_logits<T: Scalar>(
    model: &dyn Classifier<T>,
    n: usize,
    logits: ArrayView2<'_, f64>,
) -> Result<()> {
    if logits.dim() != (n, model.classes()) {
        let (expected, got) = (vec![n, model.classes()], logits.shape().to_vec());
        return Err(Error::Shape { operation: "the model's logits [n, classes]", expected, got });
    }
    finite("the model's logits", logits)
}

pub(crate) fn finite<T: Scalar>(operation: &'static str, x: ArrayView2<'_, T>) -> Result<()> {
    match x.indexed_iter().find(|(_, x)| !x.is_finite()) {
        None => Ok(()),
        Some(((i, j), x)) => {
            Err(Error::NotFinite { operation, index: vec![i, j], value: x.to_f64() })
        }
    }
}
