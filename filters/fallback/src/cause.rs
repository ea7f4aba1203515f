//! Why an attempt gave no answer, and what that means: the one table of verdicts.

/// What becomes of a request after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The provider answers.
    Answered,
    /// The provider failed where another may not.
    TryNext,
    /// The request is at fault: any other provider would say the same.
    Final,
}

impl Verdict {
    /// The verdict's name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TryNext => "failed",
            Self::Final => "refused",
        }
    }
}

/// Why an attempt gave no answer. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is no address, or nobody listens there.
    Unreachable,
    /// The connection did not come about in time, or another one that Envoy's pool was waiting for.
    ConnectTimeout,
    /// The provider is not who it should be, or speaks no TLS.
    Tls,
    /// The connection was lost before the response's headers.
    Reset,
    /// Nothing came within so long.
    FirstByteTimeout(u64),
    /// Nothing more came for so long.
    IdleTimeout(u64),
    /// The attempt took longer than this.
    TotalTimeout(u64),
    /// All attempts of the request together did.
    RequestTimeout(u64),
    /// The response was cut off before it had answered, or did not fit.
    BrokeOff,
    /// A success in another form than was asked for.
    WrongType,
    /// A success without a completion.
    NoCompletion,
    /// A success that is an error, of the status that it names.
    ErrorInSuccess(u16),
    /// A status that is no success.
    Status(u16),
    /// One that means, by the provider's words, that the request exceeds the endpoint's context.
    TooLong(u16),
    /// Not even what must stay of a compressed prompt fits: nobody was asked.
    Unfit,
}

/// How useful an error is to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// There was no answer: nobody knows what it would have been.
    Silent,
    /// The gateway's account or name of the model is wrong there: not the caller's to mend.
    Ours,
    /// The provider would not have this request.
    Refusal,
    /// The provider would have it at another time.
    Transient,
}

/// What a cause means.
struct Meaning {
    /// In one word, for programs.
    reason: &'static str,
    verdict: Verdict,
    /// Whether the endpoint is ailing, as its health record has it.
    blames: bool,
    usefulness: Use,
}

const fn next(reason: &'static str, blames: bool, usefulness: Use) -> Meaning {
    Meaning {
        reason,
        verdict: Verdict::TryNext,
        blames,
        usefulness,
    }
}

impl Cause {
    /// The table.
    fn meaning(self) -> Meaning {
        match self {
            Self::Unreachable => next("unreachable", true, Use::Silent),
            Self::ConnectTimeout => next("connect_timeout", true, Use::Silent),
            Self::Tls => next("tls", true, Use::Silent),
            Self::Reset => next("reset", true, Use::Silent),
            Self::FirstByteTimeout(_) => next("first_byte_timeout", true, Use::Silent),
            Self::IdleTimeout(_) => next("idle_timeout", true, Use::Silent),
            Self::TotalTimeout(_) => next("total_timeout", true, Use::Silent),
            Self::BrokeOff => next("broke_off", true, Use::Silent),
            Self::WrongType => next("wrong_type", true, Use::Silent),
            Self::NoCompletion => next("no_completion", true, Use::Silent),
            Self::TooLong(_) | Self::Unfit => next("too_long", false, Use::Refusal),
            Self::ErrorInSuccess(status) => {
                let of_status = Self::Status(status).meaning();
                Meaning {
                    reason: "error_event",
                    verdict: Verdict::TryNext,
                    ..of_status
                }
            }
            // Nobody else is asked: there is no time left.
            Self::RequestTimeout(_) => Meaning {
                reason: "request_timeout",
                verdict: Verdict::Final,
                blames: false,
                usefulness: Use::Refusal,
            },
            Self::Status(status) => match status {
                // Our account there is closed or empty.
                401 | 402 => next("credential", true, Use::Ours),
                // The prompt was flagged there.
                403 => next("flagged", false, Use::Refusal),
                // Our name of the model is wrong there.
                404 => next("not_found", true, Use::Ours),
                429 => next("rate_limited", true, Use::Transient),
                503 | 529 => next("overloaded", true, Use::Transient),
                408 | 409 | 425 | 500.. => next("server_error", true, Use::Transient),
                // Redirects, too: they lead nowhere from here.
                _ => Meaning {
                    reason: "refused",
                    verdict: Verdict::Final,
                    blames: false,
                    usefulness: Use::Refusal,
                },
            },
        }
    }

    /// The verdict. `other_model`: a candidate of another model is left, to which any error of the
    /// provider's leads (Model Fallbacks page).
    pub(crate) fn verdict(self, other_model: bool) -> Verdict {
        match self {
            Self::Status(400..500) if other_model => Verdict::TryNext,
            _ => self.meaning().verdict,
        }
    }

