//! Every way in which a provider can fail, as tables name them.

use meshrouter_wasm_tests::vm::{UpstreamAnswer, UpstreamResponse};

use crate::COMPLETION;

/// A failure: its name, what the provider does, the status that the caller gets when nobody is left.
pub(crate) type Failure = (&'static str, UpstreamAnswer, u16);

fn typed(status: u16, content_type: &str, chunks: &[&str]) -> UpstreamResponse {
    UpstreamResponse {
        status,
        headers: [("content-type", content_type)].into(),
        chunks: chunks.iter().map(|c| c.as_bytes().to_vec()).collect(),
        end_with_last: false,
    }
}

/// A stream of these pieces.
pub(crate) fn sse(chunks: &[&str]) -> UpstreamResponse {
    typed(200, "text/event-stream", chunks)
}

pub(crate) fn completion() -> UpstreamAnswer {
    UpstreamResponse::json(200, COMPLETION).into()
}

/// An answer, too late where something else came first.
const EVENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";

/// What sends a request to the next candidate.
pub(crate) fn failures() -> Vec<Failure> {
    let (open, close) = ("[".repeat(1000), "]".repeat(1000));
    let deep = format!("data: {{\"choices\":[],\"deep\":{open}{close}}}\n\n");
    let html = |status| typed(status, "text/html", &["<html>", "</html>"]);
    let error = |body: &str| UpstreamResponse::json(200, body);
    let reset = UpstreamAnswer::ResetAfter;
    vec![
        ("refused", UpstreamAnswer::ConnectFailure, 503),
        (
            "reset before headers",
            UpstreamAnswer::ResetBeforeHeaders,
            503,
        ),
        ("reset after headers", reset(sse(&[])), 502),
        (
            "reset in the first event",
            reset(sse(&["data: {\"cho"])),
            502,
        ),
        ("reset after a comment", reset(sse(&[": ping\n\n"])), 502),
        (
            "reset in a completion",
            reset(typed(200, "application/json", &["{\"cho"])),
            502,
        ),
        ("500", UpstreamResponse::json(500, "{}").into(), 500),
        ("503 html", html(503).into(), 503),
        (
            "429",
            UpstreamResponse::json(429, r#"{"error":{"message":"Slow down"}}"#).into(),
            429,
        ),
        ("408", typed(408, "text/plain", &["slow"]).into(), 408),
        (
            "529 without a body",
            typed(529, "text/plain", &[]).into(),
            529,
        ),
        (
            "error event first",
            sse(&["data: {\"error\":{\"code\":529,\"message\":\"Full\"}}\n\n"]).into(),
            529,
        ),
        (
            "error event after a comment",
            sse(&[": ping\n\n", "data: {\"error\":{}}\n\n", "data: [DONE]\n\n"]).into(),
            502,
        ),
        (
            "error in a 200",
            error(r#"{"error":{"code":429,"message":"Later"}}"#).into(),
            429,
        ),
        (
            "error without a code in a 200",
            error(r#"{"error":"x"}"#).into(),
            502,
        ),
        (
            "401, of our key",
            UpstreamResponse::json(401, "{}").into(),
            502,
        ),
        (
            "402, of our credit",
            UpstreamResponse::json(402, "{}").into(),
            502,
        ),
        ("403", UpstreamResponse::json(403, "{}").into(), 403),
        ("404", UpstreamResponse::json(404, "{}").into(), 404),
        ("409", UpstreamResponse::json(409, "{}").into(), 409),
        ("425", typed(425, "text/plain", &[]).into(), 425),
        ("[DONE] first", sse(&["data: [DONE]\n\n"]).into(), 502),
        (
            "no JSON first",
            sse(&["data: <html>\n\n", EVENT]).into(),
            502,
        ),
        (
            "an empty object first",
            sse(&["data: {}\n\n", EVENT]).into(),
            502,
        ),
        (
            "an array first",
            sse(&["data: [{\"choices\":[]}]\n\n", EVENT]).into(),
            502,
        ),
        (
            "choices that are no list",
            sse(&["data: {\"choices\":1}\n\n", EVENT]).into(),
            502,
        ),
        ("too deep first", sse(&[&deep, EVENT]).into(), 502),
        ("an empty object", error("{}").into(), 502),
        ("empty stream", sse(&[]).into(), 502),
        (
            "only comments",
            sse(&[": ping\n\n", ": ping\n\n"]).into(),
            502,
        ),
        ("empty 200", typed(200, "application/json", &[]).into(), 502),
        ("empty 200 with a late end", error("").into(), 502),
        ("null", error("null").into(), 502),
        ("html 200", html(200).into(), 502),
    ]
}
