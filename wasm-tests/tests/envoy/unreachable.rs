//! Providers that nobody reaches, by one reason each.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
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
    pub(crate) port: u16,
    socket: Socket,
    _waiting: Vec<TcpStream>,
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
            socket,
            _waiting: waiting,
        }
    }

    /// The same place for a server that takes from the queue.
    pub(crate) fn listener(&self) -> TcpListener {
        self.socket.try_clone().unwrap().into()
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

/// A provider like alpha, but on a port where nobody listens.
pub(crate) fn add_closed_cluster(config: &mut Value) {
    add_cluster(config, "closed", &json!({}), Some(("127.0.0.1", 1)));
}

/// A cluster like alpha's, with these other members, and somewhere else.
pub(crate) fn add_cluster<'a>(
    config: &'a mut Value,
    name: &str,
    more: &Value,
    address: Option<(&str, u16)>,
) -> &'a mut Value {
    let clusters = &mut config["static_resources"]["clusters"];
    let clusters = clusters.as_array_mut().unwrap();
    let alpha = clusters.iter().find(|cluster| cluster["name"] == "alpha");
    let mut cluster = with(alpha.unwrap().clone(), more);
    cluster["name"] = json!(name);
    let load = &mut cluster["load_assignment"];
    load["cluster_name"] = json!(name);
    if let Some((host, port)) = address {
        let endpoint = "/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        *load.pointer_mut(endpoint).unwrap() = json!({"address": host, "port_value": port});
    }
    clusters.push(cluster);
    clusters.last_mut().unwrap()
}

fn add_clusters(config: &mut Value, hanging: u16) {
    // A name server that nobody runs says soonest that there is no such name.
    let resolver = json!({"name": "envoy.network.dns_resolver.cares", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        "resolvers": [{"socket_address": {"address": "127.0.0.1", "port_value": 1}}]}});
    let dns = json!({"type": "STRICT_DNS", "wait_for_warm_on_init": false, "typed_dns_resolver_config": resolver});
    let nowhere = add_cluster(config, "nowhere", &dns, Some(("nobody.invalid", 443)));
    if shape::is_native() {
        // A cluster without any address would end the request there: so there is a second one, where nobody listens, for
        // when the first has none.
        let nobody =
            json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}}});
        let second = json!({"priority": 1, "lb_endpoints": [{"endpoint": nobody}]});
        let endpoints = &mut nowhere["load_assignment"]["endpoints"];
        endpoints.as_array_mut().unwrap().push(second);
    }
    let tls = json!({"transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}}});
    add_cluster(config, "no-tls", &tls, None);
    let short = json!({"connect_timeout": "0.2s"});
    add_cluster(config, "hanging", &short, Some(("127.0.0.1", hanging)));
}
