//! The end of a request that nobody answered.

use meshrouter_core::AttemptRequest;
use serde_json::json;

use super::tests::*;
use super::*;

/// What a caller reads after these statuses of alpha and beta.
fn last_word(vm: &Rc<Settings>, key: &str, statuses: [&str; 2]) -> Stream<Fallback> {
    let request = AttemptRequest {
        key: key.to_owned(),
        ..AttemptRequest::default()
    };
    for (number, status) in ["1", "2"].into_iter().zip(statuses) {
        let mut stream = attempt_in(vm, PLAN, number, &request);
        let headers = [(":status", status), ("retry-after", "7")];
        stream.host.time += 5_000_000;
        stream.headers(Direction::Response, &headers, true);
    }
    attempt_in(vm, PLAN, "3", &request)
}

#[test]
fn the_most_useful_error_is_the_last_word() {
    let cases = [
        (["500", "503"], 503, "2;a/one@beta"),
        (["503", "401"], 503, "2;a/one@alpha"),
        (["429", "200"], 429, "2;a/one@alpha"),
        (["403", "404"], 403, "2;a/one@alpha"),
        (["200", "200"], 502, "2;a/one@beta"),
        (["401", "402"], 502, "2;a/one@beta"),
    ];
    for (statuses, expected, who) in cases {
        let stream = last_word(&vm(""), "", statuses);
        let (status, outcome, error) = replied(&stream);
        assert_eq!(
            (status, outcome.as_deref()),
            (expected, Some(who)),
            "{statuses:?}"
        );
        assert!(error["metadata"].get("attempts").is_none(), "{error}");
        let reply = stream.host.reply.unwrap();
        let after = reply
            .headers
            .iter()
            .find(|(name, _)| *name == "retry-after");
        // An empty success says nothing of time.
        assert_eq!(after.is_some(), statuses != ["200", "200"], "{statuses:?}");
    }
}

#[test]
fn keys_that_may_ask_why_see_what_was_tried() {
    let stream = last_word(&vm(""), "why", ["503", "200"]);
    let (_, _, error) = replied(&stream);
    let attempts = json!([
        {"model": "a/one", "endpoint": "alpha", "status": 503, "reason": "overloaded", "ms": 5},
        {"model": "a/one", "endpoint": "beta", "status": 200, "reason": "no_completion", "ms": 5},
    ]);
    assert_eq!(error["metadata"]["attempts"], attempts);
    // On whose account it was is told, too.
    let request = AttemptRequest {
        key: "why".to_owned(),
        ..AttemptRequest::default()
    };
    let vm = vm("");
    let mut stream = attempt_in(&vm, "a/one@alpha#0", "1", &request);
    stream.headers(Direction::Response, &[(":status", "429")], true);
    let (_, outcome, error) = replied(&attempt_in(&vm, "a/one@alpha#0", "2", &request));
    assert_eq!(error["metadata"]["attempts"][0]["own"], true);
    assert_eq!(outcome.as_deref(), Some("1;a/one@alpha#0"));
}

#[test]
fn the_edge_learns_what_was_tried() {
    let told = |stream: &Stream<Fallback>| {
        let reply = stream.host.reply.as_ref().unwrap();
        let outcome = reply
            .headers
            .iter()
            .find(|(name, _)| *name == header::OUTCOME);
        outcome.unwrap().1.clone()
    };
    let stream = last_word(&vm(""), "", ["503", "401"]);
    let failed = "503 overloaded 5 a/one@alpha,401 credential 5 a/one@beta";
    assert_eq!(told(&stream), format!("2;a/one@alpha,{failed}"));
    // Also where somebody answers in the end.
    let vm = vm("");
    let mut first = streaming_in(&vm, "1");
    first.headers(Direction::Response, &[(":status", "500")], true);
    let mut second = streaming_in(&vm, "2");
    let headers = [(":status", "200"), ("content-type", "text/event-stream")];
    second.headers(Direction::Response, &headers, false);
    let word = b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    second.body(Direction::Response, word, false);
    let outcome = second.header(Direction::Response, header::OUTCOME);
    assert_eq!(
        outcome.as_deref(),
        Some("2;a/one@beta,500 server_error 0 a/one@alpha")
    );
}

#[test]
fn a_request_of_which_nothing_is_known_has_an_end_too() {
    let stream = attempt_in(&vm(""), PLAN, "3", &AttemptRequest::default());
    let (status, outcome, error) = replied(&stream);
    assert_eq!((status, outcome.as_deref()), (502, Some("2;a/one@beta")));
    assert_eq!(error["message"], "No provider answered.");
}

#[test]
fn what_breaks_off_unseen_is_remembered() {
    let vm = vm("");
    for number in ["1", "2"] {
        let mut stream = streaming_in(&vm, number);
        stream.headers(
            Direction::Response,
            &[(":status", "200"), ("content-type", "text/event-stream")],
            false,
        );
        let details = b"upstream_reset_after_response_started{x}".to_vec();
        let property = ("response.code_details".to_owned(), details);
        stream.host.properties.extend([property]);
        stream.log();
    }
    let (status, _, error) = replied(&streaming_in(&vm, "3"));
    assert_eq!(status, 502);
    let message = "The provider beta broke off before it had answered.";
    assert_eq!(error["message"], message);
}
