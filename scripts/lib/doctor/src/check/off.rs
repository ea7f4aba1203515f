//! Filters that are off or not there: on a route that leads to attempts none may be.

use crate::check::routes::Route;
use crate::finding::Findings;
use crate::gateway::{Chain, Gateway};
use crate::node::Node;

const SETTINGS: &str = "typed_per_filter_config";

/// Checks the routes that lead to attempts.
pub(crate) fn check(gateway: &Gateway, routes: &[Route], findings: &mut Findings) {
    for route in routes {
        let mut chains = gateway.edges.iter();
        let Some(chain) = chains.find(|chain| chain.manager.path == route.manager.path) else {
            continue;
        };
        let off = off(chain, route);
        if off.is_empty() {
            continue;
        }
        let what = format!(
            "{} {} off on this route, which leads to attempts: requests get there that nobody asked for a key or planned, and \
             callers' headers are believed",
            off.join(", "),
            if off.len() == 1 { "is" } else { "are" },
        );
        let mend = format!(
            "turn each on under `{SETTINGS}`, as on the route `llm` of envoy/existing-listener.yaml, or take `disabled` away"
        );
        findings.error(route.entry.path.clone(), what, mend);
    }
}

/// Checks routes that lead to attempts from where there are no filters of the gateway.
pub(crate) fn check_others(routes: &[Route], findings: &mut Findings) {
    for route in routes {
        let what = "leads to attempts from a listener without the edge's filters: requests get there that nobody asked for a key or planned";
        let mend = "lead it to the listener of the edge, or give its connection manager the filters of envoy/envoy.yaml";
        findings.error(route.entry.path.clone(), what, mend);
    }
}

/// The gateway's filters that such a request does not pass.
fn off<'a>(chain: &Chain<'a>, route: &Route<'a>) -> Vec<&'a str> {
    let filters = chain.ours().map(|(_, filter)| &filter.node);
    filters
        .filter(|filter| !is_on(filter, route))
        .map(|filter| filter.get("name").text())
        .collect()
}

/// What stands nearest to the route counts.
fn is_on(filter: &Node, route: &Route) -> bool {
    let levels = [
        route.entry.clone(),
        route.host.clone(),
        route.manager.get("route_config"),
    ];
    let mut settings = levels
        .iter()
        .map(|level| level.get(SETTINGS).get(filter.get("name").text()));
    match settings.find(Node::is_there) {
        Some(own) => !own.get("disabled").is_true(),
        None => !filter.get("disabled").is_true(),
    }
}
