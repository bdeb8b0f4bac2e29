//! The laws of `Mergeable` for every implementer, and that the laws catch an implementer that
//! breaks them.

use assay_array::testing::assert_close;
use assay_score::{
    Absent, ConfusionConfig, ConfusionMatrix, EdgeRule, Error, Histogram, HistogramConfig, Labels,
    Mergeable, Moments, MomentsReport, Stray, UNPARSED, Unparsed, laws,
};
use proptest::prelude::*;

/// The length of a stored form's header.
const HEADER: usize = 15;

/// Cuts a slice into consecutive pieces of the given lengths, the last taking what is left.
fn cut<'a, T>(mut data: &'a [T], lengths: &[usize]) -> Vec<&'a [T]> {
    let mut parts = Vec::new();
    for &length in lengths {
        let (part, rest) = data.split_at(length.min(data.len()));
        parts.push(part);
        data = rest;
    }
    parts.push(data);
    parts
}

/// Moments agree to rounding: relative to the spread for the mean, to the value for the others.
fn same_moments(a: &MomentsReport, b: &MomentsReport) {
    assert_eq!((a.count, a.min, a.max), (b.count, b.min, b.max));
    let size = a.max.abs().max(a.min.abs());
    assert_close(&[a.mean], &[b.mean], 0.0, 1e-15 * 8.0 * size);
    // What one rounding of the largest value does to a sum of squares of that spread.
    let range = a.max - a.min;
    let noise = 1e-14 * size * range;
    assert_close(&[a.population_variance], &[b.population_variance], 1e-12, noise);
    let steady = range > 1e-3 * size;
    for (a, b) in [(a.skewness, b.skewness), (a.excess_kurtosis, b.excess_kurtosis)] {
        match (a, b) {
            (Some(a), Some(b)) if steady => assert_close(&[a], &[b], 1e-9, 1e-9),
            (None, None) | (Some(_), Some(_)) => {}
            _ => panic!("one side is defined: {a:?}, {b:?}"),
        }
    }
}

fn histogram(edge_rule: EdgeRule) -> Histogram {
    HistogramConfig::new(vec![-10.0, -1.0, 0.0, 0.5, 1.0, 50.0])
        .with_edge_rule(edge_rule)
        .with_outside(Stray::Count)
        .with_nan(Stray::Count)
        .init()
        .expect("increasing edges")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn moments(
        data in prop::collection::vec(-1e6..1e6_f64, 0..40),
        offset in prop::sample::select(vec![0.0, 1e3, -1e9]),
        lengths in prop::collection::vec(0..12_usize, 0..6),
    ) {
        let data: Vec<f64> = data.iter().map(|x| x + offset).collect();
        laws::check(&Moments::new(), &data, &cut(&data, &lengths), same_moments);
    }

    #[test]
    fn moments_of_long_data(seed in any::<u64>(), cuts in prop::collection::vec(0..3000_usize, 1..4)) {
        let mut rng = assay_array::testing::SplitMix64::new(seed);
        let data: Vec<f64> = (0..5000).map(|_| rng.uniform().powi(3)).collect();
        laws::check(&Moments::new(), &data, &cut(&data, &cuts), same_moments);
    }

    #[test]
    fn histograms(
        data in prop::collection::vec(
            prop_oneof![
                4 => -20.0..80.0_f64,
                2 => prop::sample::select(vec![-10.0, -1.0, 0.0, 0.5, 1.0, 50.0]),
                1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, -f64::INFINITY, -0.0]),
            ],
            0..40,
        ),
        lengths in prop::collection::vec(0..12_usize, 0..6),
        upper in any::<bool>(),
    ) {
        let rule = if upper { EdgeRule::UpperClosed } else { EdgeRule::LowerClosed };
        laws::check(&histogram(rule), &data, &cut(&data, &lengths), |a, b| assert_eq!(a, b));
    }

    #[test]
    fn confusion_matrices(
        data in prop::collection::vec(
            (0..4_usize, prop_oneof![5 => 0..4_usize, 1 => Just(UNPARSED)]),
            0..40,
        ),
        lengths in prop::collection::vec(0..12_usize, 0..6),
        absent in prop::sample::select(vec![Absent::Zero, Absent::One, Absent::Skip]),
    ) {
        let (truth, predicted): (Vec<usize>, Vec<usize>) = data.into_iter().unzip();
        let parts: Vec<Labels<'_>> = cut(&truth, &lengths)
            .into_iter()
            .zip(cut(&predicted, &lengths))
            .map(|(truth, predicted)| Labels { truth, predicted })
            .collect();
        let config = ConfusionConfig::new(4).with_unparsed(Unparsed::Count).with_absent(absent);
        let whole = Labels { truth: &truth, predicted: &predicted };
        laws::check(&config.init().expect("classes"), whole, &parts, |a, b| assert_eq!(a, b));
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn mutated_bytes_are_read_or_refused(
        which in 0..3_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        numbers in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![
                any::<u64>(), Just(u64::MAX), any::<f64>().prop_map(f64::to_bits),
            ]),
            0..3,
        ),
    ) {
        let mut bytes = stored()[which].clone();
        // Whole numbers at their places get past the header more often than single bytes do.
        for (index, number) in numbers {
            let at = HEADER + 8 * index.index((bytes.len() - HEADER) / 8);
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        read_all(&bytes);
    }
}

