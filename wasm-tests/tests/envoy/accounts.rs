//! A gateway for callers with accounts of their own, and who saw which credential there.
//!
//! All secrets contain `canary`, which no log of a gateway may.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use meshrouter_simulator::{RecordedRequest, Simulator};
use meshrouter_wasm_tests::providers::own_key;
use serde_json::{Value, json};

use crate::ask::{Ask, known_key};
use crate::gateway::{Gateway, text};

/// A model that Azure serves, then beta.
pub(crate) const AZURE: &str = "test/azure";
/// A secret that looks like nothing.
pub(crate) const HEX: &str = "0123456789abcdef0canary0abcdef89";
/// The key of this name has letters that a header must not.
pub(crate) const FOREIGN: &str = "Zoë's 🔑";

/// A gateway with keys that have accounts of their own, and two deployments at Azure: the gateway's and Acme's.
pub(crate) struct Byok {
    pub(crate) gateway: Gateway,
    pub(crate) azure: Simulator,
    pub(crate) acme: Simulator,
}

impl Deref for Byok {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}

/// The gateway, which lives as long as a test uses it.
pub(crate) fn byok() -> Arc<Byok> {
    static CURRENT: Mutex<Weak<Byok>> = Mutex::new(Weak::new());
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(gateway) = current.upgrade() {
        return gateway;
    }
    let start = |key: &str| Simulator::builder("azure").key(key).start().unwrap();
    let (azure, acme) = (start("azure-shared"), start(HEX));
    let ports = [azure.port(), acme.port()];
    let gateway = Gateway::start(|envoy| {
        let envoy = envoy.document(document);
        envoy.config(move |config| {
            // The gateway's own Azure has its key from Envoy; the other is the caller's business.
            add_cluster(config, "azure", ports[0], Some("api-key"));
            add_cluster(config, "acme-azure", ports[1], None);
            add_cluster(config, "acme-injected", ports[1], Some("api-key"));
            let secret = |name: &str, value: &str| {
                json!({"name": name, "generic_secret": {"secret": {"inline_string": value}}})
            };
            let secrets = config["static_resources"]["secrets"].as_array_mut();
            let secrets = secrets.unwrap();
            secrets.push(secret("azure-key", "azure-shared"));
            secrets.push(secret("acme-injected-key", HEX));
        })
    });
    let gateway = Arc::new(Byok {
        gateway,
        azure,
        acme,
    });
    *current = Arc::downgrade(&gateway);
    gateway
}

pub(crate) fn document(document: &mut Value) {
    document["providers"]["azure"] = json!({"name": "Azure", "cluster": "azure", "authority": "shared.openai.azure.com",
        "path": "/openai/deployments/{model}/chat/completions?api-version=2024-06-01", "credential_header": "api-key"});
    let pricing = json!({"prompt": "0.000001", "completion": "0.000001"});
    let models = document["models"].as_array_mut().unwrap();
    models.push(json!({"id": AZURE, "context_length": 100_000, "endpoints": [
        {"provider": "azure", "model": "gpt-4o.shared", "pricing": pricing},
        {"provider": "beta", "model": "gpt-4o", "path": "/own/{model}/chat/completions", "pricing": pricing}]}));
    let own = |provider: &str, n| json!({"provider": provider, "secret": own_key(provider, n)});
    let always = |mut credential: Value| {
        credential["always"] = json!(true);
        credential
    };
    let deployment = |more: Value| {
        let mut credential = json!({"provider": "azure", "authority": "acme.openai.azure.com", "models": [AZURE],
            "path": "/openai/deployments/{model}/chat/completions?api-version=2024-10-21", "model": "gpt-4o-acme"});
        let more = more.as_object().unwrap().clone();
        credential.as_object_mut().unwrap().extend(more);
        credential
    };
    let mine = deployment(json!({"cluster": "acme-azure", "secret": HEX}));
    let keys = [
        ("one", json!([own("alpha", 1)])),
        (FOREIGN, json!([own("alpha", 1)])),
        ("two", json!([own("alpha", 1), own("alpha", 2)])),
        ("always", json!([always(own("alpha", 1))])),
        ("late", json!([own("beta", 1)])),
        ("wrong", json!([{"provider": "alpha", "secret": HEX}])),
        ("azure", json!([mine])),
        (
            "injected",
            json!([deployment(json!({"cluster": "acme-injected"}))]),
        ),
        (
            "shared-place",
            json!([{"provider": "azure", "secret": "azure-shared", "model": "mine", "models": [AZURE]}]),
        ),
    ];
    let known = document["keys"].as_array_mut().unwrap();
    known.extend(keys.map(|(name, credentials)| {
        known_key(name, &json!({"credentials": credentials, "explain": true}))
    }));
}

