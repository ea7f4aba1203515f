//! Traces: `envoy/tracing.yaml` merged into the shipped configuration, and what a collector gets then.

use std::fs;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use meshrouter_wasm_tests::client::Response;
use meshrouter_wasm_tests::collector::{CLIENT, Collector, SERVER, Span};
use meshrouter_wasm_tests::envoy::{Builder, Envoy, repository};
use meshrouter_wasm_tests::merge::merge;
use meshrouter_wasm_tests::shape;
use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::gateway::{Place, Shared, error, eventually, share};

/// The caller's own span, of whatever trace.
const CALLER: &str = "b7ad6b7169203331";

/// What comes of all gateways of this module.
static COLLECTOR: LazyLock<Collector> = LazyLock::new(Collector::start);

fn fragment(shape: &str) -> Value {
    let name = match shape.starts_with("native") {
        true => "native-tracing",
        false => "tracing",
    };
    let text = fs::read_to_string(repository().join(format!("envoy/{name}.yaml"))).unwrap();
    serde_norway::from_str(&text).unwrap()
}

/// The shared gateway of this module: with traces, which the collector gets at once.
fn gateway() -> Shared {
    static CURRENT: Place = Place::new(std::sync::Weak::new());
    share(&CURRENT, traced)
}

fn traced(envoy: Builder) -> Builder {
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

/// A request in a trace of its own, and what came of it.
struct Asked {
    gateway: Shared,
    ask: Ask,
    response: Response,
    trace: String,
}

impl Asked {
    fn new(ask: Ask) -> Self {
        Self::with(ask, "01")
    }

    /// Whose caller says by these flags whether it is traced.
    fn with(ask: Ask, flags: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let trace = format!("{:032x}", NEXT.fetch_add(1, Ordering::SeqCst));
        let ask = ask
            .header("traceparent", format!("00-{trace}-{CALLER}-{flags}"))
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

    /// The spans of its trace so far.
    fn all(&self) -> Vec<Span> {
        let mut spans = COLLECTOR.spans();
        spans.retain(|span| span.trace == self.trace);
        spans
    }

    /// The request's span and those of its attempts, once there are so many of these and no more.
    #[track_caller]
    fn spans(&self, attempts: usize) -> (Span, Vec<Span>) {
        eventually("the spans", || self.all().len() > attempts);
        let (mut edge, mut rest): (Vec<_>, Vec<_>) = self
            .all()
            .into_iter()
            .partition(|span| span.parent == CALLER);
        assert_eq!((edge.len(), rest.len()), (1, attempts), "{rest:#?}");
        let edge = edge.remove(0);
        assert_eq!((edge.kind, edge.name.as_str()), (SERVER, "router"));
        rest.sort_by(|one, other| one.name.cmp(&other.name));
        for (span, number) in rest.iter().zip(1..) {
            assert_eq!((&span.parent, span.kind), (&edge.id, CLIENT));
            assert_eq!(span.name, format!("attempt {number}"));
        }
        (edge, rest)
    }

    /// What the access log has of it.
    fn record(&self) -> Value {
        self.gateway.record(&self.ask)
    }
}

/// The attributes of these names.
fn has<'s>(span: &'s Span, names: &[&str]) -> Vec<Option<&'s str>> {
    names.iter().map(|name| span.attribute(name)).collect()
}

/// What became of an attempt: whom it asked, the verdict, and what was wrong.
fn fate(span: &Span) -> [Option<&str>; 3] {
    ["meshrouter.candidate", "meshrouter.verdict", "error.type"].map(|name| span.attribute(name))
}

