//! Turning the almost-JSON that a model wrote into the JSON it meant.
//!
//! [`repair`] is pure: text in, verdict out. It reads a text at most a fixed number of times, keeps
//! no more than a few copies of it, and never recurses, so a hostile megabyte costs what an honest
//! one does. What it returns is checked with a strict parser before it leaves, so a mistake here
//! can cost a repair but can never break a response.
//!
//! The work is split in three: `candidates` finds where in a text JSON may be, `parser` reads one
//! candidate leniently and writes it strictly, and `Candidate::rank` says which candidate is meant.

mod candidates;
mod closing;
mod kinds;
mod lookahead;
mod members;
mod parser;
mod scalar;
mod string;
#[cfg(test)]
mod tests;

pub use kinds::{Kind, Kinds};

use candidates::Candidates;
use serde::de::IgnoredAny;

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// The text is one valid JSON value already and should be passed on byte for byte.
    Valid,
    /// The text was not JSON, and this is what it most likely was meant to be.
    Repaired {
        /// One valid JSON value: an object or an array, unless only invisible characters around a
        /// scalar were removed.
        json: String,
        /// What had to be done; never empty.
        kinds: Kinds,
    },
    /// Nothing in the text could be JSON; the original should be passed on.
    Hopeless,
}

/// Repairs a text that should have been one JSON value.
///
/// ```
/// use healing::repair::{Kind, Repair, repair};
///
/// let Repair::Repaired { json, kinds } = repair(r#"Sure! {name: "Eve", "tags": ["a", "b",]"#) else
/// {
///     panic!("this can be repaired");
/// };
/// assert_eq!(json, r#"{"name": "Eve", "tags": ["a", "b"]}"#);
/// assert!(kinds.contains(Kind::UnquotedKey));
/// ```
#[must_use]
pub fn repair(text: &str) -> Repair {
    if is_json(text) {
        return Repair::Valid;
    }
    match heal(text) {
        Some((json, kinds)) if is_json(&json) => Repair::Repaired { json, kinds },
        _ => Repair::Hopeless,
    }
}

/// Whether the text is one JSON value and nothing else.
///
/// This follows the grammar of RFC 8259 alone: it does not ask whether a number fits a machine type
/// or whether surrogate escapes pair up, because changing a text that a client's parser may accept
/// is not a repair.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The best repair of a text that is not JSON, not yet checked.
fn heal(text: &str) -> Option<(String, Kinds)> {
    let body = text.trim_matches(is_blank);
    let mut kinds = Kinds::default();
    if text.starts_with(BYTE_ORDER_MARK) {
        kinds.insert(Kind::ByteOrderMark);
    }
    if is_json(body) {
        if kinds.is_empty() {
            kinds.insert(Kind::Whitespace);
        }
        return Some((body.to_owned(), kinds));
    }
    let best = Candidates::new(body).max_by_key(candidates::Candidate::rank)?;
    kinds.extend(best.kinds());
    Some((best.json, kinds))
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Characters that show nothing, whether or not JSON counts them as whitespace.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, BYTE_ORDER_MARK | '\u{200b}'..='\u{200d}' | '\u{2060}')
}
