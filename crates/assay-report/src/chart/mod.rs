//! Charts: plain data in, a drawing out.

mod bars;
mod forest;
mod frame;
mod heat;
mod histogram;
mod legend;
mod plot;
mod radar;

pub use bars::BarChart;
pub use forest::Forest;
pub use heat::{HeatMap, Shade};
pub use histogram::Histogram;
pub use plot::{Plot, Series};
pub use radar::Radar;

/// The width that charts have unless told otherwise: a phone shows it at full size.
pub const WIDTH: f64 = 360.0;

/// Asked-for sizes are kept between these, so that no drawing is unreadable or endless.
const SIZES: (f64, f64) = (100.0, 4_000.0);

fn size(asked: f64, default: f64) -> f64 {
    if asked.is_finite() { asked.clamp(SIZES.0, SIZES.1) } else { default }
}