/// Checks that the request's span says what its record says.
#[track_caller]
fn assert_told(span: &Span, record: &Value) {
    for (attribute, member) in [
        ("gen_ai.request.model", "model_requested"),
        ("gen_ai.provider.name", "provider"),
        ("gen_ai.response.id", "id"),
        ("gen_ai.response.model", "model"),
        ("gen_ai.response.finish_reasons", "finish"),
        ("meshrouter.key_name", "key"),
    ] {
        assert!(record[member].is_string(), "{member}: {record}");
        assert_eq!(span.attribute(attribute), record[member].as_str());
    }
    for (attribute, member) in [
        ("gen_ai.usage.input_tokens", "prompt_tokens"),
        ("gen_ai.usage.cache_read.input_tokens", "cached_tokens"),
        (
            "gen_ai.usage.cache_creation.input_tokens",
            "cache_write_tokens",
        ),
        ("gen_ai.usage.output_tokens", "completion_tokens"),
        ("gen_ai.usage.reasoning.output_tokens", "reasoning_tokens"),
        ("meshrouter.attempts", "attempts"),
        ("meshrouter.cost", "cost"),
    ] {
        let told = span.attribute(attribute).unwrap_or("0");
        let told: f64 = told.parse().unwrap();
        assert_eq!(Some(told), record[member].as_f64(), "{attribute}: {record}");
    }
    assert_eq!(span.attribute("error.type"), None);
}

#[test]
fn the_merged_configuration_is_valid() {
    // Of what comes from other files, Envoy checks nothing.
    let shape = match shape::is_dynamic() {
        true => shape::SEVEN.to_owned(),
        false => shape::name(),
    };
    let text = fs::read_to_string(shape::file(&shape)).unwrap();
    let mut config: Value = serde_norway::from_str(&text).unwrap();
    merge(&mut config, fragment(&shape));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("merged.json");
    fs::write(&file, config.to_string()).unwrap();
    if let Err(error) = Envoy::builder().base(file).validate() {
        panic!("{error}");
    }
}

#[test]
fn both_fragments_have_the_same_attributes() {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let of = |shape| {
        let fragment = fragment(shape);
        fragment.pointer(manager).unwrap()["tracing"]["custom_tags"].clone()
    };
    let tags = of("envoy");
    assert_eq!(tags, of("native"));
    for tag in tags.as_array().unwrap() {
        let name = tag["tag"].as_str().unwrap();
        assert_eq!(tag["value"], format!("%FILTER_STATE(wasm.{name}:PLAIN)%"));
    }
}

#[test]
fn a_request_and_its_attempt_are_spans_that_say_what_the_record_says() {
    let usage = json!({
        "prompt_tokens": 40, "prompt_tokens_details": {"cached_tokens": 30},
        "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}
    });
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": MINI, "stream": stream}));
        let asked = Asked::new(ask.on("alpha", json!({"usage": usage})));
        assert_eq!(asked.response.status, 200, "{}", asked.response.text());
        let (edge, attempts) = asked.spans(1);
        let record = asked.record();
        assert_eq!(record["prompt_tokens"], 40);
        assert_eq!(record["reasoning_tokens"], 5);
        assert_told(&edge, &record);
        assert_eq!(edge.attribute("gen_ai.operation.name"), Some("chat"));
        let names = [
            "gen_ai.operation.name",
            "gen_ai.request.model",
            "gen_ai.provider.name",
        ];
        let wanted = [Some("chat"), Some(MINI), Some("alpha")];
        assert_eq!(has(&attempts[0], &names), wanted);
        let alpha = format!("{MINI}@alpha");
        assert_eq!(fate(&attempts[0]), [Some(&*alpha), Some("answered"), None]);
        // Tokens and cost are the request's.
        let names = ["gen_ai.usage.input_tokens", "meshrouter.cost"];
        assert_eq!(has(&attempts[0], &names), [None, None]);
    }
}

#[test]
fn each_attempt_says_what_became_of_it() {
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": MINI, "stream": stream}));
        let ask = ask
            .on("alpha", json!({"status": 429}))
            .on("beta", json!({"status": 401}));
        let asked = Asked::new(ask);
        assert_eq!(asked.response.status, 200, "{}", asked.response.text());
        let (edge, attempts) = asked.spans(3);
        assert_told(&edge, &asked.record());
        assert_eq!(edge.attribute("meshrouter.attempts"), Some("3"));
        assert_eq!(edge.attribute("gen_ai.provider.name"), Some("gamma"));
        let candidates = ["alpha", "beta", "gamma"].map(|name| format!("{MINI}@{name}"));
        let fates = [
            ("failed", Some("rate_limited")),
            ("failed", Some("credential")),
            ("answered", None),
        ];
        for ((span, candidate), (verdict, error)) in attempts.iter().zip(&candidates).zip(fates) {
            assert_eq!(fate(span), [Some(&**candidate), Some(verdict), error]);
        }
    }
}

