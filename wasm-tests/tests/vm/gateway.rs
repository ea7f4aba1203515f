//! The router model: attempts, retries, streaming, failures.

use meshrouter_wasm_tests::vm::{
    Answer, Gateway, GatewayRequest, Plugin, UpstreamAnswer, UpstreamResponse, World,
};

use crate::probe;

/// An attempt chain that names a cluster; asks for a retry by header where the provider answered so.
const ATTEMPT: &str = "request_headers set x-meshrouter-cluster alpha\nlog prop attempt done";

fn gateway(edge: &str, attempt: &str) -> Option<(World, Gateway)> {
    let world = World::new();
    let (edge, attempt): (Plugin, Plugin) = (probe("edge", edge)?, probe("attempt", attempt)?);
    let gateway = Gateway::new(&world, &[edge], &[attempt]).unwrap();
    Some((world, gateway))
}

fn retry(status: u16) -> UpstreamAnswer {
    UpstreamResponse::json(status, "{}")
        .header("x-meshrouter-retry", "1")
        .into()
}

fn run(edge: &str, attempt: &str, mut answers: Vec<UpstreamAnswer>) -> Option<Answer> {
    let (_, mut gateway) = gateway(edge, attempt)?;
    let answer = gateway.send(&GatewayRequest::post("/v1", "{\"a\":1}"), |_| {
        answers.remove(0)
    });
    assert_eq!(answer.traps, []);
    Some(answer)
}

#[test]
fn attempts_follow_each_other_until_one_does_not_ask_for_another() {
    let answers = vec![
        retry(503),
        retry(429),
        UpstreamResponse::json(200, "ok").into(),
    ];
    let Some(answer) = run("", ATTEMPT, answers) else {
        return;
    };
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
    let Some(answer) = run(edge, ATTEMPT, vec![retry(503), retry(502)]) else {
        return;
    };
    assert_eq!((answer.status, answer.attempts), (502, 2));
    assert_eq!(answer.upstream[0].headers.text("x-envoy-max-retries"), None);
}

#[test]
fn a_stream_comes_out_piece_by_piece() {
    let Some(answer) = run(
        "",
        ATTEMPT,
        vec![UpstreamResponse::sse(["a", "b", "c"]).into()],
    ) else {
        return;
    };
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
    let Some(answer) = run("", &attempt, vec![UpstreamResponse::sse(["a", "b"]).into()]) else {
        return;
    };
    assert_eq!(answer.chunks.iter().map(|c| c.fed).collect::<Vec<_>>(), [2]);
    assert_eq!(answer.text(), "ab");
}

#[test]
fn failures_before_headers_are_answers_to_the_attempt_chain() {
    let attempt = format!(
        "{ATTEMPT}\nresponse_headers set x-meshrouter-retry 1\nresponse_headers show response.code_details"
    );
    let Some((world, mut gateway)) = gateway("", &attempt) else {
        return;
    };
    gateway.max_retries = 1;
    let mut answers = vec![
        UpstreamAnswer::ConnectFailure,
        UpstreamAnswer::ResetBeforeHeaders,
    ];
    let answer = gateway.send(&GatewayRequest::post("/", "{}"), |_| answers.remove(0));
    assert_eq!((answer.status, answer.attempts), (503, 2));
    let said = crate::said(&world, "attempt");
    assert!(
        said[0].contains("upstream_reset_before_response_started{"),
        "{said:?}"
    );
    assert!(said[1].ends_with("{connection_termination}"), "{said:?}");
}

#[test]
fn a_reset_after_headers_breaks_off_what_has_begun_and_is_a_502_past_all_filters_if_it_was_held() {
    let half = || UpstreamAnswer::ResetAfter(UpstreamResponse::sse(["half"]));
    let Some(answer) = run("", ATTEMPT, vec![half()]) else {
        return;
    };
    assert_eq!(
        (answer.status, answer.text(), answer.reset, answer.ended),
        (200, "half".to_owned(), true, false)
    );
    let held = format!(
        "{ATTEMPT}\nresponse_headers set x-meshrouter-retry 1\nresponse_headers pause\nresponse_body pause\nresponse_end say whole"
    );
    let answer = run("", &held, vec![half()]).unwrap();
    assert_eq!(
        (answer.status, answer.attempts, answer.ended),
        (502, 1, true)
    );
}

#[test]
fn the_retry_rule_may_be_another() {
    let attempt = format!(
        "{ATTEMPT}\nresponse_headers set x-final 1\nresponse_headers pause\nresponse_body pause\nresponse_end say whole"
    );
    let Some((_, mut gateway)) = gateway("", &attempt) else {
        return;
    };
    gateway.retry_if = |headers| headers.get("x-final").is_none();
    let half = UpstreamAnswer::ResetAfter(UpstreamResponse::sse(["half"]));
    let mut answers = vec![half, UpstreamResponse::json(200, "ok").into()];
    let answer = gateway.send(&GatewayRequest::post("/", "{}"), |_| answers.remove(0));
    assert_eq!(
        (answer.status, answer.text(), answer.attempts),
        (200, "ok".to_owned(), 2)
    );
}

#[test]
fn the_edge_may_answer_by_itself() {
    let Some(answer) = run("request_headers reply 401 who", ATTEMPT, vec![]) else {
        return;
    };
    assert_eq!(
        (answer.status, answer.text(), answer.attempts),
        (401, "who".to_owned(), 0)
    );
    assert_eq!(answer.local_reply.unwrap().code, 401);
}

#[test]
fn a_caller_who_hangs_up_still_has_both_chains_log() {
    let Some((_, mut gateway)) = gateway("log prop edge done", ATTEMPT) else {
        return;
    };
    let request = GatewayRequest::post("/", "{}").gone_after(1);
    let answer = gateway.send(&request, |_| UpstreamResponse::sse(["a", "b"]).into());
    assert_eq!((answer.text(), answer.ended), ("a".to_owned(), false));
    assert_eq!(answer.access_log["edge"], b"done");
    assert_eq!(answer.attempt_logs[0]["attempt"], b"done");
}

#[test]
fn properties_stay_in_their_chain_and_a_missing_cluster_is_a_503() {
    let Some((world, mut gateway)) =
        gateway("request_headers prop facts 1", "request_headers show facts")
    else {
        return;
    };
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
    let Some(answer) = run(
        edge,
        ATTEMPT,
        vec![UpstreamResponse::json(200, "ok").into()],
    ) else {
        return;
    };
    assert!(
        answer.framing_errors[0].contains("content-length 7"),
        "{:?}",
        answer.framing_errors
    );
}
