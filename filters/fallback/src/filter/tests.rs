use std::collections::BTreeMap;

use meshrouter_core::AttemptRequest;
use meshrouter_core::facts::MemberSpan;
use meshrouter_host::Headers;
pub(super) use meshrouter_host::fake::Stream;
use meshrouter_host::fake::{Fake, settings};
use serde_json::{Value, json};

use super::*;

const DOCUMENT: &str = r#"{
    "providers": {
        "alpha": {"name": "Alpha", "cluster": "alpha-cluster", "authority": "alpha.test", "path": "/x/chat/completions"},
        "beta": {"cluster": "beta", "forward_headers": {"x-custom": "x-own"}}},
    "keys": [{"name": "k", "hash": "", "credentials": [
        {"provider": "alpha", "secret": "0123abcd"},
        {"provider": "beta", "secret": "sk-2", "models": ["a/one"], "header": "x-own", "cluster": "mine",
            "authority": "mine.test", "path": "/d/{model}", "model": "deployed"},
        {"provider": "beta", "cluster": "envoys"}]},
        {"name": "why", "hash": "", "explain": true, "credentials": [{"provider": "alpha", "secret": "4567abcd"}]}],
    "models": [{"id": "a/one", "context_length": 8192, "endpoints": [
        {"provider": "alpha", "model": "one-v1", "pricing": {"prompt": "0", "completion": "0"}},
        {"provider": "beta", "pricing": {"prompt": "0", "completion": "0"}}]}]}"#;

pub(super) const BODY: &str = r#"{"model":"a/one","messages":[]}"#;

/// A stream through the filter whose request is the `attempt`-th of the plan alpha, beta.
pub(super) fn attempt(attempt: &str) -> Stream<Fallback> {
    attempt_of(attempt, None)
}

/// The same of a conversation.
pub(super) fn attempt_of(attempt: &str, conversation: Option<u64>) -> Stream<Fallback> {
    attempt_in(
        &vm(""),
        PLAN,
        attempt,
        &AttemptRequest {
            conversation,
            ..AttemptRequest::default()
        },
    )
}

/// The same of a caller who wants a stream.
pub(super) fn streaming(attempt: &str) -> Stream<Fallback> {
    streaming_in(&vm(""), attempt)
}

/// The same in a VM.
pub(super) fn streaming_in(vm: &Rc<Settings>, attempt: &str) -> Stream<Fallback> {
    attempt_in(
        vm,
        PLAN,
        attempt,
        &AttemptRequest {
            stream: true,
            ..AttemptRequest::default()
        },
    )
}

/// What attempts through this VM have added to the counters since the last tick.
pub(super) fn counted(vm: &Settings) -> BTreeMap<String, u64> {
    let mut host = Fake::default();
    vm.tell(&mut host);
    host.metrics
}

pub(super) const PLAN: &str = "a/one@alpha,a/one@beta";

/// A VM with these members in its document.
pub(super) fn vm(more: &str) -> Rc<Settings> {
    settings::<Fallback>(&DOCUMENT.replacen('{', &format!("{{{more}"), 1)).unwrap()
}

/// The same of another plan, by the key of this name.
pub(super) fn attempt_by(key: &str, plan: &str, attempt: &str) -> Stream<Fallback> {
    attempt_in(
        &vm(""),
        plan,
        attempt,
        &AttemptRequest {
            key: key.to_owned(),
            ..AttemptRequest::default()
        },
    )
}

/// The same of another plan and request, which may end at once.
pub(super) fn attempt_in(
    vm: &Rc<Settings>,
    plan: &str,
    attempt: &str,
    request: &AttemptRequest,
) -> Stream<Fallback> {
    let request = AttemptRequest {
        generation: "gen-1".to_owned(),
        members: vec![MemberSpan {
            name: "model".to_owned(),
            start: 0,
            value: 9,
            end: 16,
        }],
        body_length: BODY.len(),
        ..request.clone()
    };
    let request = String::from_utf8(request.encode()).unwrap();
    let headers = [
        (":method", "POST"),
        (":path", "/v1/chat/completions"),
        (":authority", "gateway"),
        ("content-type", "application/json"),
        ("content-length", "31"),
        ("x-custom", "the caller's"),
        ("accept-encoding", "gzip"),
        (header::PLAN, plan),
        (header::REQUEST, &request),
        (header::ENVOY_ATTEMPT_COUNT, attempt),
    ];
    let mut stream: Stream<Fallback> = Stream::new(vm);
    stream.host.time = START;
    if stream.headers(Direction::Request, &headers, false) == Flow::Pause {
        stream.body(Direction::Request, BODY.as_bytes(), true);
    }
    stream
}

/// When attempts begin, in nanoseconds since the epoch.
pub(super) const START: u64 = 1_700_000_000_000_000_000;

