//! `ferrome cell`, end to end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests are tests")]

mod support;

#[path = "cell/convert.rs"]
mod convert;
#[path = "cell/count.rs"]
mod count;
#[path = "cell/embed.rs"]
mod embed;
#[path = "cell/network.rs"]
mod network;
#[path = "cell/perturb.rs"]
mod perturb;
#[path = "cell/predict_perturbation.rs"]
mod predict_perturbation;
#[path = "cell/train.rs"]
mod train;
#[path = "cell/train_scgpt.rs"]
mod train_scgpt;
