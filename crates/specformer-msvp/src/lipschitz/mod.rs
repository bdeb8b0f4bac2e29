//! How much a network can stretch a difference of inputs: bounds layer by layer, certificates, and
//! estimates from below that show how loose the bounds are.
//!
//! All constants are for the Euclidean norm of the flattened input and output (the Frobenius norm of
//! token matrices).

mod activation;
mod attention;
mod derivation;
mod global_attention;
mod jacobian;
mod margin;

pub use activation::Activation;
pub use attention::{
    AttentionHead, AttentionPoint, attention_at_point, attention_ball, paper_attention_bound,
    softmax_jacobian_norm,
};
#[cfg(feature = "burn")]
pub(crate) use derivation::FORWARD_SLACK;
pub use derivation::{Certificate, Derivation, Scope, Step};
pub use global_attention::{cosine_attention, l2_attention};
pub use jacobian::{jacobian_norms, secant_bound};
pub use margin::{certified_accuracy, certified_radius, certified_radius_last_layer};
