//! Traces: `envoy/tracing.yaml` merged into the shipped configuration, and what a collector gets then.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;

use meshrouter_wasm_tests::collector::Span;
use meshrouter_wasm_tests::envoy::Envoy;
use meshrouter_wasm_tests::merge::merge;
use meshrouter_wasm_tests::shape;
use serde_json::{Value, json};

use crate::ask::{Ask, MINI};
use crate::gateway::{Gateway, error, eventually};
use crate::traced::{Asked, COLLECTOR, Trace, fragment, gateway, traced};

/// The attributes of these names.
fn has<'s>(span: &'s Span, names: &[&str]) -> Vec<Option<&'s str>> {
    names.iter().map(|name| span.attribute(name)).collect()
}

/// What became of an attempt: whom it asked, the verdict, and the reason.
fn fate(span: &Span) -> [Option<&str>; 3] {
    [
        "meshrouter.candidate",
        "meshrouter.verdict",
        "meshrouter.reason",
    ]
    .map(|name| span.attribute(name))
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
    let tags = |shape| {
        let fragment = fragment(shape);
        let listeners = fragment.pointer("/static_resources/listeners");
        let listeners = listeners.unwrap().as_array().unwrap().clone();
        let manager = "/filter_chains/0/filters/0/typed_config/tracing/custom_tags";
        let tags = listeners.into_iter().flat_map(|listener| {
            listener
                .pointer(manager)
                .unwrap()
                .as_array()
                .unwrap()
                .clone()
        });
        let pair = |tag: Value| (tag["tag"].to_string(), tag["value"].to_string());
        tags.map(pair).collect::<BTreeSet<_>>()
    };
    let mut portable = tags("envoy");
    // An attempt's reason is its error, too, where it has a list of its own.
    let reason = "\"%FILTER_STATE(wasm.meshrouter.reason:PLAIN)%\"".to_owned();
    assert!(portable.remove(&("\"error.type\"".to_owned(), reason)));
    assert_eq!(portable, tags("native"));
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
            if !shape::is_native() {
                assert_eq!(span.attribute("error.type"), error);
            }
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
    assert_eq!(fate(&attempts[3]), [Some("nobody"), None, None]);
    assert_eq!(attempts[3].attribute("gen_ai.provider.name"), None);
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
    // What Envoy says of it.
    assert_eq!(
        has(&edge, &["error.type", "gen_ai.usage.input_tokens"]),
        [None, None]
    );
    assert_eq!(
        has(&edge, &["error", "response_flags"]),
        [None, Some("UPE")]
    );
    assert_eq!(fate(&attempts[0])[1..], [Some("answered"), None]);
}

#[test]
fn what_envoy_alone_sees_of_an_attempt_is_told_too() {
    let reset = Ask::model(MINI).on("alpha", json!({"reset": "before_headers"}));
    for (ask, reason) in [
        (reset, "reset"),
        (Ask::model("test/half-closed"), "unreachable"),
    ] {
        let asked = Asked::new(ask);
        assert_eq!(asked.response.status, 200, "{}", asked.response.text());
        let (edge, attempts) = asked.spans(2);
        assert_told(&edge, &asked.record());
        assert_eq!(fate(&attempts[0])[1..], [Some("failed"), Some(reason)]);
        assert_eq!(fate(&attempts[1])[1..], [Some("answered"), None]);
    }
}

#[test]
fn an_attempt_whose_caller_left_has_no_verdict() {
    let gateway = gateway();
    let trace = Trace::new();
    let ask = Ask::model(MINI).on("alpha", json!({"delay_ms": 30_000}));
    let body = ask.body().to_string();
    let parent = format!("traceparent: {}\r\n", trace.parent("01"));
    let mut connection = gateway.connect();
    let wire = ask.head(body.len(), &parent) + &body;
    connection.write_all(wire.as_bytes()).unwrap();
    eventually("the provider is asked", || gateway.asked(&ask) == ["alpha"]);
    drop(connection);
    let (edge, attempts) = trace.spans(1);
    assert_eq!(edge.attribute("error.type"), None);
    assert_eq!(fate(&attempts[0])[1..], [None, None]);
    assert_eq!(edge.attribute("gen_ai.request.model"), Some(MINI));
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
    assert_eq!(untraced.trace.all(), []);
}

#[test]
fn attempts_of_a_request_that_is_not_sampled_are_not_either() {
    let gateway = Gateway::start(|envoy| {
        let none = |config: &mut Value| {
            let listeners = config.pointer_mut("/static_resources/listeners");
            for listener in listeners.unwrap().as_array_mut().unwrap() {
                let sampling = "/filter_chains/0/filters/0/typed_config/tracing/random_sampling";
                *listener.pointer_mut(sampling).unwrap() = json!({"value": 0});
            }
        };
        traced(envoy).config(none)
    });
    let unsampled = Ask::model(MINI).header("user-agent", "unsampled/1");
    let of_caller = Trace::new();
    let with_caller = Ask::model(MINI).header("traceparent", of_caller.parent("01"));
    for ask in [unsampled, with_caller] {
        assert_eq!(gateway.send(&ask).status, 200);
    }
    // Spans come in order; this one is asked for.
    let asked = Trace::new();
    let ask = Ask::model(MINI).header("x-client-trace-id", "1");
    let ask = ask.header("traceparent", asked.parent("01"));
    assert_eq!(gateway.send(&ask).status, 200);
    asked.spans(1);
    assert!(!COLLECTOR.text().contains("unsampled/1"));
    // Envoy before 1.39 records what its caller records.
    let spans = of_caller.all();
    assert!(matches!(spans.len(), 0 | 2), "{spans:#?}");
}

#[test]
fn a_request_without_a_completion_has_envoys_own_attributes() {
    let asked = Asked::new(Ask::model("nobody/knows"));
    error(&asked.response, 404);
    let (edge, _) = asked.spans(0);
    assert_eq!(edge.attribute("http.status_code"), Some("404"));
    let ours = |name: &&String| name.starts_with("gen_ai.") || name.starts_with("meshrouter.");
    assert_eq!(edge.attributes.keys().filter(ours).count(), 0, "{edge:?}");
}
