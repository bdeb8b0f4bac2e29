use std::fmt;

use half::{bf16, f16};

/// The type in which a file stores an array's elements.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// A byte; any but 0 is true.
    Bool,
    /// 8 bits, unsigned.
    U8,
    /// 8 bits, signed.
    I8,
    /// 16 bits, unsigned.
    U16,
    /// 16 bits, signed.
    I16,
    /// 32 bits, unsigned.
    U32,
    /// 32 bits, signed.
    I32,
    /// 64 bits, unsigned.
    U64,
    /// 64 bits, signed.
    I64,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of an `f32`.
    BF16,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
    /// Anything else, in the format's words; it can be listed but not read.
    Other(String),
}

impl Dtype {
    /// Bytes of one element; `None` for [`Dtype::Other`].
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Bool | Self::U8 | Self::I8 => Some(1),
            Self::U16 | Self::I16 | Self::F16 | Self::BF16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            known => f.write_str(&format!("{known:?}").to_lowercase()),
        }
    }
}

mod sealed {
    use super::Dtype;

    pub trait Sealed: Sized {
        /// The elements, or `None` when some value of the stored type would not survive.
        fn decode(dtype: &Dtype, big_endian: bool, bytes: &[u8]) -> Option<Vec<Self>>;
        fn encode(self, little_endian: &mut Vec<u8>);
    }
}

/// The element types that arrays are read into and written from.
pub trait Element: sealed::Sealed + Copy + 'static {
    /// The type's name, for messages.
    const NAME: &'static str;
    /// The type as it is written.
    const DTYPE: Dtype;
}

/// A type that files store.
trait Stored: Sized {
    fn widen<T: From<Self>>(bytes: &[u8], big_endian: bool) -> Vec<T>;
}

macro_rules! stored {
    ($($t:ty),*) => {$(
        impl Stored for $t {
            fn widen<T: From<Self>>(bytes: &[u8], big_endian: bool) -> Vec<T> {
                let (elements, _) = bytes.as_chunks();
                if big_endian {
                    elements.iter().map(|&bytes| T::from(<$t>::from_be_bytes(bytes))).collect()
                } else {
                    elements.iter().map(|&bytes| T::from(<$t>::from_le_bytes(bytes))).collect()
                }
            }
        }
    )*};
}
stored!(u8, i8, u16, i16, u32, i32, i64, f16, bf16, f32, f64);

impl Stored for bool {
    fn widen<T: From<Self>>(bytes: &[u8], _: bool) -> Vec<T> {
        bytes.iter().map(|&byte| T::from(byte != 0)).collect()
    }
}

macro_rules! element {
    ($t:ident as $dtype:ident from $($stored:ident $s:ty),*) => {
        impl sealed::Sealed for $t {
            fn decode(dtype: &Dtype, big_endian: bool, bytes: &[u8]) -> Option<Vec<Self>> {
                match dtype {
                    $(Dtype::$stored => Some(<$s>::widen(bytes, big_endian)),)*
                    _ => None,
                }
            }
            fn encode(self, little_endian: &mut Vec<u8>) {
                little_endian.extend_from_slice(&element!(@bytes $t self));
            }
        }
        impl Element for $t {
            const NAME: &'static str = stringify!($t);
            const DTYPE: Dtype = Dtype::$dtype;
        }
    };
    (@bytes bool $x:ident) => { [u8::from($x)] };
    (@bytes $t:ident $x:ident) => { $x.to_le_bytes() };
}
element!(bool as Bool from Bool bool);
element!(u8 as U8 from Bool bool, U8 u8);
element!(i32 as I32 from Bool bool, U8 u8, I8 i8, U16 u16, I16 i16, I32 i32);
element!(i64 as I64 from Bool bool, U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, I64 i64);
element!(f32 as F32 from Bool bool, U8 u8, I8 i8, U16 u16, I16 i16, F16 f16, BF16 bf16, F32 f32);
element!(f64 as F64 from Bool bool, U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32,
    F16 f16, BF16 bf16, F32 f32, F64 f64);
