//! What a provider's failure becomes for the caller.

use std::time::UNIX_EPOCH;

use meshrouter_core::ApiError;
use meshrouter_core::document::Secret;
use meshrouter_wire::error_body;

/// Response headers that reach the edge. All others are the provider's own affair: its cookies,
/// its ids, the rate limits of our keys, and whatever looks like one of our internal headers.
const KEPT: &[&str] = &[
    ":status",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "retry-after",
];

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

/// Whether a response header reaches the edge.
pub(crate) fn is_kept(name: &str) -> bool {
    KEPT.contains(&name)
}

/// Whether a response that was still held ended through the provider, by Envoy's account of it: no
/// filter sees the reply that Envoy then sends. A caller who leaves ends it otherwise.
pub(crate) fn broke_off(code_details: &[u8]) -> bool {
    BROKE_OFF
        .iter()
        .any(|details| code_details.starts_with(details))
}

/// A failed attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The status for the caller.
    pub status: u16,
    /// The provider's own words: its body, or the error inside an event.
    pub body: Vec<u8>,
    /// The provider could not be reached, so that the words are Envoy's.
    pub unreachable: bool,
    /// The provider answered with success, so that the status is ours or that of its words.
    pub inside_success: bool,
}

impl Failure {
    /// An error that came inside a 200: its status is the one that it names, or 502.
    pub(crate) fn inside_success(body: &[u8]) -> Self {
        Self {
            status: status_of(body).unwrap_or(502),
            body: body.to_vec(),
            unreachable: false,
            inside_success: true,
        }
    }

    /// The error for the caller, as documented: the status, the provider's name and words, without the
    /// caller's own credential that it was sent.
    pub(crate) fn api_error(&self, provider: &str, secret: Option<&Secret>) -> ApiError {
        let secret = secret.map(Secret::reveal);
        let message = if self.unreachable {
            format!("The provider {provider} could not be reached.")
        } else {
            error_body::message(&self.body, secret).unwrap_or_else(|| {
                if self.inside_success {
                    return format!("The provider {provider} answered without a completion.");
                }
                format!(
                    "The provider {provider} answered with status {}.",
                    self.status
                )
            })
        };
        let mut error = ApiError::new(caller_status(self.status), message);
        error.metadata.provider_name = Some(provider.to_owned());
        // Of a provider that was not reached, the words are Envoy's.
        error.metadata.raw = error_body::raw(&self.body, secret).filter(|_| !self.unreachable);
        error
    }
}

/// The status for the caller. A redirect leads nowhere from here, and a key that is refused or out
/// of credit at the provider is not the caller's: both are a provider that does not work.
fn caller_status(status: u16) -> u16 {
    match status {
        401 | 402 => 502,
        400..600 => status,
        _ => 502,
    }
}

/// The HTTP error status in `error.code` or `error.status` of a body.
fn status_of(body: &[u8]) -> Option<u16> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    ["code", "status"]
        .into_iter()
        .filter_map(|name| error.get(name)?.as_u64())
        .filter_map(|code| u16::try_from(code).ok())
        .find(|code| (400..600).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_inside_success_have_a_status() {
        let cases = [
            (r#"{"error": {"code": 429, "message": "x"}}"#, 429),
            (r#"{"error": {"code": "rate_limited", "status": 503}}"#, 503),
            (r#"{"error": {"code": 200}}"#, 502),
            (r#"{"error": "x"}"#, 502),
            ("<html>", 502),
            ("", 502),
        ];
        for (body, status) in cases {
            assert_eq!(
                Failure::inside_success(body.as_bytes()).status,
                status,
                "{body}"
            );
        }
    }

    #[test]
    fn callers_read_what_happened() {
        let failure = Failure {
            status: 429,
            body: br#"{"error": {"message": "Slow down, sk-abcdefgh"}}"#.to_vec(),
            ..Failure::default()
        };
        let error = failure.api_error("alpha", None);
        assert_eq!(
            (error.status, error.message.as_str()),
            (429, "Slow down, [redacted]")
        );
        assert_eq!(error.metadata.provider_name.as_deref(), Some("alpha"));
        assert!(
            error
                .metadata
                .raw
                .unwrap()
                .contains("Slow down, [redacted]")
        );

        let secret = Secret::from("0123abcd");
        let own = Failure {
            status: 401,
            body: br#"{"error": {"message": "0123abcd is no key"}}"#.to_vec(),
            ..Failure::default()
        };
        let error = own.api_error("alpha", Some(&secret));
        assert_eq!(error.message, "[redacted] is no key");
        assert!(!error.metadata.raw.unwrap().contains("0123abcd"));

        let silent = Failure {
            status: 500,
            ..Failure::default()
        };
        let error = silent.api_error("alpha", None);
        assert_eq!(
            error.message,
            "The provider alpha answered with status 500."
        );
        assert_eq!(error.metadata.raw, None);

        let moved = Failure {
            status: 301,
            ..Failure::default()
        };
        let error = moved.api_error("alpha", None);
        assert_eq!(
            (error.status, error.message.as_str()),
            (502, "The provider alpha answered with status 301.")
        );

        let empty = Failure::inside_success(b"<html>").api_error("alpha", None);
        assert_eq!(
            (empty.status, empty.message.as_str()),
            (502, "The provider alpha answered without a completion.")
        );

        let gone = Failure {
            status: 503,
            body: b"upstream connect error".to_vec(),
            unreachable: true,
            ..Failure::default()
        };
        let error = gone.api_error("alpha", None);
        assert_eq!(error.message, "The provider alpha could not be reached.");
        assert_eq!(error.metadata.raw, None, "these words are not alpha's");
    }
}
