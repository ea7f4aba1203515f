//! A proxy of a mesh with the router in it.

use std::time::{Duration, Instant};

use meshrouter_simulator::Simulator;
use meshrouter_wasm_tests::client::{Client, Request, Response};
use meshrouter_wasm_tests::envoy::{Builder, Envoy, repository};
use meshrouter_wasm_tests::istio::{Proxy, Served, resources};
use serde_json::{Value, json};

use crate::ask::LLAMA;

pub(super) const COMPLETIONS: &str = "/api/v1/chat/completions";
pub(super) const SHOP: &str = "outbound|80||shop.shop.svc.cluster.local";
pub(super) const GROQ: &str = "outbound|443|meshrouter|api.groq.com";
pub(super) const TOGETHER: &str = "outbound|443|meshrouter|api.together.xyz";

/// A kind of proxy, and how requests get to the router there.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) listener: &'static str,
    pub(super) host: &'static str,
    pub(super) shop: &'static str,
}

pub(super) const GATEWAY: Kind = Kind {
    name: "gateway",
    listener: "0.0.0.0_8443",
    host: "llm.example.com",
    shop: "shop.example.com",
};
pub(super) const SIDECAR: Kind = Kind {
    name: "sidecar",
    listener: "0.0.0.0_80",
    host: "llm",
    shop: "shop.shop",
};

/// A proxy with the router in it, its providers, and its shop.
pub(super) struct Mesh {
    pub(super) kind: Kind,
    pub(super) envoy: Envoy,
    pub(super) served: Served,
    pub(super) groq: Simulator,
    pub(super) together: Simulator,
    pub(super) shop: Simulator,
}

impl Mesh {
    pub(super) fn start(kind: Kind) -> Self {
        let start = |name: &str| Simulator::builder(name).key(key(name)).start().unwrap();
        let (groq, together) = (start("groq"), start("together"));
        let shop = Simulator::builder("shop").start().unwrap();
        let (served, builder) = rendered(kind, &router(kind));
        let envoy = builder
            .provider_port(GROQ, groq.port())
            .provider_port(TOGETHER, together.port())
            .provider_port(SHOP, shop.port())
            .start();
        Self {
            kind,
            envoy,
            served,
            groq,
            together,
            shop,
        }
    }

    #[track_caller]
    pub(super) fn send(&self, request: Request) -> Response {
        client(&self.envoy, self.kind).send(request)
    }

    pub(super) fn ask(&self, members: &Value) -> Request {
        ask(self.kind, members)
    }

    /// The first answer that is as wanted, of the same request again and again.
    #[track_caller]
    pub(super) fn until(&self, request: &Request, wanted: impl Fn(&Response) -> bool) {
        let start = Instant::now();
        loop {
            let response = self.send(request.clone());
            if wanted(&response) {
                return;
            }
            let passed = start.elapsed();
            assert!(passed < Duration::from_secs(20), "{}", response.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A completion from the cheapest endpoint that answers: Groq, then Together.
pub(super) fn ask(kind: Kind, members: &Value) -> Request {
    let mut body = json!({
        "model": LLAMA, "messages": [{"role": "user", "content": "Hi"}], "provider": {"sort": "price"}
    });
    let body_members = body.as_object_mut().unwrap();
    body_members.extend(members.as_object().unwrap().clone());
    let request = Request::post(COMPLETIONS).header("host", kind.host);
    request.bearer("sk-or-v1-demo").json(&body)
}

pub(super) fn client(envoy: &Envoy, kind: Kind) -> Client {
    Client::new(envoy.listener_port(kind.listener))
}

pub(super) fn key(provider: &str) -> String {
    format!("sk-sim-{provider}")
}

/// What its reader applies for a proxy of this kind.
pub(super) fn router(kind: Kind) -> Vec<Value> {
    let files = ["bootstrap.yaml", "providers.yaml", "router.yaml"];
    let mut all: Vec<_> = files.into_iter().flat_map(resources).collect();
    all.extend(resources(&format!("{}.yaml", kind.name)));
    all
}

/// The proxy with these resources: its files, and the Envoy to be.
pub(super) fn rendered(kind: Kind, resources: &[Value]) -> (Served, Builder) {
    let served = Served::new(captured(kind).with(resources), &secret());
    let builder = Envoy::builder()
        .base(served.file())
        .readable(served.path())
        .readable(&repository().join("target/wasm"))
        // No rules lead connections to a sidecar's one port here.
        .config(|config| {
            for listener in config["static_resources"]["listeners"]
                .as_array_mut()
                .unwrap()
            {
                listener.as_object_mut().unwrap().remove("bind_to_port");
            }
        });
    (served, builder)
}

pub(super) fn captured(kind: Kind) -> Proxy {
    let fixture = format!("wasm-tests/tests/fixtures/istio/{}.yaml", kind.name);
    Proxy::captured(&repository().join(fixture))
}

/// The Secret, with the keys filled in.
pub(super) fn secret() -> Value {
    let mut secret = resources("keys.yaml").remove(0);
    for provider in ["groq", "together"] {
        let file = &mut secret["stringData"][format!("{provider}.yaml")];
        let place = format!("{}_API_KEY", provider.to_uppercase());
        let filled = file.as_str().unwrap().replace(&place, &key(provider));
        assert!(filled.contains(&key(provider)), "{filled}");
        *file = filled.into();
    }
    secret
}
