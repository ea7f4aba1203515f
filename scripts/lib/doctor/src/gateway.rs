//! Where an Envoy configuration has the gateway: its filters, its chains, its clusters.

use std::path::Path;

use serde_json::Value;

use crate::node::Node;

/// The filters of the edge chain, in order.
pub(crate) const EDGE: &[&str] = &["auth", "normalize", "select", "healing", "usage"];
/// The filters of the attempt chain, in order.
pub(crate) const ATTEMPT: &[&str] = &["fallback", "middle-out"];
/// The same in one module.
pub(crate) const FUSED_EDGE: &str = "edge";
/// The same in one module.
pub(crate) const FUSED_ATTEMPT: &str = "attempt";

/// An HTTP filter, perhaps one of the gateway's.
#[derive(Debug, Clone)]
pub(crate) struct HttpFilter<'a> {
    /// The filter's entry.
    pub(crate) node: Node<'a>,
    /// Which of the gateway's filters it is.
    pub(crate) name: Option<&'static str>,
}

impl<'a> HttpFilter<'a> {
    fn of(node: Node<'a>) -> Self {
        let name = name_of(&node.at("typed_config.config"));
        Self { node, name }
    }

    /// The Wasm plugin's settings.
    pub(crate) fn plugin(&self) -> Node<'a> {
        self.node.at("typed_config.config")
    }
}

/// A module is known by its file; where it has another name, by the plugin's.
fn name_of(plugin: &Node) -> Option<&'static str> {
    let code = plugin.at("vm_config.code");
    if !code.is_there() {
        return None;
    }
    let modules = ["local.filename", "remote.http_uri.uri"].map(|source| code.at(source).text());
    let stems = modules.map(|module| Path::new(module).file_stem()?.to_str());
    let mut names = stems
        .into_iter()
        .flatten()
        .chain([plugin.get("name").text()]);
    let fused = [FUSED_EDGE, FUSED_ATTEMPT];
    let ours = EDGE.iter().chain(ATTEMPT).chain(&fused).copied();
    names.find_map(|name| ours.clone().find(|known| *known == name))
}

/// A list of HTTP filters: a connection manager's, or the upstream filters of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Chain<'a> {
    /// The listener or the cluster.
    pub(crate) owner: Node<'a>,
    /// What has the list as its `http_filters`, and a listener's routes.
    pub(crate) manager: Node<'a>,
    /// The filters in order.
    pub(crate) filters: Vec<HttpFilter<'a>>,
}

impl<'a> Chain<'a> {
    fn of(owner: &Node<'a>, manager: Node<'a>) -> Option<Self> {
        let list = manager.get("http_filters");
        let filters = list.items().into_iter().map(HttpFilter::of);
        list.is_there().then(|| Self {
            owner: owner.clone(),
            filters: filters.collect(),
            manager,
        })
    }

    /// The gateway's own filters.
    pub(crate) fn ours(&self) -> impl Iterator<Item = (&'static str, &HttpFilter<'a>)> {
        let filters = self.filters.iter();
        filters.filter_map(|filter| Some((filter.name?, filter)))
    }

    /// Whether it has one of these filters, apart or in one module.
    pub(crate) fn has_any(&self, apart: &[&str], fused: &str) -> bool {
        self.ours()
            .any(|(name, _)| name == fused || apart.contains(&name))
    }
}

/// An Envoy configuration as the gateway sees it.
#[derive(Debug)]
pub(crate) struct Gateway<'a> {
    /// `static_resources`.
    pub(crate) resources: Node<'a>,
    /// Listeners' chains with filters of the edge.
    pub(crate) edges: Vec<Chain<'a>>,
    /// Listeners' chains with filters of an attempt: the portable shape.
    pub(crate) attempts: Vec<Chain<'a>>,
    /// Listeners' chains without filters of the gateway.
    pub(crate) others: Vec<Chain<'a>>,
    /// Chains of clusters' upstream filters, whether or not there are any of the gateway's: in the native shape there are.
    pub(crate) upstream: Vec<Chain<'a>>,
    /// The clusters.
    pub(crate) clusters: Vec<Node<'a>>,
    /// Whether there may be clusters that do not stand in the file.
    pub(crate) has_other_clusters: bool,
}

