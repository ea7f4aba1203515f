//! The Envoys that are measured: one without a router, and one for each gateway.

use std::time::{Duration, Instant};

use meshrouter_wasm_tests::envoy::{Builder, Envoy};
use meshrouter_wasm_tests::shipped::idle_modules;
use serde_json::{Value, json};

use crate::process;

/// The name of the Envoy without a router.
pub const BARE: &str = "bare Envoy";

/// What the name of a gateway begins with whose modules make the calls of another's, and do no work.
const FLOOR: &str = "floor of ";

/// That gateway of another one.
pub fn floor_of(name: &str) -> String {
    format!("{FLOOR}{name}")
}

/// A running Envoy with one worker.
pub struct Gateway {
    /// The configuration's name: its file in `envoy/` without `.yaml`.
    pub name: String,
    /// Where it listens.
    pub port: u16,
    /// Its process.
    pub pid: u32,
    /// How long it took to get ready.
    pub start: Duration,
    /// Ended with this.
    _envoy: Envoy,
}

impl Gateway {
    /// An Envoy that only passes requests on.
    pub fn bare(upstream: u16, cpus: &[usize]) -> Result<Self, String> {
        let builder =
            Envoy::builder().config(move |config| *config = bare_configuration(config, upstream));
        Self::start(BARE, builder, cpus)
    }

    /// A shipped configuration, or the [floor](floor_of) of one, with an edit of its document.
    pub fn shipped(
        name: &str,
        upstream: u16,
        cpus: &[usize],
        edit: impl FnOnce(&mut Value) + 'static,
    ) -> Result<Self, String> {
        let shipped = name.strip_prefix(FLOOR);
        let mut builder = Envoy::builder()
            .base(format!("envoy/{}.yaml", shipped.unwrap_or(name)))
            .document(large_contexts)
            .document(edit)
            .config(silent);
        if shipped.is_some() {
            builder = builder.config(idle_modules);
        }
        for provider in ["alpha", "beta", "gamma"] {
            builder = builder.provider_port(provider, upstream);
        }
        Self::start(name, builder, cpus)
    }

    fn start(name: &str, builder: Builder, cpus: &[usize]) -> Result<Self, String> {
        let begin = Instant::now();
        let envoy = builder
            .concurrency(1)
            .log_level("error")
            .timeout(Duration::from_secs(180))
            .try_start()
            .map_err(|error| format!("{name}: {error}"))?;
        let start = begin.elapsed();
        let pid = envoy
            .pid()
            .ok_or_else(|| format!("{name}: no process of this machine"))?;
        process::pin(pid, cpus)?;
        Ok(Self {
            name: name.to_owned(),
            port: envoy.port(),
            pid,
            start,
            _envoy: envoy,
        })
    }
}

/// Lets the longest body of the benchmark into every model.
fn large_contexts(document: &mut Value) {
    for model in document["models"].as_array_mut().into_iter().flatten() {
        model["context_length"] = 10_000_000.into();
    }
}

/// Sends the access log to nowhere: what a terminal or a disk makes of it is not measured.
fn silent(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let log = object.get("@type").and_then(Value::as_str);
            if log.is_some_and(|name| name.ends_with(".StdoutAccessLog")) {
                object.insert("@type".to_owned(), FILE_LOG.into());
                object.insert("path".to_owned(), "/dev/null".into());
            }
            object.values_mut().for_each(silent);
        }
        Value::Array(array) => array.iter_mut().for_each(silent),
        _ => {}
    }
}

const FILE_LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

/// One listener, one route, one cluster, with the shipped configuration's limits.
fn bare_configuration(shipped: &Value, upstream: u16) -> Value {
    let shipped_cluster = |name: &str| {
        let clusters = shipped
            .pointer("/static_resources/clusters")
            .and_then(Value::as_array);
        clusters
            .into_iter()
            .flatten()
            .find(|cluster| cluster["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    let alpha = shipped_cluster("alpha");
    let limit = shipped.pointer("/static_resources/listeners/0/per_connection_buffer_limit_bytes");
    let log = r#"{"time":"%START_TIME%","status":%RESPONSE_CODE%,"duration_ms":%DURATION%,"flags":"%RESPONSE_FLAGS%"}"#;
    json!({
        "admin": shipped["admin"],
        "static_resources": {
            "listeners": [{
                "name": "edge",
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                "per_connection_buffer_limit_bytes": limit,
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                        "stat_prefix": "edge",
                        "request_timeout": "300s",
                        "access_log": [{"name": "envoy.access_loggers.file", "typed_config": {
                            "@type": FILE_LOG,
                            "path": "/dev/null",
                            "log_format": {"text_format_source": {"inline_string": format!("{log}\n")}}
                        }}],
                        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                            "suppress_envoy_headers": true
                        }}],
                        "route_config": {"virtual_hosts": [{"name": "edge", "domains": ["*"], "routes": [
                            {"match": {"prefix": "/"}, "route": {"cluster": "alpha", "timeout": "0s", "idle_timeout": "0s"}}
                        ]}]}
                    }
                }]}]
            }],
            "clusters": [{
                "name": "alpha",
                "type": "STATIC",
                "connect_timeout": "1s",
                "per_connection_buffer_limit_bytes": alpha.get("per_connection_buffer_limit_bytes"),
                "circuit_breakers": alpha.get("circuit_breakers"),
                "load_assignment": {"cluster_name": "alpha", "endpoints": [{"lb_endpoints": [
                    {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": upstream}}}}
                ]}]}
            }]
        }
    })
}
