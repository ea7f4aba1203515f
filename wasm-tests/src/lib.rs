//! The test house: our own proxy-wasm host.

pub mod vm;
