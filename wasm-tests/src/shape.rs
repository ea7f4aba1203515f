//! Which of the shipped configurations a suite runs on.

use std::path::PathBuf;

use crate::envoy::repository;

/// The shape in which each filter is a module of its own.
pub const SEVEN: &str = "envoy";

/// The path of a file in `envoy/` without its extension: `MESHROUTER_SHAPE`, or the default.
pub fn name() -> String {
    std::env::var("MESHROUTER_SHAPE").unwrap_or_else(|_| SEVEN.to_owned())
}

/// Whether attempts are streams of the edge's own router, without a second listener: some things are different there, which
/// the README says.
pub fn is_native() -> bool {
    name().starts_with("native")
}

/// Whether the filters of a chain are one module, which has the chain's name.
pub fn is_fused() -> bool {
    name().ends_with("fused") || is_dynamic()
}

/// Whether Envoy takes the configuration from files that it watches.
pub fn is_dynamic() -> bool {
    name().starts_with("dynamic")
}

/// The configuration of a shape.
///
/// # Panics
/// If there is none: a suite on another shape than the one that was asked for has proved nothing.
pub fn file(name: &str) -> PathBuf {
    let file = repository().join(format!("envoy/{name}.yaml"));
    assert!(file.is_file(), "no such shape: {}", file.display());
    file
}
