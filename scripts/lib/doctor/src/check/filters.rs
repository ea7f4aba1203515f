//! The gateway's filters: that all are there, in their order, and agree with each other.

use std::borrow::Cow;

use meshrouter_core::document::Document;
use meshrouter_core::names::NOBODY;
use serde_json::Value;

use crate::check::clusters;
use crate::finding::{Findings, Severity};
use crate::gateway::{ATTEMPT, Chain, EDGE, FUSED_ATTEMPT, FUSED_EDGE, Gateway, HttpFilter};
use crate::node::Node;

const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";
const STRING: &str = "type.googleapis.com/google.protobuf.StringValue";

/// The gateway document, from the first filter that there is.
pub(crate) fn document<'a>(
    gateway: &Gateway<'a>,
    findings: &mut Findings,
) -> Option<Cow<'a, Value>> {
    let Some(first) = gateway.filters().next() else {
        let path = gateway.resources.get("listeners").path;
        let what = "no listener and no cluster has a filter of the gateway";
        let mend = "begin with envoy/envoy.yaml, or check a gateway document by itself";
        findings.error(path, what, mend);
        return None;
    };
    let configuration = first.plugin().get("configuration");
    let value = configuration.get("value");
    let document = match configuration.get("@type").text() {
        STRUCT => Some(Cow::Borrowed(value.value)),
        STRING => serde_json::from_str(value.text()).ok().map(Cow::Owned),
        _ => None,
    };
    if document.is_none() {
        let what = "is no gateway document";
        let mend = format!("give it the `@type` {STRUCT} and the document as `value`");
        findings.error(configuration.path, what, mend);
    }
    document
}

/// Checks each filter by itself, and against the first.
pub(crate) fn check(gateway: &Gateway, findings: &mut Findings) {
    let Some(first) = gateway.filters().next() else {
        return;
    };
    for filter in gateway.filters() {
        check_headers_stop(filter, findings);
        check_failure(filter, findings);
        check_agreement(filter, first, findings);
    }
}

fn check_headers_stop(filter: &HttpFilter, findings: &mut Findings) {
    let setting = filter.plugin().get("allow_on_headers_stop_iteration");
    if !setting.is_true() {
        let what = "a filter that holds headers stops the body, too, and requests wait forever";
        findings.error(setting.path, what, "set it to `true`");
    }
}

/// What becomes of requests after a VM failed.
fn check_failure(filter: &HttpFilter, findings: &mut Findings) {
    let plugin = filter.plugin();
    let policy = plugin.get("failure_policy");
    let mend = "set it to `FAIL_RELOAD`";
    if policy.text() == "FAIL_OPEN" || plugin.get("fail_open").is_true() {
        let what = "where the filter has failed, requests pass without it, whoever sent them";
        findings.error(policy.path, what, mend);
    } else if policy.text() != "FAIL_RELOAD" {
        let what =
            "where the filter has failed once, it fails all requests until Envoy starts anew";
        findings.warning(policy.path, what, mend);
    }
}

fn check_agreement(filter: &HttpFilter, first: &HttpFilter, findings: &mut Findings) {
    let (plugin, other) = (filter.plugin(), first.plugin());
    let (ours, theirs) = (plugin.get("configuration"), other.get("configuration"));
    if ours.value != theirs.value {
        let what = format!("is another gateway document than at {}", theirs.path);
        let mend =
            "refer to one document from all filters, by a YAML anchor as envoy/envoy.yaml does";
        findings.error(ours.path, what, mend);
    }
    let (ours, theirs) = (plugin.at("vm_config.vm_id"), other.at("vm_config.vm_id"));
    if ours.value != theirs.value {
        let what = format!(
            "is not \"{}\", as at {}: shared data belongs to a `vm_id`, so these filters share no health, keys and balances",
            theirs.text(),
            theirs.path
        );
        let mend = format!("set it to \"{}\"", theirs.text());
        findings.error(ours.path, what, mend);
    }
}

