//! Attempts on a caller's own account.

use meshrouter_core::AttemptRequest;
use meshrouter_core::health::{self, Board, EndpointHash};
use meshrouter_host::Headers;

use super::tests::*;
use super::*;

const PLAN: &str = "a/one@alpha#0,a/one@beta#1,a/one@beta#2,a/one@alpha,a/one@beta";

fn own(number: &str) -> Stream<Fallback> {
    attempt_by("k", PLAN, number)
}

/// The headers that say where an attempt goes and as whom: cluster, authority, path, `authorization`
/// and the own one.
fn sent(stream: &Stream<Fallback>) -> [Option<String>; 5] {
    let names = [
        header::CLUSTER,
        ":authority",
        ":path",
        "authorization",
        "x-own",
    ];
    names.map(|name| {
        let headers = stream.host.headers(Direction::Request);
        let mut found = headers.iter().filter(|(known, _)| *known == name);
        let value = found.next().map(|(_, value)| value);
        assert!(found.next().is_none(), "{name} once");
        value.map(|value| String::from_utf8(value.to_vec()).unwrap())
    })
}

#[test]
fn each_attempt_has_its_own_place_and_credential_only() {
    let cases = [
        (
            "1",
            "alpha-cluster alpha.test /x/chat/completions Bearer+0123abcd -",
            "one-v1",
        ),
        ("2", "mine mine.test /d/deployed - sk-2", "deployed"),
        (
            "3",
            "envoys envoys /v1/chat/completions - the+caller's",
            "a/one",
        ),
        (
            "4",
            "alpha-cluster alpha.test /x/chat/completions - -",
            "one-v1",
        ),
        (
            "5",
            "beta beta /v1/chat/completions - the+caller's",
            "a/one",
        ),
    ];
    for (number, wanted, model) in cases {
        let stream = own(number);
        let found =
            sent(&stream).map(|value| value.map_or("-".to_owned(), |v| v.replace(' ', "+")));
        assert_eq!(found.join(" "), wanted);
        let body = format!(r#"{{"model":"{model}","messages":[]}}"#);
        assert_eq!(stream.sent(Direction::Request), body);
    }
}

#[test]
fn a_credential_that_is_not_there_any_more_leads_on() {
    for (key, plan) in [
        ("k", "a/one@alpha#3"),
        ("k", "a/one@alpha#1"),
        ("other", "a/one@alpha#0"),
        ("", "a/one@alpha#0"),
    ] {
        let stream = attempt_by(key, plan, "1");
        let reply = stream.host.reply.unwrap();
        assert_eq!(reply.status, 503, "{key} {plan}");
        assert!(
            !reply
                .headers
                .iter()
                .any(|(name, _)| *name == header::OUTCOME)
        );
    }
}

#[test]
fn errors_do_not_repeat_the_credential() {
    let body = r#"{"error": {"message": "0123abcd is no key of ours"}}"#;
    let plain = |plan: &str, key: &str, status: &str| {
        let mut stream = attempt_by(key, plan, "1");
        answer(&mut stream, status, "application/json", &[body]);
        replied(&stream).2.to_string()
    };
    for status in ["401", "400", "200"] {
        let sent = plain("a/one@alpha#0", "k", status);
        assert!(!sent.contains("0123abcd"), "{sent}");
        assert!(sent.contains("[redacted] is no key of ours"), "{sent}");
    }
    assert!(
        plain("a/one@alpha", "k", "401").contains("0123abcd"),
        "it is nobody's"
    );
    let request = AttemptRequest {
        key: "k".to_owned(),
        stream: true,
        ..AttemptRequest::default()
    };
    let mut stream = attempt_in(&vm(""), "a/one@alpha#0", "1", &request);
    let word = r#"data: {"choices":[{"delta":{"content":"x"}}]}"#;
    let events = format!("{word}\n\ndata: {body}\n\n");
    answer(&mut stream, "200", "text/event-stream", &[&events]);
    let sent = stream.sent(Direction::Response);
    assert!(
        !sent.contains("0123abcd") && sent.contains("[redacted]"),
        "{sent}"
    );
}

#[test]
fn its_failures_are_counted_apart() {
    let outcomes = |stream: &Stream<Fallback>, record: &str, place| {
        let bytes = stream.host.shared.get(record);
        let board = Board::of(bytes.map(|(bytes, _)| bytes.clone()));
        let found = board.vitals(place).recent(stream.host.time / 1_000_000);
        (found.answered, found.failed)
    };
    let record = health::own_key("a/one", "k");
    let mut stream = own("1");
    answer(&mut stream, "429", "application/json", &["{}"]);
    let place = EndpointHash::own("alpha", 0);
    assert_eq!(outcomes(&stream, &record, place), (0, 1));
    assert_eq!(stream.host.shared.keys().collect::<Vec<_>>(), [&record]);
    let mut stream = own("4");
    answer(&mut stream, "429", "application/json", &["{}"]);
    let shared = health::key("a/one");
    assert_eq!(
        outcomes(&stream, &shared, EndpointHash::of("alpha")),
        (0, 1)
    );
    assert_eq!(stream.host.shared.keys().collect::<Vec<_>>(), [&shared]);
}

#[test]
fn the_outcome_says_on_whose_account() {
    let mut stream = own("2");
    let body = r#"{"choices":[{"message":{"content":"x"}}]}"#;
    answer(&mut stream, "200", "application/json", &[body]);
    let outcome = stream.header(Direction::Response, header::OUTCOME);
    assert_eq!(outcome.as_deref(), Some("2;a/one@beta#1"));
}
