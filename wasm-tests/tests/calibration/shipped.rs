//! The shipped configuration: local replies, retries on each kind of outcome, streams, bodies in pieces, counters.

use std::collections::BTreeMap;
use std::time::Duration;

use meshrouter_wasm_tests::shipped::Shipped;
use meshrouter_wasm_tests::vm::World;
use serde_json::{Value, json};

use crate::ours::Ours;
use crate::real::Real;
use crate::scenario::{Scenario, completion, event};

/// Resets wait a little: what was sent before one must not be lost to it.
fn scenarios() -> Vec<Scenario> {
    let chat = Scenario::chat;
    let plain = |name| chat(name, &json!({}), &json!({}));
    let claude = json!({"model": "anthropic/claude-sonnet-4"});
    let llama = json!({"model": "meta-llama/llama-3.3-70b-instruct"});
    let stream = json!({"stream": true, "stream_options": {"include_usage": true}});
    let chunk = event(&json!({"choices": [{"delta": {"content": "é"}}]}));
    let usage =
        event(&json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}));
    let events = json!([": ping\n\n", chunk, chunk, usage, "data: [DONE]\n\n"]);
    let error = event(&json!({"error": {"code": 529, "message": "Full"}}));
    vec![
        plain("a completion"),
        plain("headers that are not the caller's to send")
            .header("x-meshrouter-plan", "a@b")
            .header("x-envoy-max-retries", "9")
            .header("cookie", "a=b")
            .header("accept-encoding", "gzip")
            .header("x-k", "1")
            .header("x-k", "2")
            .header("accept", "a/b")
            .header("accept", "c/d"),
        plain("a body in pieces").chunked(7),
        plain("a body in bytes").chunked(1),
        plain("no key").without("authorization"),
        Scenario::raw("no JSON", "{"),
        Scenario::raw("no JSON, in pieces", "{\"a\":[").chunked(2),
        chat("no such model", &json!({"model": "a/b"}), &json!({})),
        Scenario::get("no such path", "/x?y=z"),
        Scenario::get("the wrong method", "/v1/chat/completions"),
        Scenario::get("models", "/api/v1/models").without("authorization"),
        Scenario {
            body: None,
            ..Scenario::raw("no body", "")
        },
        chat("a stream", &stream, &json!({"alpha": {"events": events}})),
        chat(
            "no usage chunk",
            &json!({"stream": true}),
            &json!({"alpha": {"events": events}}),
        ),
        chat(
            "503, then 200",
            &json!({}),
            &json!({"alpha": {"status": 503, "body": {}}}),
        ),
        chat(
            "429, then refused",
            &json!({}),
            &json!({"alpha": {"status": 429, "body": {}}, "beta": {"status": 500, "body": "x"}}),
        ),
        chat("refused, then 200", &llama, &json!({})),
        chat(
            "reset, then 200",
            &json!({}),
            &json!({"alpha": {"reset": "before_headers"}}),
        ),
        chat(
            "reset while headers are held",
            &json!({}),
            &json!({"alpha": {"body": completion(), "reset": {"after_events": 1}, "chunk_delay_ms": 30}}),
        ),
        chat(
            "reset before the first event",
            &stream,
            &json!({"alpha": {"events": events, "reset": {"after_events": 1}, "chunk_delay_ms": 30}}),
        ),
        chat(
            "reset while headers are held, and nobody left",
            &claude,
            &json!({"beta": {"body": completion(), "reset": {"after_events": 1}, "chunk_delay_ms": 30}}),
        ),
        chat(
            "reset, and nobody left",
            &claude,
            &json!({"beta": {"reset": "before_headers"}}),
        ),
        chat(
            "reset after an event",
            &stream,
            &json!({"alpha": {"events": [chunk, chunk], "reset": {"after_events": 1}, "chunk_delay_ms": 50}}),
        ),
        chat(
            "an error event, then a stream",
            &stream,
            &json!({"alpha": {"events": [error]}, "beta": {"events": events}}),
        ),
        chat(
            "a finished stream without its end",
            &stream,
            &json!({"alpha": {"events": [event(&json!({"choices": [{"delta": {}, "finish_reason": "eos"}]}))]}}),
        ),
        chat(
            "a stream that stops",
            &stream,
            &json!({"alpha": {"events": [chunk]}}),
        ),
        chat(
            "an error event after content",
            &stream,
            &json!({"alpha": {"events": [chunk, error, chunk, "data: [DONE]\n\n"]}}),
        ),
        chat(
            "a key refused, then no such model there",
            &json!({}),
            &json!({"alpha": {"status": 401, "body": {}}, "beta": {"status": 404, "body": {}}}),
        ),
        chat(
            "a key refused, and nobody left",
            &claude,
            &json!({"beta": {"status": 401, "body": {}}}),
        ),
        chat(
            "an error event, and nobody left",
            &json!({"model": claude["model"], "stream": true}),
            &json!({"beta": {"events": [error, "data: [DONE]\n\n"]}}),
        ),
        chat(
            "a rewritten status",
            &claude,
            &json!({"beta": {"body": {"error": {"code": 429, "message": "Later"}}}}),
        ),
        chat(
            "an empty 200",
            &json!({}),
            &json!({"alpha": {"empty": true, "body": {}}}),
        ),
        chat(
            "an empty 200, and nobody left",
            &claude,
            &json!({"beta": {"empty": true, "body": {}}}),
        ),
        chat(
            "an empty 404",
            &claude,
            &json!({"beta": {"status": 404, "empty": true, "body": {}}}),
        ),
        chat(
            "a refusal",
            &json!({}),
            &json!({"alpha": {"status": 400, "body": {"error": {"message": "Bad"}}}}),
        ),
        chat(
            "html",
            &json!({}),
            &json!({"alpha": {"body": "<html>", "content_type": "text/html"}}),
        ),
        chat(
            "a redirect",
            &claude,
            &json!({"beta": {"status": 302, "body": "x", "headers": {"location": "/x", "set-cookie": "a=b"}}}),
        ),
    ]
}

