//! Other toolkits' rules, to see their numbers beside corrected ones.

pub mod trustllm_v0_3;
