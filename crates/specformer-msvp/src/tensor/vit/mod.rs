//! A vision transformer (Dosovitskiy et al. 2021), configurable to SpecFormer's variants and to the
//! methods that it is compared with.

mod attention;
mod block;
mod certify;
mod config;
mod model;
mod norm;
mod resize;

pub use attention::{Attention, AttentionKind};
pub use block::{Block, Mlp};
pub use config::{NormKind, Pooling, VitConfig};
pub use model::{PatchEmbed, Vit};
pub use norm::{CenterNorm, TokenNorm};
pub use resize::Interpolation;
