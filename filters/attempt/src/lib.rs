//! The filters of the attempt chain in one module, for Envoys in which calls between modules count.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

use fallback::Fallback;
use meshrouter_host::{Fused, chain};
use middle_out::MiddleOut;

/// Everything about one try at one provider.
pub type Attempt = Fused<chain!(Fallback, MiddleOut)>;

meshrouter_host::entry!(Attempt:
    request_headers request_body request_trailers response_headers
    response_body response_trailers tick);
