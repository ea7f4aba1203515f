//! What calls between Envoy and modules cost alone: filters with the real ones' callbacks, which make their calls for a
//! plain completion with values of the same size, and do no work between them. `scripts/bench --floor` measures them beside
//! the real ones; the test target `modules` sees to it that both make the same calls.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

mod attempt;
mod edge;
mod filter;

pub use attempt::{Fallback, MiddleOut};
pub use edge::{Auth, Healing, Normalize, Select, Usage};

use meshrouter_host::{Fused, chain};

/// The edge chain in one module.
pub type Edge = Fused<chain!(Auth, Normalize, Select, Healing, Usage)>;

/// The attempt chain in one module.
pub type Attempt = Fused<chain!(Fallback, MiddleOut)>;

#[cfg(feature = "auth")]
meshrouter_host::entry!(Auth: request_headers request_body request_trailers);

#[cfg(feature = "normalize")]
meshrouter_host::entry!(Normalize:
    request_headers request_body request_trailers
    response_headers response_body response_trailers);

#[cfg(feature = "select")]
meshrouter_host::entry!(Select: request_headers);

#[cfg(feature = "healing")]
meshrouter_host::entry!(Healing: request_headers response_headers response_body response_trailers);

#[cfg(feature = "usage")]
meshrouter_host::entry!(Usage:
    request_headers response_headers response_body response_trailers
    log tick http_call_response);

#[cfg(feature = "fallback")]
meshrouter_host::entry!(Fallback:
    request_headers request_body request_trailers response_headers
    response_body response_trailers tick);

#[cfg(feature = "middle-out")]
meshrouter_host::entry!(MiddleOut: request_headers request_body request_trailers);

#[cfg(feature = "edge")]
meshrouter_host::entry!(Edge:
    request_headers request_body request_trailers response_headers response_body
    response_trailers log tick http_call_response);

#[cfg(feature = "attempt")]
meshrouter_host::entry!(Attempt:
    request_headers request_body request_trailers response_headers
    response_body response_trailers tick);