    /// What was wrong, in one word.
    pub(crate) fn reason(self) -> &'static str {
        self.meaning().reason
    }

    /// Whether the endpoint is ailing: not where the request was at fault, or a prompt flagged.
    pub(crate) fn blames_endpoint(self) -> bool {
        self.meaning().blames
    }

    /// How useful its error is to a caller.
    pub(crate) fn usefulness(self) -> Use {
        self.meaning().usefulness
    }

    /// The status that the provider gave.
    pub(crate) fn provider_status(self) -> Option<u16> {
        match self {
            Self::Status(status) | Self::TooLong(status) => Some(status),
            Self::WrongType | Self::NoCompletion | Self::ErrorInSuccess(_) => Some(200),
            _ => None,
        }
    }

    /// The status for the caller. A redirect leads nowhere from here, and a key that is refused or out of
    /// credit at the provider is not the caller's: both are a provider that does not work.
    pub(crate) fn caller_status(self) -> u16 {
        match self {
            Self::Unreachable | Self::ConnectTimeout | Self::Tls | Self::Reset => 503,
            Self::FirstByteTimeout(_)
            | Self::IdleTimeout(_)
            | Self::TotalTimeout(_)
            | Self::RequestTimeout(_) => 408,
            Self::Unfit => 400,
            Self::BrokeOff | Self::WrongType | Self::NoCompletion => 502,
            Self::ErrorInSuccess(status) | Self::Status(status) | Self::TooLong(status) => {
                match status {
                    401 | 402 => 502,
                    400..600 => status,
                    _ => 502,
                }
            }
        }
    }

    /// Of a connection that was lost, or never was, by what Envoy says of its transport.
    pub(crate) fn of_connection(was_connected: bool, reason: &[u8]) -> Self {
        if memmem(reason, b"TLS_error") {
            Self::Tls
        } else if was_connected {
            Self::Reset
        } else if reason.is_empty() {
            Self::ConnectTimeout
        } else {
            Self::Unreachable
        }
    }

    /// Of a status that is no success, by Envoy's account of where it comes from.
    pub(crate) fn of_status(status: u16, code_details: &[u8]) -> Self {
        if code_details.is_empty() || code_details == b"via_upstream" {
            return Self::Status(status);
        }
        let says = |words: &str| memmem(code_details, words.as_bytes());
        if says("TLS_error") {
            Self::Tls
        } else if says("connection_timeout") {
            Self::ConnectTimeout
        } else if code_details.starts_with(b"upstream_reset") && !says("connection_failure") {
            Self::Reset
        } else {
            Self::Unreachable
        }
    }
}

fn memmem(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let cases = [
            (401, "credential", Verdict::TryNext, true),
            (402, "credential", Verdict::TryNext, true),
            (403, "flagged", Verdict::TryNext, false),
            (404, "not_found", Verdict::TryNext, true),
            (408, "server_error", Verdict::TryNext, true),
            (409, "server_error", Verdict::TryNext, true),
            (425, "server_error", Verdict::TryNext, true),
            (429, "rate_limited", Verdict::TryNext, true),
            (500, "server_error", Verdict::TryNext, true),
            (503, "overloaded", Verdict::TryNext, true),
            (522, "server_error", Verdict::TryNext, true),
            (529, "overloaded", Verdict::TryNext, true),
            (0, "refused", Verdict::Final, false),
            (301, "refused", Verdict::Final, false),
            (400, "refused", Verdict::Final, false),
            (413, "refused", Verdict::Final, false),
            (451, "refused", Verdict::Final, false),
        ];
        for (status, reason, verdict, blames) in cases {
            let cause = Cause::Status(status);
            let found = (
                cause.reason(),
                cause.verdict(false),
                cause.blames_endpoint(),
            );
            assert_eq!(found, (reason, verdict, blames), "{status}");
        }
    }

    #[test]
    fn any_error_leads_to_another_model() {
        for status in [400, 413, 422, 451] {
            assert_eq!(Cause::Status(status).verdict(true), Verdict::TryNext);
            assert_eq!(Cause::TooLong(status).verdict(false), Verdict::TryNext);
        }
        // A redirect is no answer to the request, and time that is over is over.
        for cause in [Cause::Status(301), Cause::RequestTimeout(1)] {
            assert_eq!(cause.verdict(true), Verdict::Final);
        }
        assert_eq!(Cause::ErrorInSuccess(400).verdict(false), Verdict::TryNext);
    }

    #[test]
    fn the_most_useful_error_is_one_that_will_pass() {
        let causes = [
            Cause::NoCompletion,
            Cause::Status(401),
            Cause::Status(403),
            Cause::Status(429),
        ];
        assert!(causes.is_sorted_by(|a, b| a.usefulness() < b.usefulness()));
        assert_eq!(
            Cause::ErrorInSuccess(502).usefulness(),
            Cause::Status(502).usefulness()
        );
    }

    #[test]
    fn envoys_account() {
        let reset = |reason: &str| format!("upstream_reset_before_response_started{{{reason}}}");
        let cases = [
            ("via_upstream".to_owned(), Cause::Status(503)),
            (String::new(), Cause::Status(503)),
            (reset("connection_timeout"), Cause::ConnectTimeout),
            (reset("connection_termination"), Cause::Reset),
            (reset("protocol_error"), Cause::Reset),
            (
                reset("remote_connection_failure|delayed_connect_error:_Connection_refused"),
                Cause::Unreachable,
            ),
            (
                reset("remote_connection_failure|TLS_error:|268435703:SSL_routines"),
                Cause::Tls,
            ),
            ("no_healthy_upstream".to_owned(), Cause::Unreachable),
            ("cluster_not_found".to_owned(), Cause::Unreachable),
        ];
        for (details, cause) in cases {
            assert_eq!(
                Cause::of_status(503, details.as_bytes()),
                cause,
                "{details}"
            );
        }
    }
}
