//! `normalize`: what is asked, read and checked once. The edge chain's only parse of the body.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod choose;
mod estimate;
mod filter;
mod generation;
mod plugins;
mod reply;
mod surface;
mod tasks;

pub use filter::Normalize;

#[cfg(feature = "entry")]
meshrouter_host::entry!(Normalize:
    request_headers request_body request_trailers
    response_headers response_body response_trailers);
