//! The plan of a request, and which candidate of it served: as header text between the chains.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most candidates of a plan: bounds the attempts of a request and the header's length.
pub const MAX_CANDIDATES: usize = 16;

/// One model at one endpoint, written `model@endpoint`, or `model@endpoint#0` where it is asked with
/// the first of the caller's own credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The router's model id, such as `openai/gpt-4o-mini`.
    pub model: String,
    /// The endpoint's tag: the provider's slug, and its variant if it has one: `deepinfra/turbo`.
    pub endpoint: String,
    /// Which of the caller's own credentials it is asked with, by its place among those of the key;
    /// `None` for the gateway's.
    pub own: Option<usize>,
}

impl Candidate {
    /// The provider's slug.
    #[must_use]
    pub fn provider(&self) -> &str {
        let end = self.endpoint.bytes().position(|byte| byte == b'/');
        end.and_then(|end| self.endpoint.get(..end))
            .unwrap_or(&self.endpoint)
    }

    /// Reads `model@endpoint` or `model@endpoint#own`; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Named::parse(text).map(Named::to_candidate)
    }

    /// Appends it as it is written.
    pub fn write(&self, text: &mut String) {
        text.push_str(&self.model);
        text.push('@');
        text.push_str(&self.endpoint);
        if let Some(own) = self.own {
            text.push('#');
            text.push_str(&own.to_string());
        }
    }
}

/// A candidate as a plan's text names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'t> {
    /// See [`Candidate::model`].
    pub model: &'t str,
    /// See [`Candidate::endpoint`].
    pub endpoint: &'t str,
    /// See [`Candidate::own`].
    pub own: Option<usize>,
}

impl<'t> Named<'t> {
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        let at = text.bytes().rposition(|byte| byte == b'@')?;
        let (model, endpoint) = (text.get(..at)?, text.get(at.checked_add(1)?..)?);
        let (endpoint, own) = match endpoint.bytes().position(|byte| byte == b'#') {
            Some(hash) => {
                let own = endpoint.get(hash.checked_add(1)?..)?;
                (endpoint.get(..hash)?, Some(own.parse().ok()?))
            }
            None => (endpoint, None),
        };
        let is_one = !model.is_empty() && !endpoint.is_empty();
        is_one.then_some(Self {
            model,
            endpoint,
            own,
        })
    }

    /// The same, for longer than the plan.
    #[must_use]
    pub fn to_candidate(self) -> Candidate {
        Candidate {
            model: self.model.to_owned(),
            endpoint: self.endpoint.to_owned(),
            own: self.own,
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// The candidates in the order in which they are tried: `a/m@p1#0,a/m@p1,a/m@p2`.
///
/// Ids hold neither `,` nor `@` nor `#` (the gateway document is refused otherwise), so the text is
/// unambiguous, and readable in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan(Vec<Candidate>);

impl Plan {
    /// The header's text for a plan of these models, endpoints and own credentials, as
    /// [`parse`](Self::parse) reads it. At most [`MAX_CANDIDATES`] are taken.
    pub fn text<'a>(
        candidates: impl IntoIterator<Item = (&'a str, &'a str, Option<usize>)>,
    ) -> String {
        let mut text = String::with_capacity(256);
        for (model, endpoint, own) in candidates.into_iter().take(MAX_CANDIDATES) {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(model);
            text.push('@');
            text.push_str(endpoint);
            if let Some(own) = own {
                text.push('#');
                text.push_str(&own.to_string());
            }
        }
        text
    }

    /// Reads the plan header; `None` where it is not one.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let named = Self::named(text)?.into_iter();
        Some(Self(named.map(Named::to_candidate).collect()))
    }

    /// The candidates that the plan header names, in order; `None` where it is not one.
    #[must_use]
    pub fn named(text: &[u8]) -> Option<Vec<Named<'_>>> {
        let mut named = Vec::with_capacity(MAX_CANDIDATES);
        for candidate in text.split(|byte| *byte == b',') {
            named.push(Named::parse(std::str::from_utf8(candidate).ok()?)?);
        }
        Some(named)
    }

    /// The candidate of the `attempt`-th try, counted from 1.
    #[must_use]
    pub fn candidate(&self, attempt: usize) -> Option<&Candidate> {
        self.0.get(attempt.checked_sub(1)?)
    }

    /// All candidates, in order.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.0.iter()
    }

    /// How many candidates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nobody to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(model: &str, endpoint: &str) -> Candidate {
        Candidate {
            model: model.to_owned(),
            endpoint: endpoint.to_owned(),
            own: None,
        }
    }

    #[test]
    fn plans_round_trip() {
        let text = Plan::text([("a/b:free", "p", None), ("c/d", "q/turbo", None)]);
        assert_eq!(text, "a/b:free@p,c/d@q/turbo");
        let plan = Plan::parse(text.as_bytes()).unwrap();
        assert_eq!(plan.candidate(1), Some(&candidate("a/b:free", "p")));
        assert_eq!(plan.candidate(2), Some(&candidate("c/d", "q/turbo")));
        assert_eq!((plan.candidate(0), plan.candidate(3)), (None, None));
        let providers = [1, 2].map(|n| plan.candidate(n).unwrap().provider());
        assert_eq!(providers, ["p", "q"]);
    }

    #[test]
    fn own_credentials_round_trip() {
        let text = Plan::text([("a/b", "q/turbo", Some(12)), ("a/b", "q/turbo", None)]);
        assert_eq!(text, "a/b@q/turbo#12,a/b@q/turbo");
        let plan = Plan::parse(text.as_bytes()).unwrap();
        let own: Vec<_> = plan.candidates().map(|candidate| candidate.own).collect();
        assert_eq!(own, [Some(12), None]);
        let first = plan.candidate(1).unwrap();
        assert_eq!(
            (first.endpoint.as_str(), first.provider()),
            ("q/turbo", "q")
        );
        assert_eq!(Candidate::parse(&first.to_string()).as_ref(), Some(first));
    }

    #[test]
    fn nonsense_is_no_plan() {
        for text in [
            &b""[..],
            b"a",
            b"a@",
            b"@b",
            b"a@b,",
            b"\xff@b",
            b"a@b#",
            b"a@b#x",
            b"a@b#-1",
            b"a@#1",
        ] {
            assert_eq!(Plan::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn plans_are_bounded() {
        let text = Plan::text([("a", "b", None); 40]);
        assert_eq!(Plan::parse(text.as_bytes()).unwrap().len(), MAX_CANDIDATES);
    }
}