pub(super) fn answer(
    stream: &mut Stream<Fallback>,
    status: &str,
    content_type: &str,
    chunks: &[&str],
) {
    let headers = [
        (":status", status),
        ("content-type", content_type),
        ("set-cookie", "a=b"),
        (header::OUTCOME, "9;spoofed@alpha"),
    ];
    let mut flow = stream.headers(Direction::Response, &headers, false);
    for chunk in chunks {
        if flow != Flow::Replied {
            flow = stream.body(Direction::Response, chunk.as_bytes(), false);
        }
    }
    if flow != Flow::Replied {
        stream.body(Direction::Response, b"", true);
    }
}

/// The attempt that fits a content type.
fn attempt_for(vm: &Rc<Settings>, content_type: &str, number: &str) -> Stream<Fallback> {
    match content_type {
        "text/event-stream" => streaming_in(vm, number),
        _ => attempt_in(vm, PLAN, number, &AttemptRequest::default()),
    }
}

/// The reply in the place of a response: its status, its outcome without what was tried, and the error in it.
pub(super) fn replied(stream: &Stream<Fallback>) -> (u16, Option<String>, Value) {
    let reply = stream.host.reply.clone().expect("a reply");
    let outcome = reply
        .headers
        .iter()
        .find(|(name, _)| *name == header::OUTCOME);
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["error"]["code"], json!(reply.status));
    let who = |value: &str| value.split(',').next().map(str::to_owned);
    let outcome = outcome.and_then(|(_, value)| who(value));
    (reply.status, outcome, body["error"].clone())
}

fn response_header(stream: &Stream<Fallback>, name: &str) -> Option<String> {
    stream.header(Direction::Response, name)
}

