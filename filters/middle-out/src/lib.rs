//! `middle-out`: messages that fit the context of the endpoint being asked. Behind `fallback` in the
//! attempt chain, because every candidate has a context of its own.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod filter;
pub mod fit;

pub use filter::MiddleOut;

#[cfg(feature = "entry")]
meshrouter_host::entry!(MiddleOut: request_headers request_body request_trailers);
