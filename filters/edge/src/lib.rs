//! The filters of the edge chain in one module, for Envoys in which calls between modules count.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

use auth::Auth;
use healing::Healing;
use meshrouter_host::{Fused, chain};
use normalize::Normalize;
use select::Select;
use usage::UsageFilter;

/// Everything about the caller's one request.
pub type Edge = Fused<chain!(Auth, Normalize, Select, Healing, UsageFilter)>;

meshrouter_host::entry!(Edge:
    request_headers request_body request_trailers response_headers response_body
    response_trailers log tick http_call_response);
