//! What the native shape takes of Envoy beside the gateway's filters.

use meshrouter_core::document::Document;
use meshrouter_core::names::header::GROUPS;

use crate::check::clusters;
use crate::check::routes::{self, Route, SPECIFIER};
use crate::finding::Findings;
use crate::gateway::{Chain, Gateway};
use crate::node::Node;

/// The key of the metadata that the cluster specifier reads.
const KEY: &str = "priority_groups";

/// Checks the way of the plan from `select` to the route, and the route's retries.
pub(crate) fn check(gateway: &Gateway, document: &Document, findings: &mut Findings) {
    let routes = routes::to_attempts(gateway, document);
    for route in &routes {
        check_retries(route, findings);
    }
    for cluster in clusters::of_providers(gateway, document) {
        check_addresses(cluster, findings);
    }
    for chain in &gateway.edges {
        check_metadata(chain, &routes, findings);
        check_new_route(chain, findings);
    }
}

fn check_retries(route: &Route, findings: &mut Findings) {
    let policy = route.policy("retry_policy");
    let refresh = policy.get("refresh_cluster_on_retry");
    if !refresh.is_true() {
        let what = "every attempt goes to the first provider of the plan";
        findings.error(refresh.path, what, "set it to `true`");
    }
    let timeout = policy.get("per_try_timeout");
    if !timeout.is_there() {
        let what = "with the usual `first_byte_ms`, silence does not lead to the next provider";
        findings.error(timeout.path, what, "set it to `300s`");
    }
}

/// Without any address, Envoy has nobody to hand the request to, and answers it itself.
fn check_addresses(cluster: &Node, findings: &mut Findings) {
    let (kind, localities) = (cluster.get("type"), cluster.at("load_assignment.endpoints"));
    let is_second = |locality: &Node| locality.get("priority").number() > Some(0);
    if kind.text().ends_with("_DNS") && !localities.items().iter().any(is_second) {
        let what = "while its name has no address, requests end with Envoy's 503 in the place of the next provider";
        let mend = "make it `STRICT_DNS`, and add an endpoint with `priority: 1` at 127.0.0.1, port 1, where nobody listens";
        findings.warning(localities.path, what, mend);
    }
}

/// The plan's clusters, from the header to the metadata that the route reads.
fn check_metadata(chain: &Chain, routes: &[Route], findings: &mut Findings) {
    let namespaces = routes.iter().map(|route| {
        let plugin = route.action().get(SPECIFIER);
        let namespace = plugin.at("extension.typed_config.override_metadata_namespace");
        namespace.text()
    });
    let wanted: Vec<&str> = namespaces.collect();
    let passes_on = |rule: Node| {
        let set = rule.get("on_header_present");
        rule.get("header").text() == GROUPS
            && set.get("key").text() == KEY
            && set.get("encode").text() == "BASE64"
            && wanted.contains(&set.get("metadata_namespace").text())
    };
    let rules = behind_select(chain).map(|config| config.get("request_rules").items());
    if !rules.flatten().any(passes_on) {
        let what = format!(
            "no filter behind `select` makes the metadata `{KEY}` of the header {GROUPS} that the route's {SPECIFIER} reads: \
             attempts go nowhere"
        );
        let mend = "add envoy.filters.http.header_to_metadata as in envoy/native.yaml, with the route's `override_metadata_namespace`";
        findings.error(chain.manager.get("http_filters").path, what, mend);
    }
}

/// The route was found before `select` knew the plan.
fn check_new_route(chain: &Chain, findings: &mut Findings) {
    if !behind_select(chain).any(|config| config.get("clear_route_cache").is_true()) {
        let what = "no filter behind `select` has the route found anew: attempts go by no plan";
        let mend = "add envoy.filters.http.set_filter_state with `clear_route_cache: true`, as in envoy/native.yaml";
        findings.error(chain.manager.get("http_filters").path, what, mend);
    }
}

/// The settings of the filters that come after the gateway's.
fn behind_select<'a>(chain: &Chain<'a>) -> impl Iterator<Item = Node<'a>> {
    let last = chain
        .filters
        .iter()
        .rposition(|filter| filter.name.is_some());
    let behind = chain.filters.iter().skip(last.map_or(0, |last| last + 1));
    behind.map(|filter| filter.node.get("typed_config"))
}
