//! Who answered a request, and what was tried before: as header text between the chains.

use serde::Serialize;

use crate::api_error::Tried;
use crate::plan::{Candidate, Named};

/// What the header says where the prompt lost its middle.
const COMPRESSED: &str = "compressed";

/// The most failed attempts that are told: as many as a plan has candidates.
const MAX_TRIED: usize = crate::plan::MAX_CANDIDATES;

/// Who answered and at which attempt, written `2;openai/gpt-4o-mini@beta`, with `#0` behind it where
/// that was on the caller's own account; then, each behind a comma, `compressed` where the prompt was, and every attempt
/// that failed: its status or `-`, what was wrong, the milliseconds that it took, and whom it asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Attempts made, the last one included; at least 1.
    pub attempts: usize,
    /// The candidate of the last attempt.
    pub candidate: Candidate,
    /// Whether `middle-out` compressed its prompt.
    pub compressed: bool,
    /// The attempts that failed, in order.
    pub tried: Vec<Failed>,
}

/// An attempt that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// `model@endpoint`, with `#own` behind it where that was on the caller's own account.
    pub candidate: String,
    /// The provider's status; `None` where it gave none.
    pub status: Option<u16>,
    /// What was wrong, in one word.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl Outcome {
    /// An answer of this candidate after so many attempts, of which nothing more is known.
    #[must_use]
    pub fn new(attempts: usize, candidate: Candidate) -> Self {
        Self {
            attempts,
            candidate,
            compressed: false,
            tried: Vec::new(),
        }
    }

    /// With what was tried.
    #[must_use]
    pub fn after(mut self, tried: &[Tried]) -> Self {
        let failed = |tried: &Tried| Failed {
            candidate: match tried.own {
                true => format!("{}@{}#own", tried.model, tried.endpoint),
                false => format!("{}@{}", tried.model, tried.endpoint),
            },
            status: tried.status,
            reason: tried.reason.to_owned(),
            ms: tried.ms,
        };
        self.tried = tried.iter().take(MAX_TRIED).map(failed).collect();
        self
    }

    /// The text of one of which no attempt failed.
    #[must_use]
    pub fn plain(attempts: usize, candidate: &Candidate, compressed: bool) -> String {
        let mut text = String::with_capacity(64);
        text.push_str(&attempts.to_string());
        text.push(';');
        candidate.write(&mut text);
        if compressed {
            text.push(',');
            text.push_str(COMPRESSED);
        }
        text
    }

    /// Reads the outcome header; `None` where it is not one.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (attempts, rest) = cut(std::str::from_utf8(text).ok()?, b';')?;
        let (candidate, parts) = cut(rest, b',').unwrap_or((rest, ""));
        let mut outcome = Self::new(attempts.parse().ok()?, Candidate::parse(candidate)?);
        if parts.is_empty() {
            return Some(outcome);
        }
        for part in parts.split(',').take(MAX_TRIED.saturating_add(1)) {
            match part {
                COMPRESSED => outcome.compressed = true,
                _ => outcome.tried.extend(Failed::parse(part)),
            }
        }
        Some(outcome)
    }

    /// How many attempts an outcome header tells of, as it says so; `None` where it is not one.
    #[must_use]
    pub fn attempts_of(text: &[u8]) -> Option<&str> {
        let (attempts, rest) = std::str::from_utf8(text).ok()?.split_once(';')?;
        let is_number = attempts.parse::<usize>().is_ok();
        Named::parse(rest.split(',').next()?).filter(|_| is_number)?;
        Some(attempts)
    }

    /// The header's text, as [`parse`](Self::parse) reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Self::plain(self.attempts, &self.candidate, self.compressed);
        for failed in &self.tried {
            text.push(',');
            failed.write(&mut text);
        }
        text
    }
}

/// What is before the first of these bytes and behind it: in so short a text a search by the standard library's means takes
/// longer.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..end)?, text.get(end.checked_add(1)?..)?))
}

impl Failed {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(4, ' ');
        Some(Self {
            status: words.next()?.parse().ok(),
            reason: words.next()?.to_owned(),
            ms: words.next()?.parse().ok()?,
            candidate: words.next()?.to_owned(),
        })
    }

    fn write(&self, text: &mut String) {
        let status = self.status.map(|status| status.to_string());
        let ms = self.ms.to_string();
        let words = [status.as_deref().unwrap_or("-"), &self.reason, &ms];
        for word in words {
            text.push_str(word);
            text.push(' ');
        }
        text.push_str(&self.candidate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_round_trip() {
        let candidate = Candidate::parse("a/b@p#1").unwrap();
        let plain = Outcome::new(2, candidate);
        assert_eq!(plain.text(), "2;a/b@p#1");
        let tried = |endpoint: &str, status| Tried {
            model: "a/b".to_owned(),
            endpoint: endpoint.to_owned(),
            own: false,
            status,
            reason: "reset",
            ms: 12,
        };
        let told = Outcome {
            compressed: true,
            ..plain.clone()
        }
        .after(&[tried("q", Some(503)), tried("r/turbo", None)]);
        let text = "2;a/b@p#1,compressed,503 reset 12 a/b@q,- reset 12 a/b@r/turbo";
        assert_eq!(told.text(), text);
        for outcome in [plain, told] {
            let text = outcome.text();
            assert_eq!(Outcome::attempts_of(text.as_bytes()), Some("2"));
            assert_eq!(Outcome::parse(text.as_bytes()), Some(outcome));
        }
        for none in [&b"x;a@b"[..], b"1", b"1;a", b"1;@b,500 r 7 c@d"] {
            assert_eq!(Outcome::parse(none), None);
            assert_eq!(Outcome::attempts_of(none), None);
        }
        let odd = Outcome::parse(b"1;a@b,,x,1 2 3,500 r 7 c@d").unwrap();
        assert_eq!(odd.tried.len(), 1);
    }
}
