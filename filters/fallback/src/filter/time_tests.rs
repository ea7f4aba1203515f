//! What is held of a stream, and for how long; and how long an attempt may take.

use meshrouter_core::AttemptRequest;

use super::tests::*;
use super::*;

const MS: u64 = 1_000_000;
const EVENTS: [(&str, &str); 2] = [(":status", "200"), ("content-type", "text/event-stream")];
const ROLE: &[u8] = b"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n";
const WORD: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";

/// An attempt whose stream has begun.
fn begun(more: &str) -> Stream<Fallback> {
    begun_in(&vm(more))
}

/// The same in a VM.
fn begun_in(vm: &Rc<Settings>) -> Stream<Fallback> {
    let mut stream = streaming_in(vm, "1");
    stream.headers(Direction::Response, &EVENTS, false);
    stream
}

fn released(stream: &Stream<Fallback>) -> bool {
    stream.released(Direction::Response)
}

#[test]
fn a_stream_is_held_until_its_first_token_and_not_longer() {
    let mut stream = begun("");
    stream.body(Direction::Response, b": ping\n\ndata: {\"choi", false);
    stream.body(Direction::Response, b"ces\":[]}\n\n", false);
    assert!(!released(&stream));
    stream.body(Direction::Response, WORD, false);
    assert!(released(&stream));
    let signed = r#"data: {"id":"gen-1","provider":"Alpha","model":"a/one","object":"chat.completion.chunk","created":1,"choices":["#;
    let first =
        format!(": ping\n\n{signed}]}}\n\n{signed}{{\"delta\":{{\"content\":\"x\"}}}}]}}\n\n");
    assert_eq!(stream.sent(Direction::Response), first);
    stream.body(Direction::Response, b"data: [DO", false);
    assert_eq!(
        stream.sent(Direction::Response),
        first,
        "half an event stays"
    );
    stream.body(Direction::Response, b"NE]\n\n", true);
    let whole = format!("{first}data: [DONE]\n\n");
    assert_eq!(stream.sent(Direction::Response), whole);
}

