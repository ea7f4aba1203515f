//! Providers that nobody reaches, by one reason each.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use meshrouter_wasm_tests::envoy::Builder;
use meshrouter_wasm_tests::shape;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::catalog::with;

/// The providers: no address, no TLS, no handshake.
pub(crate) const UNREACHABLE: [&str; 3] = ["nowhere", "no-tls", "hanging"];

/// A port that completes no handshake: its queue of connections is full, and nobody takes one off it.
pub(crate) struct Hanging {
    port: u16,
    _kept: (Socket, Vec<TcpStream>),
}

impl Hanging {
    pub(crate) fn start() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let waiting: Vec<_> = std::iter::from_fn(connect).take(64).collect();
        assert!(waiting.len() < 64, "the queue does not fill");
        Self {
            port: address.port(),
            _kept: (socket, waiting),
        }
    }
}

/// Adds the providers and their clusters to a gateway.
pub(crate) fn unreachable(envoy: Builder, hanging: &Hanging) -> Builder {
    let port = hanging.port;
    let envoy = envoy.document(|document| {
        for name in UNREACHABLE {
            document["providers"][name] = json!({"cluster": name});
        }
    });
    envoy.config(move |config| add_clusters(config, port))
}

fn add_clusters(config: &mut Value, hanging: u16) {
    let clusters = &mut config["static_resources"]["clusters"];
    let clusters = clusters.as_array_mut().unwrap();
    let alpha = clusters.iter().find(|cluster| cluster["name"] == "alpha");
    let alpha = alpha.unwrap().clone();
    let mut add = |name: &str, more: Value, address: Option<(&str, u16)>| {
        let mut cluster = with(alpha.clone(), &more);
        cluster["name"] = json!(name);
        let load = &mut cluster["load_assignment"];
        load["cluster_name"] = json!(name);
        let endpoint = "/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        if let (Some((host, port)), Some(socket)) = (address, load.pointer_mut(endpoint)) {
            *socket = json!({"address": host, "port_value": port});
        }
        clusters.push(cluster);
    };
    // In the native shape a cluster without any address would end the request: so there is a second one, where nobody
    // listens, for when the first has none.
    let nobody = json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}}});
    let second = json!({"priority": 1, "lb_endpoints": [{"endpoint": nobody}]});
    // A name server that nobody runs says soonest that there is no such name.
    let resolver = json!({"name": "envoy.network.dns_resolver.cares", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        "resolvers": [{"socket_address": {"address": "127.0.0.1", "port_value": 1}}]}});
    let dns = json!({"type": "STRICT_DNS", "wait_for_warm_on_init": false, "typed_dns_resolver_config": resolver});
    add("nowhere", dns, Some(("nobody.invalid", 443)));
    let tls = json!({"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}}});
    add("no-tls", tls, None);
    let short = json!({"connect_timeout": "0.2s"});
    add("hanging", short, Some(("127.0.0.1", hanging)));
    if shape::is_native() {
        let nowhere = clusters
            .iter_mut()
            .find(|cluster| cluster["name"] == "nowhere");
        let endpoints = &mut nowhere.unwrap()["load_assignment"]["endpoints"];
        endpoints.as_array_mut().unwrap().push(second);
    }
}
