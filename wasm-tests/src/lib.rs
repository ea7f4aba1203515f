//! The test house: what the tests of whole modules and whole gateways are written with.
//!
//! `vm` is our own proxy-wasm host, `shipped` gives it the shipped configuration of a `shape`, `client` speaks raw HTTP/1.1,
//! `envoy` runs a real Envoy on a shipped configuration, `merge` puts a fragment into somebody's own, `istio` applies resources to a
//! captured proxy, `kubernetes` stands for the kubelet, `providers` starts the simulated providers that it routes to, `etcd` a real
//! store, `prometheus` who watches, `collector` a small collector of traces, `registry` a real registry of images. `conversations` are
//! requests of any size, and `producers` says which Rust built the
//! modules. All of it panics freely: it is used by tests only, and a test that cannot go on should say so and stop.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod client;
pub mod collector;
pub mod conversations;
pub mod envoy;
pub mod etcd;
pub mod istio;
pub mod kubernetes;
pub mod long;
pub mod many;
pub mod merge;
pub mod process;
pub mod producers;
pub mod prometheus;
pub mod providers;
pub mod registry;
pub mod shape;
pub mod shipped;
pub mod vm;
