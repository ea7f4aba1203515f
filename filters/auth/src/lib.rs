//! `auth`: who is calling, and the keys that they call with. The first filter of the edge chain.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod api;
mod caller;
mod created;
mod credential;
mod filter;
mod identity;

pub use filter::{Auth, Settings};

#[cfg(feature = "entry")]
meshrouter_host::entry!(Auth: request_headers request_body request_trailers);