#[test]
fn a_request_that_nobody_answers_says_so() {
    let asked = Asked::new(Ask::model(MINI).everywhere(&json!({"status": 503})));
    error(&asked.response, 503);
    // The fourth asks nobody: it has the last word.
    let (edge, attempts) = asked.spans(4);
    for span in &attempts[..3] {
        assert_eq!(fate(span)[1..], [Some("failed"), Some("overloaded")]);
    }
    if !shape::is_native() {
        assert_eq!(fate(&attempts[3]), [None, None, None]);
    }
    let names = ["error.type", "meshrouter.attempts", "meshrouter.cost"];
    assert_eq!(has(&edge, &names), [Some("503"), Some("3"), None]);

    let refused = Asked::new(Ask::model(MINI).on("alpha", json!({"status": 400})));
    error(&refused.response, 400);
    let (edge, attempts) = refused.spans(1);
    assert_eq!(fate(&attempts[0])[1..], [Some("refused"), Some("refused")]);
    assert_eq!(edge.attribute("error.type"), Some("400"));
}

#[test]
fn an_answer_that_breaks_off_says_so() {
    let asked = Asked::new(
        Ask::model(MINI)
            .stream()
            .on("alpha", json!({"reset": {"after_events": 3}})),
    );
    assert_eq!(asked.response.status, 200);
    let (edge, attempts) = asked.spans(1);
    assert_eq!(edge.attribute("error.type"), Some("broke_off"));
    assert_eq!(
        fate(&attempts[0])[1..],
        [Some("answered"), Some("broke_off")]
    );
}

#[test]
fn what_envoy_alone_sees_of_an_attempt_is_told_too() {
    let asked = Asked::new(Ask::model(MINI).on("alpha", json!({"reset": "before_headers"})));
    assert_eq!(asked.response.status, 200, "{}", asked.response.text());
    let (edge, attempts) = asked.spans(2);
    assert_told(&edge, &asked.record());
    let lost = match shape::is_native() {
        // There the span ends before `fallback` hears of it.
        true => [None, None],
        false => [Some("failed"), Some("reset")],
    };
    assert_eq!(fate(&attempts[0])[1..], lost);
    assert_eq!(fate(&attempts[1])[1..], [Some("answered"), None]);
}

#[test]
fn no_span_has_what_was_said_and_no_provider_sees_the_trace() {
    let [prompt, completion] = ["canary prompt", "canary completion"];
    let messages = json!([{"role": "user", "content": prompt}]);
    for stream in [false, true] {
        let ask = Ask::with(json!({"model": MINI, "stream": stream, "messages": messages}));
        let ask = ask
            .on("alpha", json!({"status": 503}))
            .on("beta", json!({"content": completion}));
        let asked = Asked::new(ask);
        assert!(asked.response.text().contains("canary"));
        asked.spans(2);
        let seen = asked.gateway.seen(&asked.ask);
        assert_eq!(seen.len(), 2);
        for header in ["traceparent", "tracestate", "baggage"] {
            assert!(
                seen.iter()
                    .all(|seen| seen.request.header(header).is_none())
            );
        }
    }
    let said = COLLECTOR.text();
    // The callers' keys have this word in them, too.
    assert!(said.contains("gen_ai.usage.input_tokens") && !said.contains("canary"));
    assert!(!said.contains("sk-sim-"));
}

#[test]
fn a_caller_who_does_not_trace_is_not_traced() {
    let untraced = Asked::with(Ask::model(MINI), "00");
    assert_eq!(untraced.response.status, 200);
    // Spans come in order.
    Asked::new(Ask::model(MINI)).spans(1);
    assert_eq!(untraced.all(), []);
}

#[test]
fn a_request_without_a_completion_has_envoys_own_attributes() {
    let asked = Asked::new(Ask::model("nobody/knows"));
    error(&asked.response, 400);
    let (edge, _) = asked.spans(0);
    assert_eq!(edge.attribute("http.status_code"), Some("400"));
    let ours = |name: &&String| name.starts_with("gen_ai.") || name.starts_with("meshrouter.");
    assert_eq!(edge.attributes.keys().filter(ours).count(), 0, "{edge:?}");
}
