//! Our own proxy-wasm host: the built `.wasm` filters in wasmtime, without Envoy.
//!
//! What it is for: whole chains of real modules in a unit-test loop, with state that a test can read
//! (properties, shared data, metrics, logs) and a cost figure without noise (fuel per callback).
//!
//! - [`World`]: what all workers share (shared data, metrics, clock, logs).
//! - [`Chain`]: one worker's VMs, one per [`Plugin`], in filter order.
//! - [`Stream`]: one request through a chain, under the rules of Envoy's filter manager.
//! - [`Gateway`]: the edge chain, the router with its retries, and the attempt chain.
//!
//! The semantics follow Envoy (`filter_manager.cc`, `extensions/common/wasm/context.cc`) and
//! proxy-wasm-cpp-host, and were compared by hand with Envoy 1.40.0 running the probe filter; each place that
//! copies a surprising rule says so. Not modelled: trailers,
//! watermarks and buffer limits, gRPC, shared queues, the reload back-off, one VM shared by plugins
//! of the same code.
// Test support fails loudly, like the tests it serves.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod abi;
mod buffer;
mod callbacks;
mod chain;
mod error;
mod fuel;
mod gateway;
mod headers;
mod host;
mod local_reply;
mod machine;
mod manager;
mod module;
mod out;
mod plugin;
mod properties;
mod router;
mod run;
mod status;
mod stream;
mod world;

pub use chain::Chain;
pub use error::{Error, Trap};
pub use fuel::FuelUse;
pub use gateway::{Answer, Chunk, Gateway, GatewayRequest};
pub use headers::HeaderMap;
pub use local_reply::LocalReply;
pub use module::built;
pub use out::{Event, Out};
pub use plugin::Plugin;
pub use router::{UpstreamAnswer, UpstreamRequest, UpstreamResponse};
pub use status::Status;
pub use stream::Stream;
pub use world::{HttpCall, Log, World};
