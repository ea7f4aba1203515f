//! `select`: whom to ask, in which order. Serves the model list, too.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod filter;
mod models_api;
mod order;

pub use filter::Select;

meshrouter_host::entry!(Select);
