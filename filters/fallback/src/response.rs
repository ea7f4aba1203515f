//! A provider's response headers: which reach the edge, and what they say of time.

use std::time::UNIX_EPOCH;

/// How long a body is.
pub(crate) const CONTENT_LENGTH: &str = "content-length";

/// How long the body is that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// As long as the provider's.
    Same,
    /// Nobody knows yet.
    Open,
    /// It is whole, and has so many bytes.
    Whole(usize),
}

/// How Envoy's account begins of a response that broke off, fell silent, or did not fit.
const BROKE_OFF: &[&[u8]] = &[
    b"upstream_reset_after_response_started",
    b"stream_idle_timeout",
    b"response_payload_too_large",
];

/// The milliseconds for which a provider wants no request: `retry-after-ms`, or `retry-after` in
/// seconds or as a date. How long it gets them is bounded where they are used. `now` is in Unix
/// milliseconds.
pub(crate) fn retry_after<'a>(header: impl Fn(&str) -> &'a [u8], now: u64) -> Option<u64> {
    let text = |name: &str| std::str::from_utf8(header(name)).ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    let seconds = || number("retry-after").map(|seconds| seconds.saturating_mul(1_000));
    number("retry-after-ms").or_else(seconds).or_else(|| {
        let date = httpdate::parse_http_date(text("retry-after")?).ok()?;
        let date = date.duration_since(UNIX_EPOCH).ok()?.as_millis();
        Some(u64::try_from(date).ok()?.saturating_sub(now))
    })
}

/// The name of a response header that reaches the edge with a body of this length. All others are the provider's own affair: its
/// cookies, its ids, the rate limits of our keys, and whatever looks like one of our internal headers.
pub(crate) fn kept(name: &[u8], length: Length) -> Option<&'static str> {
    let name = match name {
        b":status" => ":status",
        b"cache-control" => "cache-control",
        b"content-encoding" => "content-encoding",
        b"content-length" if length == Length::Same => CONTENT_LENGTH,
        b"content-type" => "content-type",
        b"date" => "date",
        b"retry-after" => "retry-after",
        _ => return None,
    };
    Some(name)
}

/// Whether a response that was still held ended through the provider, by Envoy's account of it: no
/// filter sees the reply that Envoy then sends. A caller who leaves ends it otherwise.
pub(crate) fn broke_off(code_details: &[u8]) -> bool {
    BROKE_OFF
        .iter()
        .any(|details| code_details.starts_with(details))
}
