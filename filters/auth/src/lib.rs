//! `auth`: who is calling. The first filter of the edge chain.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod credential;
mod filter;

pub use filter::Auth;

meshrouter_host::entry!(Auth);
