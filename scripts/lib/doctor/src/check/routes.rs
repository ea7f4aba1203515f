//! Routes: that what failed is tried again, by the rules that the filters count on.

use meshrouter_core::document::Document;
use meshrouter_core::names::header::{CLUSTER, OUTCOME};
use serde_json::json;

use crate::check::off;
use crate::finding::Findings;
use crate::gateway::{Chain, Gateway};
use crate::node::Node;

/// A route and what stands around it.
pub(crate) struct Route<'a> {
    /// The listener.
    pub(crate) listener: Node<'a>,
    /// The connection manager.
    pub(crate) manager: Node<'a>,
    /// The virtual host.
    pub(crate) host: Node<'a>,
    /// The route itself.
    pub(crate) entry: Node<'a>,
}

impl<'a> Route<'a> {
    /// What it does with requests.
    pub(crate) fn action(&self) -> Node<'a> {
        self.entry.get("route")
    }

    /// A setting of the action; where it does not stand there, the virtual host's.
    pub(crate) fn policy(&self, name: &str) -> Node<'a> {
        let (own, host) = (self.action().get(name), self.host.get(name));
        if host.is_there() && !own.is_there() {
            host
        } else {
            own
        }
    }
}

/// The cluster specifier of the native shape.
pub(crate) const SPECIFIER: &str = "inline_cluster_specifier_plugin";

/// The edge's routes that lead to attempts.
pub(crate) fn to_attempts<'a>(gateway: &Gateway<'a>, document: &Document) -> Vec<Route<'a>> {
    of_attempts(&gateway.edges, gateway, document)
}

/// The routes of these chains that lead to attempts.
pub(crate) fn of_attempts<'a>(
    chains: &[Chain<'a>],
    gateway: &Gateway<'a>,
    document: &Document,
) -> Vec<Route<'a>> {
    let internal = gateway.internal_clusters();
    let leads_there = |route: &Route| {
        let action = route.action();
        if document.native {
            return action.get(SPECIFIER).is_there();
        }
        let cluster = action.get("cluster").text();
        internal
            .iter()
            .any(|known| known.get("name").text() == cluster)
    };
    let routes = chains.iter().flat_map(routes_of);
    routes.filter(leads_there).collect()
}

fn routes_of<'a>(chain: &Chain<'a>) -> Vec<Route<'a>> {
    let mut routes = Vec::new();
    for host in chain.manager.at("route_config.virtual_hosts").items() {
        routes.extend(host.get("routes").items().into_iter().map(|entry| Route {
            listener: chain.owner.clone(),
            manager: chain.manager.clone(),
            host: host.clone(),
            entry,
        }));
    }
    routes
}

/// Checks the routes of both chains.
pub(crate) fn check(gateway: &Gateway, document: &Document, findings: &mut Findings) {
    for chain in gateway.edges.iter().chain(&gateway.attempts) {
        if !chain.manager.get("route_config").is_there() {
            let what = "the routes do not stand in this file and were not checked";
            let mend = "compare them with those of envoy/envoy.yaml";
            findings.warning(chain.manager.path.clone(), what, mend);
        }
    }
    let routes = to_attempts(gateway, document);
    check_that_any(&routes, gateway, document, findings);
    off::check(gateway, &routes, findings);
    off::check_others(&of_attempts(&gateway.others, gateway, document), findings);
    for route in &routes {
        check_retries(route, findings);
        check_timeout(&route.action(), findings);
        check_hedging(route, document, findings);
    }
    for route in gateway.attempts.iter().flat_map(routes_of) {
        check_attempt(&route.action(), findings);
    }
}

fn check_that_any(
    routes: &[Route],
    gateway: &Gateway,
    document: &Document,
    findings: &mut Findings,
) {
    let mut listed = gateway
        .edges
        .iter()
        .map(|chain| chain.manager.get("route_config"));
    let Some(listed) = listed.find(Node::is_there).filter(|_| routes.is_empty()) else {
        return;
    };
    let (what, mend) = if document.native {
        let what =
            format!("no route has the `{SPECIFIER}` that sends attempts to the plan's clusters");
        (what, "take the route of envoy/native.yaml")
    } else {
        let what = "no route leads to a cluster whose endpoint is the internal listener of the attempt chain";
        (
            what.to_owned(),
            "take the route and the cluster `attempt` of envoy/envoy.yaml",
        )
    };
    findings.error(listed.path, what, mend);
}

/// What the retry policy must name, and what is lost without it.
const RETRY_ON: [(&str, &str); 3] = [
    ("retriable-headers", "an answer without an outcome"),
    ("reset", "a connection that is lost"),
    ("connect-failure", "a connection that fails"),
];

fn check_retries(route: &Route, findings: &mut Findings) {
    let policy = route.policy("retry_policy");
    let on = policy.get("retry_on");
    let named: Vec<&str> = on.text().split(',').map(str::trim).collect();
    for (name, case) in RETRY_ON {
        if !named.contains(&name) {
            let what = format!("`{name}` is missing: {case} does not lead to the next provider");
            let mend = format!(
                "set `retry_on: {}`",
                RETRY_ON.map(|(name, _)| name).join(",")
            );
            findings.error(on.path.clone(), what, mend);
        }
    }
    let rule = json!({"name": OUTCOME, "present_match": true, "invert_match": true});
    let rules = policy.get("retriable_headers");
    if rules.items().iter().all(|found| *found.value != rule) {
        let what = "without the rule that an answer without an outcome is tried again, a failure is the end of its request";
        let mend = format!(
            "set `retriable_headers: [{{name: {OUTCOME}, present_match: true, invert_match: true}}]`"
        );
        findings.error(rules.path, what, mend);
    }
    let count = route.host.get("include_request_attempt_count");
    if !count.is_true() {
        let what = "attempts are not numbered: each asks the first provider of the plan";
        findings.error(count.path, what, "set it to `true`");
    }
}

fn check_timeout(action: &Node, findings: &mut Findings) {
    let timeout = action.get("timeout");
    if !timeout.is_there() {
        let what = "by default Envoy ends a request after 15 s, streams and fallbacks among them";
        findings.error(
            timeout.path,
            what,
            "set it to `0s`: the document's `timeouts` bound attempts",
        );
    } else if timeout.seconds() != Some(0.0) {
        let what = format!(
            "Envoy ends a request after {}, whatever it does then",
            timeout.text()
        );
        let mend = "set it to `0s`: the document's `timeouts` and `request_timeout_ms` do better";
        findings.warning(timeout.path, what, mend);
    }
}

fn check_hedging(route: &Route, document: &Document, findings: &mut Findings) {
    let soft = route.policy("hedge_policy").get("hedge_on_per_try_timeout");
    // In the native shape `select` refuses it.
    if document.hedge_after_ms > 0 && !document.native && !soft.is_true() {
        let what =
            "the document has `hedge_after_ms`, but an attempt that is too slow is broken off";
        findings.error(
            soft.path,
            what,
            "set `hedge_policy: {hedge_on_per_try_timeout: true}`",
        );
    }
}

fn check_attempt(action: &Node, findings: &mut Findings) {
    if !action.is_there() {
        return;
    }
    check_timeout(action, findings);
    let header = action.get("cluster_header");
    if header.text() != CLUSTER {
        let what = "attempts do not go to the cluster that `fallback` chose";
        findings.error(
            header.path,
            what,
            format!("set `cluster_header: {CLUSTER}`"),
        );
    }
}
