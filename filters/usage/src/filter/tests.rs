use meshrouter_core::Facts;
use meshrouter_core::carried::Carried;
use meshrouter_core::facts::Choice;
use meshrouter_core::tokens::Estimate;
use meshrouter_host::fake::{Stream, settings};
use serde_json::{Value, json};

use super::*;

pub(super) const DOCUMENT: &str = r#"{"providers": {"alpha": {"cluster": "alpha"}}, "models": [
    {"id": "a/one", "context_length": 8192, "endpoints": [{"provider": "alpha",
     "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]}]}"#;

pub(super) fn stream(facts: &Facts) -> Stream<UsageFilter> {
    stream_of(DOCUMENT, facts)
}

pub(super) fn stream_of(document: &str, facts: &Facts) -> Stream<UsageFilter> {
    let mut stream: Stream<UsageFilter> = Stream::new(&settings::<UsageFilter>(document).unwrap());
    let properties = &mut stream.host.properties;
    properties.insert(property::FACTS.to_owned(), facts.encode());
    properties.insert("response.code".to_owned(), 200_i64.to_le_bytes().to_vec());
    stream.host.time = facts.started;
    stream.headers(Direction::Request, &[], false);
    stream.host.time += 7_900_000;
    stream
}

pub(super) fn facts() -> Facts {
    Facts {
        generation: "gen-1".to_owned(),
        started: 1_000_000_000,
        key: "demo".to_owned(),
        models: vec![Choice {
            id: "a/one".to_owned(),
            ..Choice::default()
        }],
        ..Facts::default()
    }
}

pub(super) fn respond(stream: &mut Stream<UsageFilter>, status: &str, content_type: &str) {
    let outcome = [(header::OUTCOME, "2;a/one@alpha")];
    let headers = [(":status", status), ("content-type", content_type)];
    stream.headers(
        Direction::Response,
        &[&outcome[..], &headers].concat(),
        false,
    );
}

fn record(stream: &mut Stream<UsageFilter>) -> Value {
    stream.log();
    serde_json::from_slice(&stream.host.properties[property::RECORD]).unwrap()
}

pub(super) const COMPLETION: &[u8] =
    br#"{"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}"#;

#[test]
fn a_completion_is_priced_recorded_and_counted() {
    let mut stream = stream(&facts());
    respond(&mut stream, "200", "application/json");
    assert!(!stream.released(Direction::Response));
    stream.body(Direction::Response, &COMPLETION[..20], false);
    stream.body(Direction::Response, &COMPLETION[20..], true);
    stream.host.time += 2_500_000;
    assert!(
        stream
            .sent(Direction::Response)
            .contains(r#""cost":0.00002,"#)
    );
    let length = stream
        .header(Direction::Response, "content-length")
        .unwrap();
    assert_eq!(length, stream.sent(Direction::Response).len().to_string());
    assert_eq!(
        record(&mut stream),
        json!({
            "id": "gen-1", "key": "demo", "key_label": null, "app": null, "app_url": null, "model_requested": "a/one", "model": "a/one",
            "provider": "alpha", "byok": false, "attempts": 2, "failed": [], "compressed": false, "stream": false, "finished": true,
            "cancelled": false, "finish": null, "estimated": false, "prompt_tokens": 10, "cached_tokens": 0, "cache_write_tokens": 0,
            "completion_tokens": 5, "reasoning_tokens": 0, "images": 0, "web_searches": 0, "cost": 0.00002, "upstream_cost": 0.00002,
            "healing": null, "healed": null, "first_byte_ms": 7, "latency_ms": 10, "throughput": 500.0
        })
    );
    let metrics = &stream.host.metrics;
    assert_eq!(
        metrics["meshrouter_requests_total;model=a/one;provider=alpha;status=200"],
        1
    );
    assert_eq!(
        metrics["meshrouter_tokens_total;model=a/one;provider=alpha;type=input"],
        10
    );
    assert_eq!(
        metrics["meshrouter_tokens_total;model=a/one;provider=alpha;type=output"],
        5
    );
    assert_eq!(
        metrics["meshrouter_cost_nanodollars_total;model=a/one;provider=alpha"],
        20_000
    );
    assert_eq!(
        metrics["meshrouter_fallbacks_total;model=a/one;provider=alpha"],
        1
    );
    let observed = &stream.host.observed;
    assert_eq!(observed.len(), 1, "no stream: {observed:?}");
    let duration = "gen_ai_server_request_duration_milliseconds;model=a/one;provider=alpha";
    assert_eq!(observed[duration], [10]);
}

#[test]
fn a_streams_times_are_observed() {
    let mut stream = stream(&facts());
    respond(&mut stream, "200", "text/event-stream");
    stream.body(Direction::Response, WORD, false);
    stream.host.time += 9_000_000;
    let usage = b"data: {\"choices\":[],\"usage\":{\"completion_tokens\":4}}\n\ndata: [DONE]\n\n";
    stream.body(Direction::Response, usage, true);
    stream.log();
    let observed = |metric: &str| {
        let name = format!("{metric};model=a/one;provider=alpha");
        stream.host.observed[&name].clone()
    };
    let wait = observed("gen_ai_server_time_to_first_token_milliseconds");
    let each = observed("gen_ai_server_time_per_output_token_microseconds");
    assert_eq!((wait, each), (vec![7], vec![3_000]));
}

#[test]
fn streams_are_not_held() {
    let mut stream = stream(&Facts {
        stream: true,
        ..facts()
    });
    respond(&mut stream, "200", "text/event-stream; charset=utf-8");
    assert!(stream.released(Direction::Response));
    stream.body(Direction::Response, b"data: {\"choices\":[{}]}\n\n", false);
    assert_eq!(
        stream.sent(Direction::Response),
        "data: {\"choices\":[{}]}\n\n"
    );
    let usage = b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\ndata: [DONE]\n\n";
    stream.body(Direction::Response, usage, true);
    assert!(
        stream
            .sent(Direction::Response)
            .ends_with("}\n\ndata: [DONE]\n\n")
    );
    let record = record(&mut stream);
    assert_eq!(
        (&record["prompt_tokens"], &record["finished"]),
        (&json!(3), &json!(true))
    );
}

const WORD: &[u8] =
    b"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n";

/// The record of a stream that was cut after its first word, with these response flags of Envoy.
fn cut(flags: i64) -> (Value, u64) {
    let mut stream = stream(&Facts {
        estimate: Estimate::of_tokens(1_000),
        ..facts()
    });
    let properties = &mut stream.host.properties;
    properties.insert("response.flags".to_owned(), flags.to_le_bytes().to_vec());
    respond(&mut stream, "200", "text/event-stream");
    stream.body(Direction::Response, WORD, false);
    let record = record(&mut stream);
    let cost = "meshrouter_cost_nanodollars_total;model=a/one;provider=alpha";
    (record, stream.host.metrics[cost])
}

#[test]
fn a_caller_who_leaves_pays_for_what_came() {
    for flag in [14, 18, 28] {
        let (record, nano) = cut(1 << flag);
        let names = ["finished", "cancelled", "estimated", "finish"];
        assert_eq!(
            names.map(|name| record[name].clone()),
            [json!(false), json!(true), json!(true), Value::Null]
        );
        // Without the margin that the estimate of the prompt has.
        let prompt = record["prompt_tokens"].as_u64().unwrap();
        assert!((850..1_000).contains(&prompt), "{record}");
        let completion = record["completion_tokens"].as_u64().unwrap();
        assert_eq!(nano, prompt * 1_000 + completion * 2_000);
    }
}

#[test]
fn a_stream_that_the_provider_cuts_is_free() {
    for flags in [0, 1 << 6, 1 << 16] {
        let (record, nano) = cut(flags);
        let names = ["finished", "cancelled", "estimated", "finish", "cost"];
        assert_eq!(
            names.map(|name| record[name].clone()),
            [
                json!(false),
                json!(false),
                json!(true),
                json!("error"),
                json!(0)
            ]
        );
        assert_eq!(nano, 0);
        assert_ne!(record["upstream_cost"], 0);
    }
}

#[test]
fn a_stream_that_is_cut_before_its_first_word_costs_nothing() {
    let mut stream = stream(&facts());
    respond(&mut stream, "200", "text/event-stream");
    stream.body(Direction::Response, b"data: {\"choices\":[{}]}\n\n", false);
    let record = record(&mut stream);
    assert_eq!(
        (&record["finished"], &record["cost"]),
        (&json!(false), &json!(0))
    );
}

#[test]
fn no_more_of_a_prompt_is_paid_than_fits() {
    let mut stream = stream(&Facts {
        estimate: Estimate::of_tokens(1_000_000),
        ..facts()
    });
    respond(&mut stream, "200", "text/event-stream");
    stream.body(Direction::Response, WORD, true);
    assert_eq!(record(&mut stream)["prompt_tokens"], 8_192);
}

#[test]
fn own_accounts_pay_the_fee() {
    let document = DOCUMENT.replacen('{', r#"{"byok_fee": "0.05", "#, 1);
    for (outcome, byok, cost, details) in [
        ("1;a/one@alpha", false, "0.00002", "null"),
        ("1;a/one@alpha#0", true, "0.000001", "0.00002"),
    ] {
        let mut stream = stream_of(&document, &facts());
        let headers = [
            (header::OUTCOME, outcome),
            (":status", "200"),
            ("content-type", "application/json"),
        ];
        stream.headers(Direction::Response, &headers, false);
        stream.body(Direction::Response, COMPLETION, true);
        let usage = format!(
            r#""cost":{cost},"is_byok":{byok},"cost_details":{{"upstream_inference_cost":{details}}}"#
        );
        let sent = stream.sent(Direction::Response);
        assert!(sent.contains(&usage), "{sent}");
        let record = record(&mut stream);
        assert_eq!(record["byok"], byok);
        let line = &stream.host.properties[property::RECORD];
        let line = String::from_utf8_lossy(line);
        let costs = format!(r#""cost":{cost},"upstream_cost":0.00002,"#);
        assert!(line.contains(&costs), "{line}");
    }
}

#[test]
fn errors_cost_nothing() {
    let mut stream = stream(&facts());
    respond(&mut stream, "429", "application/json");
    stream.body(Direction::Response, COMPLETION, true);
    assert_eq!(stream.sent(Direction::Response).as_bytes(), COMPLETION);
    let record = record(&mut stream);
    assert_eq!(
        (&record["cost"], &record["provider"]),
        (&Value::Null, &json!("alpha"))
    );
    assert_eq!(stream.host.metrics.len(), 1, "the request, but no tokens");
}

#[test]
fn other_requests_have_an_empty_record() {
    let mut stream: Stream<UsageFilter> = Stream::new(&settings::<UsageFilter>(DOCUMENT).unwrap());
    stream.headers(Direction::Request, &[], true);
    assert_eq!(record(&mut stream), Value::Null);
    assert_eq!(stream.host.metrics["meshrouter_requests_total;status=0"], 1);
}

#[test]
fn what_healing_did_is_recorded() {
    for (said, verdict, kinds) in [
        ("valid", "valid", json!([])),
        (
            "repaired;literal,number",
            "repaired",
            json!(["literal", "number"]),
        ),
    ] {
        let facts = Facts {
            heals: true,
            ..facts()
        };
        let mut stream = stream(&facts);
        respond(&mut stream, "200", "application/json");
        stream.body(Direction::Response, COMPLETION, true);
        let properties = &mut stream.host.properties;
        properties.insert(property::HEALING.to_owned(), said.into());
        let record = record(&mut stream);
        assert_eq!(
            (&record["healing"], &record["healed"]),
            (&json!(verdict), &kinds)
        );
    }
}

#[test]
fn a_store_needs_a_cluster_and_keys_of_its_own() {
    for (store, field) in [
        (r#"{"cluster": ""}"#, "store.cluster"),
        (r#"{"cluster": "etcd", "prefix": ""}"#, "store.prefix"),
        (
            r#"{"cluster": "etcd", "prefix": "x\u00e9"}"#,
            "store.prefix",
        ),
        (
            r#"{"cluster": "etcd", "when_down": "wait"}"#,
            "store.when_down",
        ),
    ] {
        let document = format!(r#"{{"store": {store}}}"#);
        let error = settings::<UsageFilter>(&document).unwrap_err();
        assert_eq!(error.path, field);
    }
    assert!(settings::<UsageFilter>(r#"{"store": {"cluster": "etcd"}}"#).is_ok());
}
