//! `healing`: JSON answers that are not quite JSON, repaired where the caller asked for it.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod chunks;
mod filter;
pub mod repair;
pub mod report;
pub mod schema;
pub mod stream;
mod whole;

pub use filter::Healing;

#[cfg(feature = "entry")]
meshrouter_host::entry!(Healing: request_headers response_headers response_body response_trailers);
