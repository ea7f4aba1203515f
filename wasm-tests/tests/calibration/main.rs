//! Our own host beside a real Envoy: the same modules, configuration and requests must give the same answers.
//!
//! A difference is a mistake of our host, unless [`seen`] says why it is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod ours;
mod probes;
mod real;
mod scenario;
mod seen;
mod shipped;
