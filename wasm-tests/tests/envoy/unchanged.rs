//! What a mesh's own requests bring, to compare it with and without the router beside them.

use meshrouter_simulator::RecordedRequest;
use meshrouter_wasm_tests::client::{Client, Request};

/// What the caller gets, but for times.
pub(crate) fn answer(client: &Client, request: Request) -> (u16, Vec<(String, Vec<u8>)>, String) {
    let response = client.send(request);
    let (status, text) = (response.status, response.text());
    let mut headers = response.headers;
    headers.retain(|(name, _)| !["date", "x-envoy-upstream-service-time"].contains(&name.as_str()));
    (status, headers, text)
}

/// What the upstream gets, but for the request's id and these headers.
pub(crate) fn arrived(
    request: &RecordedRequest,
    but: &[&str],
) -> (String, Vec<(String, String)>, Vec<u8>) {
    let mut headers = request.headers.clone();
    headers.retain(|(name, _)| name != "x-request-id" && !but.contains(&name.as_str()));
    (request.path.clone(), headers, request.body.clone())
}
