//! A gateway with traces, the collector that they go to, and the spans of a request.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Weak};

use meshrouter_wasm_tests::client::Response;
use meshrouter_wasm_tests::collector::{CLIENT, Collector, SERVER, Span};
use meshrouter_wasm_tests::envoy::{Builder, repository};
use meshrouter_wasm_tests::merge::merge;
use meshrouter_wasm_tests::shape;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::gateway::{Place, Shared, eventually, share};

/// The caller's own span, of whatever trace.
const CALLER: &str = "b7ad6b7169203331";

/// Where the traces of all gateways go.
pub(crate) static COLLECTOR: LazyLock<Collector> = LazyLock::new(Collector::start);

/// What is merged into the configuration of a shape.
pub(crate) fn fragment(shape: &str) -> Value {
    let name = match shape.starts_with("native") {
        true => "native-tracing",
        false => "tracing",
    };
    let text = fs::read_to_string(repository().join(format!("envoy/{name}.yaml"))).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// The gateway that tests of traces share.
pub(crate) fn gateway() -> Shared {
    static CURRENT: Place = Place::new(Weak::new());
    share(&CURRENT, traced)
}

/// With traces, which the collector gets at once.
pub(crate) fn traced(envoy: Builder) -> Builder {
    envoy
        .document(|document| document["traces"] = json!(true))
        .config(|config| {
            merge(config, fragment(&shape::name()));
            let clusters = config.pointer_mut("/static_resources/clusters");
            let mut clusters = clusters.unwrap().as_array_mut().unwrap().iter_mut();
            let collector = clusters.find(|cluster| cluster["name"] == "otel-collector");
            let port = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
            *collector.unwrap().pointer_mut(port).unwrap() = json!(COLLECTOR.port());
            let at_once = json!({"tracing": {"opentelemetry": {"min_flush_spans": 1}}});
            config["layered_runtime"] =
                json!({"layers": [{"name": "test", "static_layer": at_once}]});
        })
}

/// A trace of a caller's.
pub(crate) struct Trace(String);

impl Trace {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Self(format!("{:032x}", NEXT.fetch_add(1, Ordering::SeqCst)))
    }

    /// The header that says so, with flags that say whether it is recorded.
    pub(crate) fn parent(&self, flags: &str) -> String {
        format!("00-{}-{CALLER}-{flags}", self.0)
    }

    /// The spans so far.
    pub(crate) fn all(&self) -> Vec<Span> {
        let mut spans = COLLECTOR.spans();
        spans.retain(|span| span.trace == self.0);
        spans
    }

    /// The request's span and those of its attempts in order, once there are so many of these and no more.
    #[track_caller]
    pub(crate) fn spans(&self, attempts: usize) -> (Span, Vec<Span>) {
        eventually("the spans", || self.all().len() > attempts);
        let (mut edge, mut rest): (Vec<_>, Vec<_>) = self
            .all()
            .into_iter()
            .partition(|span| span.parent == CALLER);
        assert_eq!((edge.len(), rest.len()), (1, attempts), "{rest:#?}");
        let edge = edge.remove(0);
        assert_eq!((edge.kind, edge.name.as_str()), (SERVER, "router"));
        rest.sort_by_key(|span| span.start);
        for span in &rest {
            assert_eq!((&span.parent, span.kind), (&edge.id, CLIENT));
            let candidate = span.attribute("meshrouter.candidate");
            assert_eq!(span.name, format!("attempt {}", candidate.unwrap()));
        }
        (edge, rest)
    }
}

/// A request in a trace of its own, and what came of it.
pub(crate) struct Asked {
    pub(crate) gateway: Shared,
    pub(crate) ask: Ask,
    pub(crate) response: Response,
    pub(crate) trace: Trace,
}

impl Asked {
    pub(crate) fn new(ask: Ask) -> Self {
        Self::with(ask, "01")
    }

    /// In a trace with these flags.
    pub(crate) fn with(ask: Ask, flags: &str) -> Self {
        let trace = Trace::new();
        let ask = ask
            .header("traceparent", trace.parent(flags))
            .header("tracestate", "vendor=state");
        let gateway = gateway();
        let response = gateway.send(&ask);
        Self {
            gateway,
            ask,
            response,
            trace,
        }
    }

    #[track_caller]
    pub(crate) fn spans(&self, attempts: usize) -> (Span, Vec<Span>) {
        self.trace.spans(attempts)
    }

    /// What the access log has of it.
    pub(crate) fn record(&self) -> Value {
        self.gateway.record(&self.ask)
    }
}
