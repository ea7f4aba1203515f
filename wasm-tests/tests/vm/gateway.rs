//! The router model: attempts, retries, streaming, failures.

use meshrouter_wasm_tests::vm::{
    Answer, Gateway, GatewayRequest, UpstreamAnswer, UpstreamResponse, World,
};

use crate::probe;

/// An attempt chain that names a cluster. What the provider answers is final only if it says so itself.
const ATTEMPT: &str = "request_headers set x-meshrouter-cluster alpha\nlog prop attempt done";

fn gateway(edge: &str, attempt: &str) -> (World, Gateway) {
    let world = World::new();
    let (edge, attempt) = (probe("edge", edge), probe("attempt", attempt));
    let gateway = Gateway::new(&world, &[edge], &[attempt]).unwrap();
    (world, gateway)
}

fn done(response: UpstreamResponse) -> UpstreamAnswer {
    response.header("x-meshrouter-outcome", "1").into()
}

fn retry(status: u16) -> UpstreamAnswer {
    UpstreamResponse::json(status, "{}").into()
}

fn run(edge: &str, attempt: &str, answers: Vec<UpstreamAnswer>) -> Answer {
    let (_, mut gateway) = gateway(edge, attempt);
    gateway.max_retries = 8;
    let mut answers = answers.into_iter();
    let answer = gateway.send(&GatewayRequest::post("/v1", "{\"a\":1}"), |_| {
        answers.next().expect("no further attempt")
    });
    assert_eq!(answer.traps, []);
    answer
}

#[test]
fn attempts_follow_each_other_until_one_is_final() {
    let answers = vec![
        retry(503),
        retry(429),
        done(UpstreamResponse::json(200, "ok")),
    ];
    let answer = run("", ATTEMPT, answers);
    assert_eq!(
        (answer.status, answer.text(), answer.attempts, answer.ended),
        (200, "ok".to_owned(), 3, true)
    );
    let counts: Vec<_> = answer
        .upstream
        .iter()
        .map(|u| u.headers.text("x-envoy-attempt-count").unwrap())
        .collect();
    assert_eq!(counts, ["1", "2", "3"]);
    assert!(
        answer
            .upstream
            .iter()
            .all(|u| u.cluster == "alpha" && u.text() == "{\"a\":1}")
    );
    assert_eq!(answer.attempt_logs.len(), 3);
    assert_eq!(answer.attempt_logs[2]["attempt"], b"done");
    assert_eq!(answer.framing_errors, [""; 0]);
}

#[test]
fn the_request_may_cap_the_retries_and_the_last_answer_then_counts() {
    let edge = "request_headers set x-envoy-max-retries 1";
    let answer = run(edge, ATTEMPT, vec![retry(503), retry(502)]);
    assert_eq!((answer.status, answer.attempts), (502, 2));
    assert_eq!(answer.upstream[0].headers.text("x-envoy-max-retries"), None);
}

#[test]
fn a_stream_comes_out_piece_by_piece() {
    let answer = run(
        "",
        ATTEMPT,
        vec![done(UpstreamResponse::sse(["a", "b", "c"]))],
    );
    let seen: Vec<_> = answer
        .chunks
        .iter()
        .map(|c| (c.bytes.as_slice(), c.fed))
        .collect();
    assert_eq!(seen, [(&b"a"[..], 1), (b"b", 2), (b"c", 3)]);
}

#[test]
fn a_filter_that_buffers_is_seen_to() {
    let attempt = format!("{ATTEMPT}\nresponse_body pause\nresponse_end say whole");
    let answer = run("", &attempt, vec![done(UpstreamResponse::sse(["a", "b"]))]);
    assert_eq!(answer.chunks.iter().map(|c| c.fed).collect::<Vec<_>>(), [2]);
    assert_eq!(answer.text(), "ab");
}

