//! Fitted calibrators that come from a file: their parts are read, then checked to fit together.

// Without the feature `serde` nothing is read.
#![cfg_attr(not(feature = "serde"), allow(dead_code))]

use crate::{Error, Result};

/// What is read from a file is checked.
pub(crate) trait Fitted {
    /// # Errors
    /// [`Error::Fitted`] where the parts do not go together.
    fn check(&self) -> Result<()>;
}

/// Reads a struct with these fields and lets its `check` decide. The types are written again because
/// the struct that is read has checked nothing.
macro_rules! fitted {
    ($name:ident $(<$g:ident>)? { $($field:ident: $type:ty),* $(,)? }) => {
        #[cfg(feature = "serde")]
        impl<'de $(, $g: serde::Deserialize<'de>)?> serde::Deserialize<'de> for $name $(<$g>)? {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                struct Stored $(<$g>)? {
                    $($field: $type),*
                }
                let Stored { $($field),* } = Stored $(::<$g>)? ::deserialize(from)?;
                let read = Self { $($field),* };
                $crate::calibrators::stored::Fitted::check(&read).map_err(serde::de::Error::custom)?;
                Ok(read)
            }
        }
    };
}
pub(crate) use fitted;

/// An error unless something holds.
pub(crate) fn require(
    holds: bool,
    operation: &'static str,
    expected: &'static str,
    got: impl std::fmt::Debug,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    let mut got = format!("{got:?}");
    if let Some((end, _)) = got.char_indices().nth(200) {
        got.truncate(end);
        got.push('…');
    }
    Err(Error::Fitted { operation, expected, got })
}

/// Whether all are probabilities.
pub(crate) fn unit(values: &[f64]) -> bool {
    values.iter().all(|value| (0.0..=1.0).contains(value))
}

/// Whether all are finite and none is below the one before. Neighbours may be equal: a text form can be
/// off by a rounding.
pub(crate) fn ascending(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite()) && values.windows(2).all(|pair| pair[0] <= pair[1])
}