/// Checks that each chain has its filters, in their order.
pub(crate) fn check_chains(gateway: &Gateway, document: &Document, findings: &mut Findings) {
    if gateway.edges.is_empty() {
        let what = "no listener has the filters of the edge chain";
        let mend = format!("add {} before the router", EDGE.join(", "));
        findings.error(gateway.resources.get("listeners").path, what, mend);
    }
    for chain in &gateway.edges {
        check_chain(chain, EDGE, FUSED_EDGE, findings);
    }
    if document.native {
        check_upstream(gateway, document, findings);
    } else {
        check_listener(gateway, findings);
    }
}

/// The portable shape: a listener for attempts, and no filters of the gateway at clusters.
fn check_listener(gateway: &Gateway, findings: &mut Findings) {
    for chain in &gateway.attempts {
        check_chain(chain, ATTEMPT, FUSED_ATTEMPT, findings);
    }
    if !gateway.attempts.is_empty() {
        return;
    }
    let what = "no listener has the filters of the attempt chain, and the document does not say `native: true`";
    let mend = "add the internal listener `attempt` of envoy/envoy.yaml, or take envoy/native.yaml";
    findings.error(gateway.resources.get("listeners").path, what, mend);
}

/// The native shape: the attempt chain at each cluster that attempts are sent to.
fn check_upstream(gateway: &Gateway, document: &Document, findings: &mut Findings) {
    for chain in &gateway.attempts {
        let what = "has filters of the attempt chain, but the document says `native: true`: attempts do not come by here";
        let mend = "remove the listener, or `native` from the document";
        findings.error(chain.owner.path.clone(), what, mend);
    }
    for cluster in clusters::of_attempts(gateway, document) {
        match gateway.upstream_of(cluster) {
            Some(chain) => check_chain(chain, ATTEMPT, FUSED_ATTEMPT, findings),
            None => tell_missing(
                cluster.get("typed_extension_protocol_options"),
                ATTEMPT,
                findings,
            ),
        }
    }
}

fn check_chain(chain: &Chain, apart: &[&str], fused: &str, findings: &mut Findings) {
    let found: Vec<&str> = chain.ours().map(|(name, _)| name).collect();
    let alone = [fused];
    let expected: &[&str] = if found.contains(&fused) {
        &alone
    } else {
        apart
    };
    let mut seen = Vec::new();
    for (name, filter) in chain.ours() {
        tell_superfluous(name, filter, expected, &seen, findings);
        seen.push(name);
    }
    let missing = expected.iter().filter(|name| !found.contains(name));
    let may_miss = |name: &&&str| chain.owner.get("name").text() == NOBODY && **name != "fallback";
    let missing: Vec<&str> = missing.filter(|name| !may_miss(name)).copied().collect();
    tell_missing(chain.manager.get("http_filters"), &missing, findings);
    let ordered = expected.iter().filter(|name| found.contains(name));
    if found.len() == ordered.clone().count() && !ordered.clone().eq(&found) {
        let ordered: Vec<&str> = ordered.copied().collect();
        let what = format!("the filters stand in the order {}", found.join(", "));
        let mend = format!("put them in the order {}", ordered.join(", "));
        findings.error(chain.manager.get("http_filters").path, what, mend);
    }
}

fn tell_superfluous(
    name: &str,
    filter: &HttpFilter,
    expected: &[&str],
    seen: &[&str],
    findings: &mut Findings,
) {
    let what = if seen.contains(&name) {
        format!("`{name}` stands here a second time")
    } else if !expected.contains(&name) {
        format!("`{name}` does not belong in this chain")
    } else {
        return;
    };
    findings.error(filter.node.path.clone(), what, "remove it");
}

fn tell_missing(at: Node, missing: &[&str], findings: &mut Findings) {
    for name in missing {
        let (severity, what) = match *name {
            "healing" => (Severity::Warning, "no answer is repaired"),
            "middle-out" => (Severity::Warning, "no prompt is compressed"),
            _ => (Severity::Error, "the chain does not work"),
        };
        let what = format!("`{name}` is missing: {what}");
        let mend = "add it at its place, as in the files of envoy/";
        findings.add(severity, at.path.clone(), what, mend);
    }
}
