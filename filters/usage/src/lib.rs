//! `usage`: what a completion took and what it cost. The last filter of the edge chain, so the
//! first to see the response.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod background;
mod bill;
mod filter;
mod gate;
mod history;
mod json;
mod meter;
mod pattern;
mod record;
mod span;
mod tally;
mod transcript;

pub use filter::UsageFilter;

#[cfg(feature = "entry")]
meshrouter_host::entry!(UsageFilter:
    request_headers response_headers response_body response_trailers
    log tick http_call_response);
