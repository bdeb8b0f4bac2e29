//! Sums and maxima over the units of a cube, in a fixed order. Every unit must call them.

use assay_tensor::cube::cubecl;
use assay_tensor::cube::cubecl::prelude::*;

/// The most units a cube may have; a power of two, as every cube's number of units is.
pub(super) const MOST_UNITS: usize = 256;

/// The sum of `value` over all units, in each of them.
#[cube]
pub(super) fn sum(value: f32, shared: &mut [f32]) -> f32 {
    over_units(value, shared, false)
}

/// The largest `value` of all units, in each of them.
#[cube]
pub(super) fn largest(value: f32, shared: &mut [f32]) -> f32 {
    over_units(value, shared, true)
}

#[cube]
fn over_units(value: f32, shared: &mut [f32], #[comptime] largest: bool) -> f32 {
    let unit = UNIT_POS_X as usize;
    shared[unit] = value;
    sync_cube();
    let mut half = CUBE_DIM_X as usize / 2;
    while half > 0 {
        if unit < half {
            if comptime![largest] {
                shared[unit] = f32::max(shared[unit], shared[unit + half]);
            } else {
                shared[unit] += shared[unit + half];
            }
        }
        sync_cube();
        half /= 2;
    }
    let total = shared[0];
    sync_cube();
    total
}
