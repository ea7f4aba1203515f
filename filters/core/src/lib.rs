//! What every filter agrees on: ids, money, [`Facts`], [`Plan`]s, the gateway document and what it
//! compiles to, and the errors that callers see.
//!
//! Pure: no proxy-wasm, no clock, no randomness. What depends on the moment is a parameter.
#![forbid(unsafe_code)]

pub mod account;
pub mod affinity;
pub mod api_error;
pub mod carried;
pub mod catalog;
pub mod cost;
pub mod created_key;
pub mod credentials;
pub mod document;
pub mod facts;
pub mod fnv;
pub mod groups;
pub mod health;
mod json_error;
mod json_reader;
pub mod keys;
pub mod limits;
pub mod money;
pub mod names;
pub mod outcome;
pub mod parameters;
pub mod plan;
pub mod preferences;
pub mod reasoning;
pub mod route;
pub mod scramble;
pub mod shapes;
pub mod slug;
pub mod timestamp;
pub mod usage;

pub use api_error::ApiError;
pub use catalog::Catalog;
pub use document::{Document, DocumentError};
pub use facts::{AttemptRequest, Facts};
pub use meshrouter_tokens::{self as tokens, window};
pub use outcome::Outcome;
pub use plan::{Candidate, Plan};