#[test]
fn each_attempt_is_shaped_for_its_provider() {
    let cases = [
        (
            "1",
            "alpha-cluster",
            "alpha.test",
            "/x/chat/completions",
            "one-v1",
        ),
        ("2", "beta", "beta", "/v1/chat/completions", "a/one"),
    ];
    for (number, cluster, authority, path, model) in cases {
        let stream = attempt(number);
        let header = |name: &str| stream.header(Direction::Request, name);
        assert_eq!(header(header::CLUSTER).as_deref(), Some(cluster));
        assert_eq!(header(":authority").as_deref(), Some(authority));
        assert_eq!(header(":path").as_deref(), Some(path));
        let body = stream.sent(Direction::Request);
        assert_eq!(body, format!(r#"{{"model":"{model}","messages":[]}}"#));
        assert_eq!(header("content-length"), Some(body.len().to_string()));
        let names = stream.host.headers(Direction::Request);
        assert!(!names.iter().any(|(name, _)| {
            matches!(
                name,
                "x-custom" | "accept-encoding" | header::PLAN | header::REQUEST
            )
        }));
    }
}

#[test]
fn requests_without_a_plan_are_refused() {
    let mut stream: Stream<Fallback> = Stream::new(&settings::<Fallback>(DOCUMENT).unwrap());
    let plans = [None, Some("nonsense"), Some("a/one@alpha")];
    for plan in plans {
        let headers: Vec<_> = plan.map(|plan| (header::PLAN, plan)).into_iter().collect();
        assert_eq!(
            stream.headers(Direction::Request, &headers, false),
            Flow::Replied
        );
        let reply = stream.host.reply.take().unwrap();
        assert_eq!(reply.status, 500);
        let is_final = |(name, _): &(&str, String)| *name == header::OUTCOME;
        assert!(reply.headers.iter().any(is_final), "no retry can mend it");
    }
}

#[test]
fn a_completion_is_signed() {
    let vm = vm("");
    let mut stream = attempt_in(&vm, PLAN, "1", &AttemptRequest::default());
    answer(
        &mut stream,
        "200",
        "application/json",
        &[r#"{"id":"x","model""#, r#":"one-v1","choices":[]}"#],
    );
    assert_eq!(
        stream.sent(Direction::Response),
        r#"{"provider":"Alpha","object":"chat.completion","created":1,"id":"gen-1","model":"a/one","choices":[]}"#
    );
    assert_eq!(
        response_header(&stream, header::OUTCOME).as_deref(),
        Some("1;a/one@alpha")
    );
    assert_eq!(response_header(&stream, "set-cookie"), None);
    assert_eq!(
        counted(&vm)["meshrouter_attempts_total;provider=alpha;verdict=answered"],
        1
    );
}

/// Outcomes that send the request to the next candidate.
const FAILURES: &[(&str, &str, &str, u16)] = &[
    ("503", "text/plain", "upstream connect error", 503),
    (
        "429",
        "application/json",
        r#"{"error":{"message":"Slow down"}}"#,
        429,
    ),
    ("500", "text/html", "<html>", 500),
    (
        "200",
        "text/event-stream",
        "data: {\"error\":{\"code\":529,\"message\":\"Full\"}}\n\ndata: [DONE]\n\n",
        529,
    ),
    ("200", "text/event-stream", ": ping\n\n", 502),
    (
        "200",
        "application/json",
        r#"{"error":{"message":"Broken"}}"#,
        502,
    ),
    ("200", "application/json", "not json", 502),
];

#[test]
fn failures_ask_for_the_next_candidate() {
    for (status, content_type, body, expected) in FAILURES {
        let vm = vm("");
        let mut stream = attempt_for(&vm, content_type, "2");
        answer(&mut stream, status, content_type, &[body]);
        let (status, outcome, error) = replied(&stream);
        assert_eq!((status, outcome), (*expected, None), "{body}");
        assert_eq!(error["metadata"]["provider_name"], "beta", "{body}");
        assert_eq!(
            counted(&vm)["meshrouter_attempts_total;provider=beta;verdict=failed"],
            1
        );
    }
}

#[test]
fn a_refusal_is_final() {
    let mut stream = attempt("1");
    let words = r#"{"error":{"message":"Bad temperature"}}"#;
    answer(&mut stream, "400", "application/json", &[words]);
    let (status, outcome, error) = replied(&stream);
    assert_eq!((status, outcome.as_deref()), (400, Some("1;a/one@alpha")));
    assert_eq!(error["message"], "Bad temperature");
}

#[test]
fn failures_without_a_body_fail_all_the_same() {
    for (status, expected) in [("500", 500), ("404", 404), ("200", 502)] {
        let mut stream = attempt("2");
        stream.headers(Direction::Response, &[(":status", status)], true);
        assert_eq!(replied(&stream).0, expected);
    }
}

#[test]
fn a_stream_that_nobody_asked_for_is_a_failure() {
    let mut stream = attempt("1");
    answer(
        &mut stream,
        "200",
        "text/event-stream",
        &["data: {\"choices\":[]}\n\n"],
    );
    assert_eq!(replied(&stream).0, 502);
}

#[test]
fn encoded_answers_pass_unread() {
    let mut stream = attempt("1");
    let headers = [
        (":status", "200"),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    stream.headers(Direction::Response, &headers, false);
    stream.body(Direction::Response, b"\x1f\x8b", true);
    assert!(stream.released(Direction::Response));
    assert_eq!(
        response_header(&stream, "content-encoding").as_deref(),
        Some("gzip")
    );
}

#[test]
fn a_context_that_is_too_small_leads_on_and_other_refusals_do_not() {
    let long = r#"{"error": {"code": "context_length_exceeded", "message": "x"}}"#;
    let wrong = r#"{"error": {"message": "`temperature` is too high"}}"#;
    let cases = [
        ("1", "400", long, None),
        ("1", "413", long, None),
        ("1", "400", wrong, Some("1;a/one@alpha")),
        ("1", "451", long, Some("1;a/one@alpha")),
    ];
    for (number, status, body, expected) in cases {
        let mut stream = attempt(number);
        answer(&mut stream, status, "application/json", &[body]);
        let (found, outcome, _) = replied(&stream);
        let about = format!("{number} {status} {body}");
        assert_eq!(outcome.as_deref(), expected, "{about}");
        assert_eq!(found.to_string(), status, "{about}");
    }
}

#[test]
fn any_error_leads_to_another_model() {
    for (status, expected) in [("400", None), ("451", None), ("301", Some("1;a/one@alpha"))] {
        let plan = "a/one@alpha,a/one@beta,a/two@beta";
        let mut stream = attempt_in(&vm(""), plan, "1", &AttemptRequest::default());
        answer(&mut stream, status, "application/json", &["{}"]);
        assert_eq!(replied(&stream).1.as_deref(), expected, "{status}");
    }
}

#[test]
fn a_provider_that_breaks_off_while_its_answer_is_held_has_failed() {
    let broke: &[u8] = b"upstream_reset_after_response_started{connection_termination}";
    let failed = "meshrouter_attempts_total;provider=alpha;verdict=failed";
    let cases: [(&str, &[u8], bool); 6] = [
        ("text/event-stream", broke, true),
        ("application/json", broke, true),
        ("text/event-stream", b"stream_idle_timeout", true),
        // The caller left.
        ("text/event-stream", b"via_upstream", false),
        ("application/json", b"downstream_remote_disconnect", false),
        ("application/json", b"", false),
    ];
    for (content_type, details, has_failed) in cases {
        let vm = vm("");
        let mut stream = attempt_for(&vm, content_type, "1");
        let headers = [(":status", "200"), ("content-type", content_type)];
        stream.headers(Direction::Response, &headers, false);
        stream.body(Direction::Response, b": ping\n\n", false);
        let property = ("response.code_details".to_owned(), details.to_vec());
        stream.host.properties.extend([property]);
        stream.log();
        let count = counted(&vm).get(failed).copied();
        assert_eq!(count, has_failed.then_some(1), "{content_type} {details:?}");
    }
    // What has been judged is not judged again.
    let first = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";
    for (content_type, body, end) in [
        ("text/event-stream", first, false),
        ("application/json", r#"{"choices":[]}"#, true),
        ("application/json", "{}", true),
    ] {
        let vm = vm("");
        let mut stream = attempt_for(&vm, content_type, "1");
        let headers = [(":status", "200"), ("content-type", content_type)];
        stream.headers(Direction::Response, &headers, false);
        stream.body(Direction::Response, body.as_bytes(), end);
        let property = ("response.code_details".to_owned(), broke.to_vec());
        stream.host.properties.extend([property]);
        stream.log();
        assert_eq!(counted(&vm).values().sum::<u64>(), 1, "{body}");
    }
}