/// A cluster like alpha's that leads elsewhere, with or without a credential that Envoy adds in this header.
pub(crate) fn add_cluster(config: &mut Value, name: &str, port: u16, header: Option<&str>) {
    let clusters = config["static_resources"]["clusters"].as_array_mut();
    let clusters = clusters.unwrap();
    let alpha = clusters.iter().find(|cluster| cluster["name"] == "alpha");
    let mut cluster = alpha.unwrap().clone();
    cluster["name"] = json!(name);
    cluster["load_assignment"]["cluster_name"] = json!(name);
    let address =
        "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
    *cluster.pointer_mut(address).unwrap() = json!(port);
    let options = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions/http_filters";
    let filters = cluster
        .pointer_mut(options)
        .unwrap()
        .as_array_mut()
        .unwrap();
    // In the native shape the attempt's filters stand before it.
    let is_injector = |filter: &Value| filter["name"] == "envoy.filters.http.credential_injector";
    let injector = filters.iter().position(is_injector).unwrap();
    match header {
        Some(header) => {
            let credential = &mut filters[injector]["typed_config"]["credential"]["typed_config"];
            credential["header"] = json!(header);
            let key = format!("{name}-key");
            credential["credential"]["name"] = json!(key);
            if let Some(path) =
                credential.pointer_mut("/credential/sds_config/path_config_source/path")
            {
                *path = json!(path.as_str().unwrap().replace("alpha-key", &key));
            }
        }
        None => drop(filters.remove(injector)),
    }
    clusters.push(cluster);
}

/// The credentials of a request, whatever header they are in.
pub(crate) fn credentials(request: &RecordedRequest) -> Vec<String> {
    let headers = request.headers.iter();
    let found = headers.filter(|(name, _)| ["authorization", "api-key"].contains(&name.as_str()));
    found
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

/// The credentials that alpha, beta and gamma were asked with, in order.
pub(crate) fn asked_with(gateway: &Gateway, ask: &Ask) -> Vec<String> {
    let seen = gateway.seen(ask);
    seen.iter()
        .flat_map(|seen| credentials(&seen.request))
        .collect()
}

pub(crate) fn bearer(key: &str) -> String {
    format!("authorization: Bearer {key}")
}

pub(crate) fn own(provider: &str, n: usize) -> String {
    bearer(&own_key(provider, n))
}

pub(crate) fn shared(provider: &str) -> String {
    bearer(&format!("sk-sim-{provider}"))
}

/// What a simulator saw of a request.
pub(crate) fn seen_at(simulator: &Simulator, ask: &Ask) -> Vec<RecordedRequest> {
    let requests = simulator.requests().into_iter();
    requests
        .filter(|request| request.json()["simulate"]["id"] == *ask.id())
        .collect()
}

/// Asks plain and streamed; the model answers either way.
#[track_caller]
pub(crate) fn answered(gateway: &Gateway, ask: &Ask, streamed: bool) {
    let response = gateway.send(ask);
    assert_eq!(response.status, 200, "{}", response.text());
    if streamed {
        assert_ne!(text(&response.sse_json()), "");
    } else {
        let answer = &response.json()["choices"][0]["message"]["content"];
        assert_ne!(answer, &json!(""));
    }
}
