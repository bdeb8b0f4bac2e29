//! Rooms that the tour and the stories share: data, a network, a training loop, exams.
#![forbid(unsafe_code)]

pub mod assignment;
pub mod augmentation;
pub mod bags;
pub mod base_new;
pub mod calibrate;
pub mod checkpoint;
pub mod cifar;
pub mod cosine;
pub mod ending;
pub mod exam;
pub mod kmeans;
pub mod layer_report;
pub mod lenet;
pub mod mnist;
pub mod parallel;
pub mod progress;
pub mod story;
pub mod train;
pub mod views;
pub mod wide_resnet;
