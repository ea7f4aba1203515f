//! What a failure becomes for the caller.

use meshrouter_core::ApiError;
use meshrouter_core::document::Secret;
use meshrouter_wire::error_body;

use crate::cause::Cause;

/// The most of a failure's words that is read, in bytes.
pub(crate) const MAX_WORDS: usize = 64 << 10;

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Why it failed.
    pub cause: Cause,
    /// The provider's own words: its body, or the error inside an event. Empty where there are none.
    pub words: Vec<u8>,
    /// Milliseconds for which the provider wants no request.
    pub retry_after: Option<u64>,
}

impl From<Cause> for Failure {
    /// A failure about which nobody said anything.
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            words: Vec::new(),
            retry_after: None,
        }
    }
}

impl Failure {
    /// A success whose body, or first event, is no completion: an error, or anything else.
    pub(crate) fn inside_success(body: &[u8], is_error: bool) -> Self {
        let cause = match is_error {
            true => Cause::ErrorInSuccess(status_of(body).unwrap_or(502)),
            false => Cause::NoCompletion,
        };
        Self {
            words: body.to_vec(),
            ..Self::from(cause)
        }
    }

    /// The same, now that the provider's words are here.
    pub(crate) fn with_words(mut self, words: Vec<u8>) -> Self {
        if let Cause::Status(status @ (400 | 413 | 422)) = self.cause
            && error_body::is_too_long(&words)
        {
            self.cause = Cause::TooLong(status);
        }
        self.words = words;
        self
    }

    /// The error for the caller, as documented: the status, the provider's name and words. `secret`
    /// is what these words must not repeat.
    pub(crate) fn api_error(&self, provider: &str, secret: Option<&Secret>) -> ApiError {
        let secret = secret.map(Secret::reveal);
        let message = self.message(provider, secret);
        let mut error = ApiError::new(self.cause.caller_status(), message);
        error.metadata.provider_name = Some(provider.to_owned());
        // Without a response of the provider's, the words are Envoy's.
        let answered = self.cause.provider_status().is_some();
        error.metadata.raw = error_body::raw(&self.words, secret).filter(|_| answered);
        error
    }

    fn message(&self, name: &str, secret: Option<&str>) -> String {
        let words = || error_body::message(&self.words, secret);
        match self.cause {
            Cause::Unreachable => format!("The provider {name} could not be reached."),
            Cause::ConnectTimeout => format!("The provider {name} could not be reached in time."),
            Cause::Tls => {
                format!("The provider {name} could not be reached: TLS with it failed.")
            }
            Cause::Reset => format!(
                "The provider {name} could not be reached: it closed the connection before it answered."
            ),
            Cause::FirstByteTimeout(ms) => {
                format!("The provider {name} did not begin to answer within {ms} ms.")
            }
            Cause::IdleTimeout(ms) => {
                format!("The provider {name} fell silent for {ms} ms within its answer.")
            }
            Cause::TotalTimeout(ms) => {
                format!("The provider {name} did not finish its answer within {ms} ms.")
            }
            Cause::RequestTimeout(ms) => {
                format!("The request took longer than the {ms} ms that the gateway allows.")
            }
            Cause::BrokeOff => format!("The provider {name} broke off before it had answered."),
            Cause::WrongType => {
                format!("The provider {name} answered in another form than was asked for.")
            }
            Cause::Unfit => words().unwrap_or_else(|| {
                format!("The prompt does not fit the context of the model at {name}.")
            }),
            Cause::NoCompletion | Cause::ErrorInSuccess(_) => words()
                .unwrap_or_else(|| format!("The provider {name} answered without a completion.")),
            Cause::Status(status) | Cause::TooLong(status) => words()
                .unwrap_or_else(|| format!("The provider {name} answered with status {status}.")),
        }
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
        ];
        for (body, status) in cases {
            let failure = Failure::inside_success(body.as_bytes(), true);
            assert_eq!(failure.cause, Cause::ErrorInSuccess(status), "{body}");
        }
        let failure = Failure::inside_success(b"<html>", false);
        assert_eq!(failure.cause, Cause::NoCompletion);
    }

    #[test]
    fn words_tell_what_is_too_long() {
        let long: &[u8] = b"{\"error\": {\"code\": \"context_length_exceeded\"}}";
        for (status, cause) in [
            (400, Cause::TooLong(400)),
            (413, Cause::TooLong(413)),
            (500, Cause::Status(500)),
        ] {
            let failure = Failure::from(Cause::Status(status)).with_words(long.to_vec());
            assert_eq!(failure.cause, cause);
        }
        let other = Failure::from(Cause::Status(400)).with_words(b"{}".to_vec());
        assert_eq!(other.cause, Cause::Status(400));
    }

    fn error(cause: Cause, words: &[u8]) -> ApiError {
        Failure::from(cause)
            .with_words(words.to_vec())
            .api_error("alpha", None)
    }

    #[test]
    fn callers_read_what_happened() {
        let words = br#"{"error": {"message": "Slow down, sk-abcdefgh"}}"#;
        let found = error(Cause::Status(429), words);
        assert_eq!(
            (found.status, found.message.as_str()),
            (429, "Slow down, [redacted]")
        );
        assert_eq!(found.metadata.provider_name.as_deref(), Some("alpha"));
        let raw = found.metadata.raw.unwrap();
        assert!(raw.contains("Slow down, [redacted]"), "{raw}");

        let secret = Secret::from("0123abcd");
        let words = br#"{"error": {"message": "0123abcd is no key"}}"#;
        let own = Failure::from(Cause::Status(401)).with_words(words.to_vec());
        let found = own.api_error("alpha", Some(&secret));
        assert_eq!(found.message, "[redacted] is no key");
        assert!(!found.metadata.raw.unwrap().contains("0123abcd"));

        let found = error(Cause::Unreachable, b"upstream connect error");
        assert_eq!(found.metadata.raw, None, "these words are not alpha's");
        let cases = [
            (Cause::Status(500), 500, "answered with status 500."),
            (Cause::Status(301), 502, "answered with status 301."),
            (Cause::NoCompletion, 502, "answered without a completion."),
            (Cause::Unreachable, 503, "could not be reached."),
            (
                Cause::FirstByteTimeout(20),
                408,
                "did not begin to answer within 20 ms.",
            ),
            (Cause::BrokeOff, 502, "broke off before it had answered."),
        ];
        for (cause, status, message) in cases {
            let found = error(cause, b"");
            assert_eq!(found.status, status, "{cause:?}");
            assert_eq!(found.message, format!("The provider alpha {message}"));
        }
    }
}
