//! Clusters: that those which the document names are there, and that they let fallbacks through under load.

use meshrouter_core::document::Document;
use meshrouter_core::names::NOBODY;

use crate::check::document::at;
use crate::finding::{Findings, Severity};
use crate::gateway::Gateway;
use crate::node::Node;

/// A cluster that the document names, and where it does.
struct Named<'d> {
    path: String,
    cluster: &'d str,
}

/// Those of the providers, and of keys' own accounts.
fn named_for_attempts(document: &Document) -> Vec<Named<'_>> {
    let mut named = Vec::new();
    for (slug, provider) in &document.providers {
        let path = at(&format!("providers.{slug}.cluster"));
        let cluster = &provider.cluster;
        named.push(Named { path, cluster });
    }
    for (n, key) in document.keys.iter().enumerate() {
        for (k, credential) in key.credentials.iter().enumerate() {
            let path = at(&format!("keys[{n}].credentials[{k}].cluster"));
            let own = credential.cluster.as_deref();
            named.extend(own.map(|cluster| Named { path, cluster }));
        }
    }
    named
}

/// The clusters that reach providers.
pub(crate) fn of_providers<'g, 'a>(
    gateway: &'g Gateway<'a>,
    document: &Document,
) -> Vec<&'g Node<'a>> {
    let named = named_for_attempts(document);
    let is_named = |cluster: &&Node| {
        let name = cluster.get("name").text();
        named.iter().any(|named| named.cluster == name)
    };
    gateway.clusters.iter().filter(is_named).collect()
}

/// The clusters to which the edge's router sends attempts.
pub(crate) fn of_attempts<'g, 'a>(
    gateway: &'g Gateway<'a>,
    document: &Document,
) -> Vec<&'g Node<'a>> {
    if !document.native {
        return gateway.internal_clusters();
    }
    let mut clusters = of_providers(gateway, document);
    clusters.extend(gateway.cluster(NOBODY));
    clusters
}

/// Checks the clusters.
pub(crate) fn check(gateway: &Gateway, document: &Document, findings: &mut Findings) {
    check_names(gateway, document, findings);
    let with_retries = of_attempts(gateway, document);
    for cluster in &with_retries {
        check_requests(cluster, findings);
        check_retries(cluster, findings);
    }
    for cluster in of_providers(gateway, document) {
        let is_new = |known: &&Node| known.path != cluster.path;
        if with_retries.iter().all(is_new) {
            check_requests(cluster, findings);
        }
        check_connecting(cluster, findings);
    }
}

fn check_names(gateway: &Gateway, document: &Document, findings: &mut Findings) {
    let mut named = named_for_attempts(document);
    named.extend(document.store.iter().map(|store| Named {
        path: at("store.cluster"),
        cluster: &store.cluster,
    }));
    if document.native {
        named.push(Named {
            path: gateway.resources.get("clusters").path,
            cluster: NOBODY,
        });
    }
    for Named { path, cluster } in named {
        if gateway.cluster(cluster).is_some() {
            continue;
        }
        let (severity, what) = if gateway.has_other_clusters {
            let what = format!(
                "the cluster `{cluster}` does not stand in this file; the `cds_config` has to bring it"
            );
            (Severity::Warning, what)
        } else {
            (Severity::Error, format!("Envoy has no cluster `{cluster}`"))
        };
        let known: Vec<&str> = gateway
            .clusters
            .iter()
            .map(|known| known.get("name").text())
            .collect();
        let mend = format!(
            "add it to static_resources.clusters, or name one that there is: {}",
            known.join(", ")
        );
        findings.add(severity, path, what, mend);
    }
}

/// What Envoy allows by default, of each.
const DEFAULT_REQUESTS: u64 = 1024;
const DEFAULT_RETRIES: u64 = 3;

/// The thresholds of usual requests; those of the priority `HIGH` are for routes that ask for it.
fn thresholds<'a>(cluster: &Node<'a>) -> Option<Node<'a>> {
    let all = cluster.at("circuit_breakers.thresholds").items();
    all.into_iter()
        .find(|thresholds| matches!(thresholds.get("priority").text(), "" | "DEFAULT"))
}

fn is_raised(thresholds: Option<&Node>, name: &str, default: u64) -> bool {
    let limit = thresholds.and_then(|thresholds| thresholds.get(name).number());
    limit.is_some_and(|limit| limit > default)
}

fn check_requests(cluster: &Node, findings: &mut Findings) {
    let thresholds = thresholds(cluster);
    let names = ["max_connections", "max_pending_requests", "max_requests"];
    let low = names
        .into_iter()
        .filter(|name| !is_raised(thresholds.as_ref(), name, DEFAULT_REQUESTS));
    let low: Vec<&str> = low.collect();
    if !low.is_empty() {
        let what = format!(
            "{} not above Envoy's default of {DEFAULT_REQUESTS}: Envoy refuses what comes beside so many",
            low.join(", ")
        );
        let mend = "raise them to 1000000, as envoy/envoy.yaml does, or to what the machine bears";
        findings.warning(cluster.get("circuit_breakers").path, what, mend);
    }
}

fn check_retries(cluster: &Node, findings: &mut Findings) {
    let thresholds = thresholds(cluster);
    let budget = thresholds
        .as_ref()
        .map(|thresholds| thresholds.get("retry_budget"));
    let has_budget = budget.is_some_and(|budget| budget.is_there());
    if !has_budget && !is_raised(thresholds.as_ref(), "max_retries", DEFAULT_RETRIES) {
        let what = format!(
            "max_retries not above Envoy's default of {DEFAULT_RETRIES}: of the requests that fail at a time, only so many fall back"
        );
        let mend =
            "set `max_retries: 1000000` in the thresholds: `select` bounds each request's attempts";
        findings.error(cluster.get("circuit_breakers").path, what, mend);
    }
}

/// After how many seconds TCP sends a lost packet of a handshake again.
const TCP_REPEATS: f64 = 1.0;

fn check_connecting(cluster: &Node, findings: &mut Findings) {
    let timeout = cluster.get("connect_timeout");
    if timeout
        .seconds()
        .is_some_and(|seconds| seconds <= TCP_REPEATS)
    {
        let what = format!(
            "{} is over before TCP sends a lost handshake again: one lost packet fails all requests that wait for a connection",
            timeout.text()
        );
        findings.warning(
            timeout.path,
            what,
            "set it to well over a second, such as `5s`",
        );
    }
}
