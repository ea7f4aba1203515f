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

    /// Whether a status says that the endpoint is ailing: not where the request was at fault, or a
    /// prompt flagged.
    pub(crate) fn blames_endpoint(status: u16) -> bool {
        Self::of_status(status) == Self::TryNext && status != 403
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

/// What a refusal of the request itself leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The caller gets it: every endpoint of the model would say the same.
    Final,
    /// Another model is listed, and any error leads to it (Model Fallbacks page).
    OtherModel,
    /// It depends on what the provider says: an endpoint with a larger context may not mind.
    ByItsWords,
}

impl Refusal {
    /// By status, whether a candidate is left, and whether one of another model is.
    pub(crate) fn of(status: u16, has_next: bool, has_other_model: bool) -> Self {
        match status {
            400..500 if has_other_model => Self::OtherModel,
            400 | 413 | 422 if has_next => Self::ByItsWords,
            _ => Self::Final,
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

    #[test]
    fn refusals() {
        let cases = [
            (400, false, false, Refusal::Final),
            (400, true, false, Refusal::ByItsWords),
            (413, true, false, Refusal::ByItsWords),
            (422, true, false, Refusal::ByItsWords),
            (451, true, false, Refusal::Final),
            (451, true, true, Refusal::OtherModel),
            (400, true, true, Refusal::OtherModel),
            // A redirect is no answer to the request.
            (301, true, true, Refusal::Final),
        ];
        for (status, next, other, expected) in cases {
            assert_eq!(
                Refusal::of(status, next, other),
                expected,
                "{status} {next} {other}"
            );
        }
    }

    #[test]
    fn who_is_to_blame() {
        for status in [401, 402, 404, 408, 429, 500, 503, 529] {
            assert!(Verdict::blames_endpoint(status), "{status}");
        }
        for status in [200, 400, 403, 413, 422] {
            assert!(!Verdict::blames_endpoint(status), "{status}");
        }
    }
}
