//! stub
pub mod fit;
