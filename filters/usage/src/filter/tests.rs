use meshrouter_core::facts::Choice;
use meshrouter_host::fake::{Stream, settings};
use serde_json::{Value, json};

use super::*;

const DOCUMENT: &str = r#"{"providers": {"alpha": {"cluster": "alpha"}}, "models": [
    {"id": "a/one", "context_length": 8192, "endpoints": [{"provider": "alpha",
     "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]}]}"#;

fn stream(facts: &Facts) -> Stream<UsageFilter> {
    let mut stream: Stream<UsageFilter> = Stream::new(&settings::<UsageFilter>(DOCUMENT).unwrap());
    let properties = &mut stream.host.properties;
    properties.insert(property::FACTS.to_owned(), facts.encode());
    properties.insert(property::KEY.to_owned(), b"demo".to_vec());
    properties.insert("response.code".to_owned(), 200_i64.to_le_bytes().to_vec());
    stream.host.time = 1_000_000_000;
    stream.headers(Direction::Request, &[], false);
    stream.host.time += 7_900_000;
    stream
}

fn facts() -> Facts {
    Facts {
        generation: "gen-1".to_owned(),
        models: vec![Choice {
            id: "a/one".to_owned(),
            ..Choice::default()
        }],
        ..Facts::default()
    }
}

fn respond(stream: &mut Stream<UsageFilter>, status: &str, content_type: &str) {
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

const COMPLETION: &[u8] =
    br#"{"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}"#;

#[test]
fn a_completion_is_priced_recorded_and_counted() {
    let mut stream = stream(&facts());
    respond(&mut stream, "200", "application/json");
    assert!(!stream.released(Direction::Response));
    stream.body(Direction::Response, &COMPLETION[..20], false);
    stream.body(Direction::Response, &COMPLETION[20..], true);
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
            "id": "gen-1", "key": "demo", "app": null, "app_url": null, "model_requested": "a/one", "model": "a/one",
            "provider": "alpha", "byok": false, "attempts": 2, "stream": false, "finished": true,
            "healing": null, "healed": null, "prompt_tokens": 10, "cached_tokens": 0, "completion_tokens": 5, "reasoning_tokens": 0,
            "cost": 0.00002, "healing": null, "healed": null, "first_byte_ms": 7
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

#[test]
fn a_cut_stream_is_recorded_as_unfinished() {
    let mut stream = stream(&facts());
    respond(&mut stream, "200", "text/event-stream");
    stream.body(Direction::Response, b"data: {\"choices\":[{}]}\n\n", false);
    let record = record(&mut stream);
    assert_eq!(
        (&record["finished"], &record["cost"]),
        (&json!(false), &Value::Null)
    );
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
        let mut stream = stream(&facts());
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