#[test]
fn failures_before_headers_are_answers_to_the_attempt_chain() {
    let attempt = format!("{ATTEMPT}\nresponse_headers show response.code_details");
    let (world, mut gateway) = gateway("", &attempt);
    let mut answers = [
        UpstreamAnswer::ConnectFailure,
        UpstreamAnswer::ResetBeforeHeaders,
    ]
    .into_iter();
    let answer = gateway.send(&GatewayRequest::post("/", "{}"), |_| {
        answers.next().expect("Envoy's one retry")
    });
    assert_eq!((answer.status, answer.attempts), (503, 2));
    let said = crate::said(&world, "attempt");
    assert!(
        said[0].contains("upstream_reset_before_response_started{"),
        "{said:?}"
    );
    assert!(said[1].ends_with("{connection_termination}"), "{said:?}");
}

#[test]
fn a_reset_after_headers_breaks_off_what_has_begun() {
    let half = UpstreamResponse::sse(["half"]).header("x-meshrouter-outcome", "1");
    let answer = run("", ATTEMPT, vec![UpstreamAnswer::ResetAfter(half)]);
    assert_eq!(
        (answer.status, answer.text(), answer.reset, answer.ended),
        (200, "half".to_owned(), true, false)
    );
}

#[test]
fn a_reset_while_headers_are_held_is_a_502_past_all_filters_and_so_is_tried_again() {
    let held = format!(
        "{ATTEMPT}\nresponse_headers set x-meshrouter-outcome 1\nresponse_headers pause\nresponse_body pause\nresponse_end say whole"
    );
    let half = || UpstreamAnswer::ResetAfter(UpstreamResponse::sse(["half"]));
    let whole = done(UpstreamResponse::json(200, "ok"));
    let answer = run("", &held, vec![half(), whole]);
    assert_eq!(
        (answer.status, answer.text(), answer.attempts),
        (200, "ok".to_owned(), 2)
    );
    let capped = "request_headers set x-envoy-max-retries 0";
    let answer = run(capped, &held, vec![half()]);
    assert_eq!(
        (answer.status, answer.attempts, answer.ended),
        (502, 1, true)
    );
}

#[test]
fn the_edge_may_answer_by_itself() {
    let answer = run("request_headers reply 401 who", ATTEMPT, vec![]);
    assert_eq!(
        (answer.status, answer.text(), answer.attempts),
        (401, "who".to_owned(), 0)
    );
    assert_eq!(answer.local_reply.unwrap().code, 401);
}

#[test]
fn a_caller_who_hangs_up_still_has_both_chains_log() {
    let (_, mut gateway) = gateway("log prop edge done", ATTEMPT);
    let request = GatewayRequest::post("/", "{}").gone_after(1);
    let answer = gateway.send(&request, |_| done(UpstreamResponse::sse(["a", "b"])));
    assert_eq!((answer.text(), answer.ended), ("a".to_owned(), false));
    assert_eq!(answer.access_log["edge"], b"done");
    assert_eq!(answer.attempt_logs[0]["attempt"], b"done");
}

#[test]
fn properties_stay_in_their_chain_and_a_missing_cluster_is_a_503() {
    let (world, mut gateway) =
        gateway("request_headers prop facts 1", "request_headers show facts");
    gateway.max_retries = 0;
    let answer = gateway.send(&GatewayRequest::get("/"), |_| {
        panic!("no cluster, no provider")
    });
    assert_eq!((answer.status, answer.upstream.len()), (503, 0));
    assert_eq!(crate::said(&world, "attempt"), ["facts = none"]);
}

#[test]
fn a_stale_content_length_is_noticed() {
    let edge =
        "request_headers pause\nrequest_body pause\nrequest_end splice 0 99 longer-than-before";
    let answer = run(edge, ATTEMPT, vec![done(UpstreamResponse::json(200, "ok"))]);
    assert!(
        answer.framing_errors[0].contains("content-length 7"),
        "{:?}",
        answer.framing_errors
    );
}
