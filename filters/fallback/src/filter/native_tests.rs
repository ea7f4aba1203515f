//! Attempts that are streams of the edge's own router.

use meshrouter_core::AttemptRequest;
use meshrouter_host::Headers;

use super::tests::*;
use super::*;

fn native() -> Rc<Settings> {
    vm(r#""native": true, "#)
}

fn begun(settings: &Rc<Settings>, number: &str) -> Stream<Fallback> {
    attempt_in(settings, PLAN, number, &AttemptRequest::default())
}

/// The next attempt of a request: its headers are those that the one before left.
fn next(settings: &Rc<Settings>, before: &Stream<Fallback>, number: &str) -> Stream<Fallback> {
    let mut stream: Stream<Fallback> = Stream::new(settings);
    stream.host.time = START;
    stream.host.properties.clone_from(&before.host.properties);
    let left = before.host.headers(Direction::Request);
    let left = left
        .iter()
        .map(|(name, value)| (name, std::str::from_utf8(value).unwrap()));
    let headers: Vec<_> = left
        .chain([(header::ENVOY_ATTEMPT_COUNT, number)])
        .collect();
    if stream.headers(Direction::Request, &headers, false) == Flow::Pause {
        stream.body(Direction::Request, BODY.as_bytes(), true);
    }
    stream
}

fn of_request(stream: &Stream<Fallback>, name: &str) -> Option<String> {
    stream.header(Direction::Request, name)
}

#[test]
fn every_attempt_sees_what_the_edge_sent() {
    let settings = native();
    let first = begun(&settings, "1");
    assert_eq!(
        of_request(&first, ":authority").as_deref(),
        Some("alpha.test")
    );
    // No route of ours takes internal headers off here.
    for name in [header::CLUSTER, header::PLAN, header::REQUEST, "x-custom"] {
        assert_eq!(of_request(&first, name), None, "{name}");
    }
    let second = next(&settings, &first, "2");
    assert_eq!(of_request(&second, ":authority").as_deref(), Some("beta"));
    assert_eq!(
        second.sent(Direction::Request),
        r#"{"model":"a/one","messages":[]}"#
    );
    assert_eq!(
        of_request(&second, "content-type").as_deref(),
        Some("application/json")
    );
}

#[test]
fn a_failure_lets_a_response_go_that_leads_on() {
    let settings = native();
    let mut first = begun(&settings, "1");
    answer(&mut first, "429", "application/json", &["{}"]);
    assert!(first.host.reply.is_none(), "it would be the caller's");
    assert_eq!(
        first.header(Direction::Response, ":status").as_deref(),
        Some("503")
    );
    assert_eq!(first.header(Direction::Response, header::OUTCOME), None);
    // The last word is a reply: there is nothing to lead on to.
    let last = next(&settings, &next(&settings, &first, "2"), "3");
    assert_eq!(replied(&last).0, 429);
}

#[test]
fn a_refusal_takes_the_place_of_the_response() {
    let mut stream = begun(&native(), "1");
    answer(
        &mut stream,
        "400",
        "application/json",
        &[r#"{"error": {"message": "No."}}"#],
    );
    assert!(stream.host.reply.is_none());
    let header = |name: &str| stream.header(Direction::Response, name);
    assert_eq!(header(":status").as_deref(), Some("400"));
    let outcome = header(header::OUTCOME).unwrap();
    assert!(outcome.starts_with("1;a/one@alpha,"), "{outcome}");
    let body = stream.sent(Direction::Response);
    assert!(body.contains(r#""provider_name":"Alpha""#), "{body}");
    assert_eq!(header("content-length"), Some(body.len().to_string()));
}

/// What the caller reads where both attempts ended without a response, the first in this way.
fn unseen(details: Option<&str>, reason: &str, address: &str) -> Option<String> {
    let settings = native();
    let request = AttemptRequest {
        key: "why".to_owned(),
        ..AttemptRequest::default()
    };
    let mut first = attempt_in(&settings, PLAN, "1", &request);
    let properties = [
        ("response.code_details", details.unwrap_or("")),
        ("upstream.transport_failure_reason", reason),
        ("upstream.local_address", address),
    ];
    for (name, value) in properties {
        first.host.properties.insert(name.to_owned(), value.into());
    }
    first.log();
    let last = next(&settings, &first, "3");
    let reason = replied(&last).2["metadata"]["attempts"][0]["reason"].clone();
    reason.as_str().map(str::to_owned)
}

#[test]
fn a_stream_that_is_gone_tells_why() {
    let refused = "delayed_connect_error:_Connection_refused";
    let cases = [
        (None, refused, "", Some("unreachable")),
        (None, "TLS_error:|268435703:SSL_routines", "", Some("tls")),
        (None, "", "", Some("connect_timeout")),
        (None, "", "127.0.0.1:9", Some("reset")),
        // The caller left, which says nothing of the provider.
        (
            Some("downstream_remote_disconnect"),
            "",
            "127.0.0.1:9",
            None,
        ),
    ];
    for (details, reason, address, wanted) in cases {
        assert_eq!(
            unseen(details, reason, address).as_deref(),
            wanted,
            "{details:?} {reason}"
        );
    }
}

#[test]
fn the_router_alone_ends_an_attempt_that_is_silent() {
    let settings = vm(r#""native": true, "timeouts": {"first_byte_ms": 100}, "#);
    let mut first = begun(&settings, "1");
    assert!(first.wait(100_000_000));
    assert!(first.host.reply.is_none());
    // An answer that comes all the same is as good as any.
    answer(
        &mut first,
        "200",
        "application/json",
        &[r#"{"choices":[{"message":{"content":"x"}}]}"#],
    );
    let outcome = first.header(Direction::Response, header::OUTCOME);
    assert_eq!(outcome.as_deref(), Some("1;a/one@alpha"));
}
