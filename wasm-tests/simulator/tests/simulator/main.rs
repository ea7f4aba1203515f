//! The simulator over real sockets.

// Clippy exempts test functions only, not the helpers beside them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod answers;
mod client;
mod faults;
