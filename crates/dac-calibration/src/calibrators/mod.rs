//! Calibrators: what each fits, and on what.

mod bbq;
mod beta;
mod bin_mean_shift;
mod density_ratio;
mod ensemble_temperature;
mod histogram;
mod isotonic;
mod linear;
mod multi_isotonic;
mod one_vs_rest;
mod platt;
mod spline;
pub(crate) mod stored;
mod temperature;
mod venn_abers;

pub use bbq::{Bbq, BbqConfig, BbqCurve};
pub use beta::{Beta, BetaConfig, BetaCurve, BetaShape};
pub use bin_mean_shift::{BinMeanShift, BinMeanShiftConfig};
pub use density_ratio::{DensityRatio, DensityRatioConfig};
pub use ensemble_temperature::{EnsembleLoss, EnsembleTemperature, EnsembleTemperatureConfig};
pub use histogram::{Histogram, HistogramConfig, HistogramCurve, HistogramEdges};
pub use isotonic::{Isotonic, IsotonicConfig, IsotonicCurve};
pub use linear::{Dirichlet, DirichletConfig, Matrix, MatrixConfig, Vector, VectorConfig};
pub use multi_isotonic::{MultiIsotonic, MultiIsotonicConfig};
pub use one_vs_rest::{BinaryCurve, OneVsRest};
pub use platt::{Platt, PlattConfig, Sigmoid};
pub use spline::{Spline, SplineConfig};
pub use temperature::{Temperature, TemperatureConfig};
pub use venn_abers::{VennAbers, VennAbersConfig, VennAbersCurve, VennInterval};