/// What only Envoy configurations have.
const ENVOY_ONLY: [&str; 4] = ["static_resources", "dynamic_resources", "admin", "node"];

impl<'a> Gateway<'a> {
    /// Looks for the gateway in a file; `None` where it is no Envoy configuration.
    pub(crate) fn find(file: &'a Value) -> Option<Self> {
        let root = Node::root(file);
        if !ENVOY_ONLY.iter().any(|name| root.get(name).is_there()) {
            return None;
        }
        let resources = root.get("static_resources");
        let clusters = resources.get("clusters").items();
        let (edges, others): (Vec<Chain>, Vec<Chain>) = listener_chains(&resources)
            .into_iter()
            .partition(|chain| chain.has_any(EDGE, FUSED_EDGE));
        let is_attempt = |chain: &Chain| chain.has_any(ATTEMPT, FUSED_ATTEMPT);
        let (attempts, others) = others.into_iter().partition(is_attempt);
        Some(Self {
            edges,
            attempts,
            others,
            upstream: clusters.iter().flat_map(upstream_chains).collect(),
            clusters,
            has_other_clusters: root.at("dynamic_resources.cds_config").is_there(),
            resources,
        })
    }

    /// The cluster of a name.
    pub(crate) fn cluster(&self, name: &str) -> Option<&Node<'a>> {
        let mut clusters = self.clusters.iter();
        clusters.find(|cluster| cluster.get("name").text() == name)
    }

    /// The gateway's filters, wherever they stand.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &HttpFilter<'a>> {
        let chains = self
            .edges
            .iter()
            .chain(&self.attempts)
            .chain(&self.upstream);
        chains.flat_map(|chain| chain.ours().map(|(_, filter)| filter))
    }

    /// The upstream filters of a cluster.
    pub(crate) fn upstream_of(&self, cluster: &Node) -> Option<&Chain<'a>> {
        let mut chains = self.upstream.iter();
        chains.find(|chain| chain.owner.path == cluster.path)
    }

    /// The clusters that lead to an attempt's listener.
    pub(crate) fn internal_clusters(&self) -> Vec<&Node<'a>> {
        let listeners: Vec<&str> = self
            .attempts
            .iter()
            .map(|chain| chain.owner.get("name").text())
            .collect();
        let leads_there = |cluster: &&Node| {
            let localities = cluster.at("load_assignment.endpoints").items();
            let mut endpoints = localities
                .iter()
                .flat_map(|locality| locality.get("lb_endpoints").items());
            endpoints.any(|endpoint| {
                let address = endpoint.at("endpoint.address.envoy_internal_address");
                listeners.contains(&address.get("server_listener_name").text())
            })
        };
        self.clusters.iter().filter(leads_there).collect()
    }
}

fn listener_chains<'a>(resources: &Node<'a>) -> Vec<Chain<'a>> {
    let mut chains = Vec::new();
    for listener in resources.get("listeners").items() {
        let mut filter_chains = listener.get("filter_chains").items();
        filter_chains.push(listener.get("default_filter_chain"));
        let filters = filter_chains
            .iter()
            .flat_map(|chain| chain.get("filters").items());
        chains
            .extend(filters.filter_map(|filter| Chain::of(&listener, filter.get("typed_config"))));
    }
    chains
}

fn upstream_chains<'a>(cluster: &Node<'a>) -> Vec<Chain<'a>> {
    let options = cluster.get("typed_extension_protocol_options").members();
    let chains = options.into_iter();
    chains
        .filter_map(|options| Chain::of(cluster, options))
        .collect()
}
