//! stub

pub mod repair;
