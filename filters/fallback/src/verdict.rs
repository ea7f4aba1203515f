//! What an attempt's outcome means: answered, worth another candidate, or final.

/// The verdict on one attempt.
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
    /// By status alone. Providers that cannot be reached come as Envoy's own 503.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Answered,
            // Our key or our name of the model is wrong there, the prompt was flagged there: another
            // provider may not mind.
            401..=404 => Self::TryNext,
            // Too slow, too busy, broken, unreachable, overloaded (52x, 529).
            408 | 409 | 425 | 429 | 500.. => Self::TryNext,
            _ => Self::Final,
        }
    }

    /// Whether the endpoint is ailing by this: not where the request was at fault, or a prompt flagged.
    pub(crate) fn blames_endpoint(self, status: u16) -> bool {
        self == Self::TryNext && status != 403
    }

    /// The verdict's name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TryNext => "failed",
            Self::Final => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for status in [200, 201] {
            assert_eq!(Verdict::of_status(status), Verdict::Answered);
        }
        for status in [
            401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 529,
        ] {
            assert_eq!(Verdict::of_status(status), Verdict::TryNext, "{status}");
        }
        for status in [0, 100, 301, 400, 413, 422] {
            assert_eq!(Verdict::of_status(status), Verdict::Final, "{status}");
        }
    }
}
