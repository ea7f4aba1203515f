//! The request's headers: which of the caller's a provider may see.

use meshrouter_core::catalog::Provider;

/// Request headers that a provider may see. All others are the caller's and ours alone: names of
/// applications, addresses, cookies, credentials.
const FORWARDED: &[&str] = &[
    ":method",
    ":scheme",
    "accept",
    "content-type",
    "traceparent",
    "tracestate",
    "user-agent",
    // Envoy finds no route without it. The route takes it off, as it does the cluster's name.
    "x-forwarded-proto",
    "x-request-id",
];

/// The name under which a caller's header reaches the provider; `None` for those that do not.
pub(crate) fn forwarded<'a>(provider: &'a Provider, name: &'a str) -> Option<&'a str> {
    if FORWARDED.contains(&name) {
        return Some(name);
    }
    provider.forward_headers.get(name).map(String::as_str)
}