fn stored() -> [Vec<u8>; 3] {
    let mut moments = Moments::new();
    moments.update(&[1.0, 2.0, 4.5]).expect("numbers");
    let mut histogram = histogram(EdgeRule::LowerClosed);
    histogram.update(&[1.0, 2.0, f64::NAN]).expect("numbers");
    let mut matrix = ConfusionConfig::new(2).init().expect("classes");
    matrix.update(Labels { truth: &[0, 1, 1], predicted: &[0, 0, 1] }).expect("labels");
    [moments.to_bytes(), histogram.to_bytes(), matrix.to_bytes()]
}

/// Whatever is read must be usable and report only numbers.
fn read_all(bytes: &[u8]) {
    if let Ok(mut moments) = Moments::from_bytes(bytes) {
        if let Ok(report) = moments.finish() {
            let numbers = [Some(report.mean), report.variance, report.skewness];
            let numbers = numbers.into_iter().flatten().chain(report.excess_kurtosis);
            assert!(numbers.into_iter().all(f64::is_finite), "{report:?}");
        }
        let copy = moments;
        if moments.merge(&copy).is_ok() {
            assert!(moments.finish().is_err() || Moments::from_bytes(&moments.to_bytes()).is_ok());
        }
        assert_eq!(copy.to_bytes(), bytes);
    }
    if let Ok(mut histogram) = Histogram::from_bytes(bytes) {
        assert_eq!(histogram.to_bytes(), bytes);
        let copy = histogram.clone();
        let _ = histogram.merge(&copy);
        let _ = histogram.update(&[0.25]);
        let _ = histogram.finish().expect("a histogram always reports").density();
    }
    if let Ok(mut matrix) = ConfusionMatrix::from_bytes(bytes) {
        assert_eq!(matrix.to_bytes(), bytes);
        let copy = matrix.clone();
        let _ = matrix.merge(&copy);
        let _ = matrix.update(Labels { truth: &[0], predicted: &[0] });
        assert!(matrix.finish().is_ok());
    }
}

/// A mean that keeps only the last batch's mean and the count: not associative.
#[derive(Debug, Clone, PartialEq)]
struct Broken(f64, u64);

impl Mergeable for Broken {
    type Batch<'a> = &'a [f64];
    type Report = f64;
    type Error = Error;

    fn update(&mut self, batch: &[f64]) -> Result<(), Error> {
        for x in batch {
            self.0 = f64::midpoint(self.0, *x);
            self.1 += 1;
        }
        Ok(())
    }
    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.0 = f64::midpoint(self.0, other.0);
        self.1 += other.1;
        Ok(())
    }
    fn finish(&self) -> Result<f64, Error> {
        Ok(self.0)
    }
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let array = bytes.try_into().map_err(|_| Error::Empty { operation: "", item: "" })?;
        Ok(Self(f64::from_le_bytes(array), 0))
    }
}

#[test]
fn the_laws_catch_an_implementer_that_breaks_them() {
    let data = [1.0, 2.0, 3.0];
    let parts: Vec<&[f64]> = data.chunks(1).collect();
    let caught = std::panic::catch_unwind(|| {
        laws::check(&Broken(0.0, 0), &data, &parts, |a, b| assert_close(&[*a], &[*b], 1e-12, 0.0));
    });
    assert!(caught.is_err());
}
