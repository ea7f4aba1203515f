//! The request's headers: which a provider may see, and which are the provider's own.

use meshrouter_core::catalog::Provider;
use meshrouter_core::names::header;
use meshrouter_core::route::Operation;

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

/// The headers that are the provider's: path, authority, cluster.
pub(crate) fn of_provider(provider: &Provider, operation: Operation) -> [(&'static str, &[u8]); 3] {
    [
        (":path", provider.path(operation).as_bytes()),
        (":authority", provider.authority.as_bytes()),
        (header::CLUSTER, provider.cluster.as_bytes()),
    ]
}
