//! Bytes on the wire: JSON scanned and patched by span, server-sent events cut anywhere, and the
//! OpenAI-format requests and responses that they carry.
//!
//! Pure: no proxy-wasm, no clock. Nothing here builds a DOM of a conversation: values are spans of
//! the bytes that came in, and what is not understood leaves as it came.
#![forbid(unsafe_code)]

pub mod completion;
pub mod error_body;
pub mod json;
pub mod request;
pub mod sse;