#[test]
fn a_hold_ends_with_time() {
    let vm = vm(r#""hold": {"max_ms": 500},"#);
    let mut stream = begun_in(&vm);
    assert!(!stream.wait(499 * MS));
    assert!(stream.wait(MS));
    assert!(released(&stream), "at once where nothing has come");
    let outcome = stream.header(Direction::Response, header::OUTCOME);
    assert_eq!(outcome.as_deref(), Some("1;a/one@alpha"), "it is final");
    stream.body(Direction::Response, b"data: {\"choices\":[]}\n\n", false);
    let sent = stream.sent(Direction::Response);
    assert!(sent.starts_with("data: {\"id\":\"gen-1\""), "{sent}");
    assert!(counted(&vm).is_empty(), "nobody knows how it goes");
    stream.body(Direction::Response, WORD, false);
    let answered = "meshrouter_attempts_total;provider=alpha;verdict=answered";
    assert_eq!(counted(&vm)[answered], 1);
}

#[test]
fn what_is_held_then_goes_with_the_next_piece() {
    let mut stream = begun(r#""hold": {"max_ms": 500},"#);
    stream.body(Direction::Response, b": ping\n\ndata: {\"choi", false);
    assert!(stream.wait(500 * MS));
    assert!(!released(&stream));
    assert!(!stream.wait(500 * MS), "once");
    stream.body(Direction::Response, b"ces\":[]}\n\n", false);
    assert!(released(&stream));
    let sent = stream.sent(Direction::Response);
    let whole = ": ping\n\ndata: {\"id\":\"gen-1\"";
    assert!(sent.starts_with(whole), "nothing leaves unsigned: {sent}");
}

#[test]
fn a_hold_ends_with_its_bytes() {
    let vm = vm(r#""hold": {"max_bytes": 20},"#);
    let mut stream = begun_in(&vm);
    stream.body(Direction::Response, b": ping\n\n", false);
    assert!(!released(&stream));
    stream.body(Direction::Response, b": ping\n\n: ping\n\n", false);
    assert!(released(&stream));
    // An error is the caller's now.
    stream.body(Direction::Response, b"data: {\"error\":\"x\"}\n\n", true);
    let sent = stream.sent(Direction::Response);
    assert!(sent.contains(r#""finish_reason":"error""#), "{sent}");
    stream.log();
    let failed = "meshrouter_attempts_total;provider=alpha;verdict=refused";
    assert_eq!(counted(&vm)[failed], 1);
}

#[test]
fn a_role_is_enough_where_that_is_configured() {
    for (more, enough) in [("", false), (r#""hold": {"until": "event"},"#, true)] {
        let mut stream = begun(more);
        stream.body(Direction::Response, ROLE, false);
        assert_eq!(released(&stream), enough, "{more}");
    }
}

const TIMEOUTS: &str = r#""timeouts": {"first_byte_ms": 200, "idle_ms": 100, "total_ms": 2000},"#;

/// Why an attempt failed, by the error's message.
fn message(stream: &Stream<Fallback>) -> String {
    let (status, outcome, error) = replied(stream);
    assert_eq!((status, outcome), (408, None));
    error["message"].as_str().unwrap().to_owned()
}

#[test]
fn silence_is_a_failure() {
    let mut stream = streaming_in(&vm(TIMEOUTS), "1");
    assert!(!stream.wait(199 * MS));
    assert!(stream.wait(MS));
    assert!(message(&stream).contains("did not begin to answer within 200 ms"));
    assert!(!stream.wait(5_000 * MS), "it is over");
    // Comments are no first byte of a stream.
    let mut stream = begun(TIMEOUTS);
    stream.body(Direction::Response, b": ping\n\n", false);
    assert!(stream.wait(200 * MS));
    assert!(message(&stream).contains("did not begin"));
    // Of a plain answer, the headers are.
    let mut stream = attempt_in(&vm(TIMEOUTS), PLAN, "1", &AttemptRequest::default());
    let headers = [(":status", "200"), ("content-type", "application/json")];
    stream.headers(Direction::Response, &headers, false);
    assert!(!stream.wait(150 * MS));
    assert!(stream.wait(100 * MS));
    assert!(message(&stream).contains("fell silent for 100 ms"));
}

#[test]
fn a_stream_that_is_the_callers_is_cut_and_nobody_else_asked() {
    let vm = vm(TIMEOUTS);
    let mut stream = begun_in(&vm);
    stream.body(Direction::Response, WORD, false);
    for _ in 0..15 {
        assert!(!stream.wait(99 * MS));
        stream.body(Direction::Response, b": ping\n\n", false);
    }
    assert!(!stream.wait(90 * MS), "silence counts from this look on");
    assert!(stream.wait(100 * MS));
    let answered = "meshrouter_attempts_total;provider=alpha;verdict=answered";
    assert_eq!(counted(&vm), [(answered.to_owned(), 1)].into());
    stream.log();
    assert!(counted(&vm).is_empty(), "it was told once");
}

#[test]
fn what_a_request_may_take_bounds_all_attempts() {
    let vm = vm(r#""request_timeout_ms": 300,"#);
    let request = |started| AttemptRequest {
        started,
        ..AttemptRequest::default()
    };
    let now = START / MS;
    let mut stream = attempt_in(&vm, PLAN, "1", &request(now - 200));
    assert!(!stream.wait(99 * MS));
    assert!(stream.wait(MS));
    let (status, outcome, error) = replied(&stream);
    assert_eq!((status, outcome.as_deref()), (408, Some("1;a/one@alpha")));
    let message = "The request took longer than the 300 ms that the gateway allows.";
    assert_eq!(error["message"], message);
    assert_eq!(counted(&vm).len(), 1);
    // The next attempt does not begin any more.
    let stream = attempt_in(&vm, PLAN, "2", &request(now - 300));
    let (status, outcome, _) = replied(&stream);
    assert_eq!((status, outcome.as_deref()), (408, Some("1;a/one@alpha")));
    assert!(counted(&vm).is_empty());
}

#[test]
fn the_words_of_a_failure_are_not_waited_for_for_ever() {
    let mut stream = attempt("1");
    let headers = [(":status", "503"), ("content-type", "application/json")];
    stream.headers(Direction::Response, &headers, false);
    stream.body(Direction::Response, b"{\"error\":", false);
    assert!(!stream.wait(999 * MS));
    assert!(stream.wait(MS));
    assert_eq!(replied(&stream).0, 503);
}
