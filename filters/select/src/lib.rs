//! `select`: whom to ask, in which order. Answers the read APIs, too.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod auto;
mod constraint;
mod demand;
mod draw;
mod explain;
mod filter;
mod hand_over;
mod nobody;
mod own;
mod plan;
mod policy;
mod rank;
mod read_api;

pub use filter::Select;

#[cfg(feature = "entry")]
meshrouter_host::entry!(Select: request_headers);
