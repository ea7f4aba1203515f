//! Each filter on its own: the tables of its native tests, on the built module.

mod attempt;
mod edge;
mod keys;
mod response;

use meshrouter_wasm_tests::vm::{HeaderMap, Stream};

fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
    pairs.iter().copied().collect()
}

/// Sends the response's headers and body in two pieces; what leaves of the body.
fn respond(stream: &mut Stream, headers: &[(&str, &str)], body: &str) -> String {
    let headers: HeaderMap = headers.iter().copied().collect();
    stream.response_headers(headers, false).unwrap();
    let (head, tail) = body.as_bytes().split_at(body.len() / 2);
    stream.response_body(head, false).unwrap();
    stream.response_body(tail, false).unwrap();
    stream.response_body("", true).unwrap();
    stream.response().text()
}
