//! What the spans of requests say.

use std::collections::BTreeMap;

use meshrouter_host::fake::Stream;

use super::tests::*;
use meshrouter_core::Facts;

use super::*;

fn begun(facts: &Facts) -> Stream<UsageFilter> {
    stream_of(&DOCUMENT.replacen('{', r#"{"traces": true, "#, 1), facts)
}

/// The attributes, but for those that a filter before `usage` left.
fn told(stream: &Stream<UsageFilter>) -> BTreeMap<&str, &str> {
    let properties = stream.host.properties.iter();
    let names = [
        "gen_ai.",
        "error.",
        "meshrouter.attempts",
        "meshrouter.cost",
        "meshrouter.key_name",
    ];
    let ours = properties.filter(|(name, _)| names.iter().any(|start| name.starts_with(start)));
    ours.map(|(name, value)| (name.as_str(), std::str::from_utf8(value).unwrap()))
        .collect()
}

const ASKED: [(&str, &str); 4] = [
    ("gen_ai.operation.name", "chat"),
    ("gen_ai.request.model", "a/one"),
    ("gen_ai.response.id", "gen-1"),
    ("meshrouter.key_name", "demo"),
];

const SERVED: [(&str, &str); 3] = [
    ("gen_ai.provider.name", "alpha"),
    ("gen_ai.response.model", "a/one"),
    ("meshrouter.attempts", "2"),
];

/// The attributes of a request that an endpoint answered, and these.
fn served(more: &[(&'static str, &'static str)]) -> BTreeMap<&'static str, &'static str> {
    let all = ASKED.iter().chain(&SERVED).chain(more);
    all.copied().collect()
}

#[test]
fn all_is_said_before_the_log() {
    let mut stream = begun(&facts());
    assert_eq!(told(&stream), BTreeMap::from(ASKED));
    respond(&mut stream, "200", "application/json");
    assert_eq!(told(&stream), served(&[]));
    let usage = r#"{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}"#;
    let choices = r#"[{"finish_reason": "stop", "message": {"content": "a"}}]"#;
    let completion = format!(r#"{{"choices": {choices}, "usage": {usage}}}"#);
    stream.body(Direction::Response, completion.as_bytes(), true);
    let wanted = served(&[
        ("gen_ai.response.finish_reasons", "stop"),
        ("gen_ai.usage.cache_read.input_tokens", "4"),
        ("gen_ai.usage.input_tokens", "10"),
        ("gen_ai.usage.output_tokens", "5"),
        ("meshrouter.cost", "0.00002"),
    ]);
    assert_eq!(told(&stream), wanted);
}

#[test]
fn an_error_is_its_status() {
    let mut stream = begun(&facts());
    respond(&mut stream, "503", "application/json");
    stream.body(Direction::Response, b"{}", true);
    assert_eq!(told(&stream), served(&[("error.type", "503")]));
}

#[test]
fn without_traces_nothing_is_said() {
    let mut stream = stream(&facts());
    respond(&mut stream, "200", "application/json");
    stream.body(Direction::Response, COMPLETION, true);
    stream.log();
    assert_eq!(told(&stream), BTreeMap::new());
}
