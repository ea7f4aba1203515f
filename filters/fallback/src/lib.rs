//! `fallback`: one attempt at one provider, and whether to try the next. The first filter of the
//! attempt chain: the last to see the response.
//!
//! Envoy's edge router does the retrying. This filter decides whether it should: a response that
//! carries its outcome is final.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod answer;
mod attempt;
mod background;
mod body;
mod cause;
mod counters;
mod credentials;
mod failure;
mod filter;
mod flights;
mod headers;
mod judge;
mod pulse;
mod reasoning;
mod response;
mod span;
mod timers;
mod trail;

pub use filter::Fallback;

#[cfg(feature = "entry")]
meshrouter_host::entry!(Fallback:
    request_headers request_body request_trailers response_headers
    response_body response_trailers tick);