#[test]
fn the_same_requests_have_the_same_answers() {
    let mut ours = Ours::new(&Shipped::read());
    let mut real = Real::new(|builder| builder);
    let mut differences = Vec::new();
    for scenario in scenarios() {
        let (ours, real) = (ours.run(&scenario), real.run(&scenario));
        if ours != real {
            differences.push(format!(
                "{}\n ours {ours:#?}\n real {real:#?}",
                scenario.name
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    ours.tick();
    let counted = our_counters(&ours.world);
    let found = || real_counters(&real.envoy.admin("/stats/prometheus"));
    // What came last is told by the next tick.
    let ticks = (0..50).take_while(|_| found() != counted);
    ticks.for_each(|_| std::thread::sleep(Duration::from_millis(100)));
    assert_eq!(counted, found());
}

/// In our own host alone, where seven and two see the same bytes at the same moments.
#[test]
fn fused_modules_answer_as_seven_do() {
    let [mut seven, mut fused] =
        [Shipped::seven(), Shipped::of("fused")].map(|shipped| Ours::new(&shipped));
    for scenario in scenarios() {
        let wanted = seven.run(&scenario);
        assert_eq!(fused.run(&scenario), wanted, "{}", scenario.name);
    }
    seven.tick();
    fused.tick();
    assert_eq!(fused.world.metrics(), seven.world.metrics());
}

/// A counter's name and its labels.
type Counter = (String, BTreeMap<String, String>);

fn our_counters(world: &World) -> BTreeMap<Counter, u64> {
    let counter = |(name, value): (String, u64)| {
        let mut parts = name.split(';');
        let name = parts.next().unwrap().to_owned();
        let labels = parts.filter_map(|part| part.split_once('='));
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned()));
        ((name, labels.collect()), value)
    };
    let metrics = world.metrics().into_iter();
    // Times are nobody's to compare.
    let counters = metrics.filter(|(name, _)| name.starts_with("meshrouter_"));
    counters.map(counter).collect()
}

fn real_counters(prometheus: &str) -> BTreeMap<Counter, u64> {
    let counter = |line: &str| {
        let (counter, value) = line.rsplit_once(' ')?;
        let (name, labels) = counter.split_once('{')?;
        let labels = labels
            .trim_end_matches('}')
            .split(',')
            .filter_map(|label| label.split_once('='));
        let labels =
            labels.map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned()));
        Some(((name.to_owned(), labels.collect()), value.parse().unwrap()))
    };
    let ours = prometheus
        .lines()
        .filter(|line| line.starts_with("meshrouter_"));
    ours.filter_map(counter).collect()
}

#[test]
fn our_host_retries_by_the_shipped_rule() {
    let route = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0/route";
    let shipped = Shipped::read();
    let policy = &shipped.at(route)["retry_policy"];
    let expected =
        json!([{"name": "x-meshrouter-outcome", "present_match": true, "invert_match": true}]);
    assert_eq!(policy["retriable_headers"], expected);
    assert_eq!(policy["num_retries"], Value::Null);
}
