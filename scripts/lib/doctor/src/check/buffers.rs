//! Envoy's buffers: that the largest body of the document fits.

use meshrouter_core::document::Document;

use crate::check::clusters;
use crate::check::routes::{self, Route};
use crate::finding::Findings;
use crate::gateway::Gateway;
use crate::node::Node;

/// `per_connection_buffer_limit_bytes` where it does not stand.
const DEFAULT: u64 = 1 << 20;
/// What an attempt may add to the body, and the edge to the headers.
const ADDED: u64 = 1 << 16;

/// Checks all buffers that a body passes.
pub(crate) fn check(gateway: &Gateway, document: &Document, findings: &mut Findings) {
    let body = u64::try_from(document.max_body_bytes).unwrap_or(u64::MAX);
    let routes = routes::to_attempts(gateway, document);
    // A route's own limit holds in the place of the listener's.
    let is_enough = |route: &Route| own_limit(route).number() >= Some(body);
    let routes_suffice = !routes.is_empty() && routes.iter().all(is_enough);
    for chain in &gateway.edges {
        let limit = limit_of(&chain.owner);
        if limit.bytes < body && !routes_suffice {
            let what = format!(
                "{limit} less than `max_body_bytes` ({body}): larger bodies get Envoy's own 413"
            );
            findings.error(limit.path, what, mend_to(body));
        }
    }
    for chain in &gateway.attempts {
        let (limit, needed) = (limit_of(&chain.owner), body.saturating_add(ADDED));
        if limit.bytes < needed {
            let what = format!(
                "{limit} less than `max_body_bytes` and the {ADDED} that an attempt may add: no provider sees the largest bodies"
            );
            findings.error(limit.path, what, mend_to(needed));
        }
    }
    check_clusters(gateway, document, body, findings);
    for route in &routes {
        check_route(route, document, body, findings);
    }
}

fn check_clusters(gateway: &Gateway, document: &Document, body: u64, findings: &mut Findings) {
    let mut clusters = clusters::of_providers(gateway, document);
    clusters.extend(gateway.internal_clusters());
    for cluster in clusters {
        let limit = limit_of(cluster);
        if limit.bytes < body {
            let what = format!("{limit} less than `max_body_bytes` ({body})");
            findings.warning(limit.path, what, mend_to(body));
        }
    }
}

/// How much of a body the router keeps, to send it again.
fn check_route(route: &Route, document: &Document, body: u64, findings: &mut Findings) {
    let setting = own_limit(route);
    let bytes = setting.number();
    let limit = Limit {
        bytes: bytes.unwrap_or(limit_of(&route.listener).bytes),
        is_default: bytes.is_none(),
        path: setting.path,
    };
    let twice = body.saturating_mul(2);
    if limit.bytes < body {
        let what = format!(
            "{limit} less than `max_body_bytes` ({body}): larger bodies are not tried again elsewhere"
        );
        findings.error(limit.path, what, mend_to(twice));
    } else if limit.bytes < twice && !document.native {
        let what = format!(
            "{limit} less than twice `max_body_bytes`: Envoy before 1.38 counts a body that filters held twice, and does \
             not try larger ones again"
        );
        findings.warning(limit.path, what, mend_to(twice));
    }
}

/// The limit of a route, or of its virtual host.
fn own_limit<'a>(route: &Route<'a>) -> Node<'a> {
    const NAME: &str = "request_body_buffer_limit";
    let own = route.entry.get(NAME);
    if own.is_there() {
        own
    } else {
        route.host.get(NAME)
    }
}

fn mend_to(bytes: u64) -> String {
    format!("set it to at least {bytes}, or lower `max_body_bytes` in the document")
}

/// A buffer's limit.
struct Limit {
    bytes: u64,
    is_default: bool,
    path: String,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whose = if self.is_default { ", by default," } else { "" };
        write!(f, "{} bytes{whose} are", self.bytes)
    }
}

fn limit_of(owner: &Node) -> Limit {
    let setting = owner.get("per_connection_buffer_limit_bytes");
    let bytes = setting.number();
    Limit {
        bytes: bytes.unwrap_or(DEFAULT),
        is_default: bytes.is_none(),
        path: setting.path,
    }
}
