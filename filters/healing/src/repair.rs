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
pub(crate) mod lookahead;
mod members;
mod parser;
mod scalar;
mod string;
#[cfg(test)]
pub(crate) mod tests;

pub use kinds::{Kind, Kinds};
pub(crate) use parser::{Frame, MAX_DEPTH};
pub(crate) use scalar::{Scalar, classify};
pub(crate) use string::{Style, hex, push_escaped};

use candidates::Candidates;
use serde::de::IgnoredAny;

use crate::schema::{Fit, Schema, Words};

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
    checked(heal(text))
}

/// Repairs a text that should have been one JSON value of this shape.
///
/// What is valid already and fits passes as it is; what cannot be made to fit is hopeless, valid or
/// not. Without a verdict on the shape, because that would take too long, it is left out of account.
///
/// ```
/// use healing::repair::{Repair, repair_to};
/// use healing::schema::Schema;
///
/// let schema = r#"{"type": "object", "properties": {"age": {"type": "integer"}}}"#;
/// let schema = Schema::parse(schema, false).unwrap();
/// assert!(matches!(repair_to(r#"{age: "40"}"#, &schema), Repair::Repaired { json, .. } if json == r#"{"age": 40}"#));
/// assert_eq!(repair_to(r#"{"age": "forty"}"#, &schema), Repair::Hopeless);
/// ```
#[must_use]
pub fn repair_to(text: &str, schema: &Schema) -> Repair {
    if !is_json(text) {
        return checked(heal_to(text, schema));
    }
    match schema.fit(text, &Words::default()) {
        Fit::Exact | Fit::Unknown => Repair::Valid,
        Fit::Changed(json, kinds) => checked(Some((json, kinds))),
        Fit::Not => Repair::Hopeless,
    }
}

fn checked(healed: Option<(String, Kinds)>) -> Repair {
    match healed {
        Some((json, kinds)) if is_json(&json) => Repair::Repaired { json, kinds },
        _ => Repair::Hopeless,
    }
}

/// Whether the text is one JSON value and nothing else.
///
/// This follows the grammar of RFC 8259 alone: it does not ask whether a number fits a machine type
/// or whether surrogate escapes pair up, because changing a text that a client's parser may accept
/// is not a repair.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The best repair of a text that is not JSON, not yet checked.
fn heal(text: &str) -> Option<(String, Kinds)> {
    let (body, mut kinds) = body(text);
    if is_json(body) {
        return Some((body.to_owned(), kinds));
    }
    kinds.remove(Kind::Whitespace);
    let Some(best) = Candidates::new(body).max_by_key(candidates::Candidate::rank) else {
        return heal(&unescaped(body)?).map(with_bad_escape);
    };
    kinds.extend(best.kinds());
    Some((best.json, kinds))
}

/// A text whose quotes are all escaped, as if it stood in a string, taken out of it.
fn unescaped(body: &str) -> Option<String> {
    let inside = body.strip_prefix(['{', '['])?;
    let escaped = |start: &&str| inside.trim_start().starts_with(*start);
    ["\\\"", "\\n", "{\\"].iter().find(|start| escaped(start))?;
    serde_json::from_str(&format!("\"{body}\"")).ok()
}

fn with_bad_escape((json, mut kinds): (String, Kinds)) -> (String, Kinds) {
    kinds.insert(Kind::BadEscape);
    kinds.remove(Kind::Whitespace);
    (json, kinds)
}

/// The most candidates that are held against a schema.
const MAX_CANDIDATES: usize = 32;

/// The best repair that fits a schema, not yet checked.
fn heal_to(text: &str, schema: &Schema) -> Option<(String, Kinds)> {
    let (body, mut kinds) = body(text);
    if is_json(body) {
        let (json, more) = fitting(body, &Words::default(), schema)?;
        kinds.extend(more);
        return Some((json, kinds));
    }
    kinds.remove(Kind::Whitespace);
    let candidates: Vec<_> = Candidates::new(body).take(MAX_CANDIDATES).collect();
    let fits = candidates.iter().filter_map(|candidate| {
        let (json, more) = fitting(&candidate.json, &candidate.words, schema)?;
        let mut kinds = candidate.kinds();
        kinds.extend(more);
        Some(((more.is_empty(), candidate.rank()), json, kinds))
    });
    let best = fits.max_by_key(|(rank, ..)| *rank);
    let joined = || joined(&candidates, schema);
    if candidates.is_empty() {
        return heal_to(&unescaped(body)?, schema).map(with_bad_escape);
    }
    let list = (schema.roots() == (false, true)).then(joined).flatten();
    let (json, more) = list.or_else(|| best.map(|(_, json, kinds)| (json, kinds)))?;
    kinds.extend(more);
    Some((json, kinds))
}

/// A JSON text as the schema wants it, and what that took.
fn fitting(json: &str, words: &Words<'_>, schema: &Schema) -> Option<(String, Kinds)> {
    match schema.fit(json, words) {
        Fit::Exact | Fit::Unknown => Some((json.to_owned(), Kinds::default())),
        Fit::Changed(json, kinds) => Some((json, kinds)),
        Fit::Not => None,
    }
}

/// Several objects in a row, as lines of JSON have them, where an array is wanted.
fn joined(candidates: &[candidates::Candidate<'_>], schema: &Schema) -> Option<(String, Kinds)> {
    let follow = |pair: &[candidates::Candidate<'_>]| match pair {
        [one, next] => one.is_followed_by(next),
        _ => true,
    };
    if candidates.len() < 2
        || candidates.len() == MAX_CANDIDATES
        || !candidates.windows(2).all(follow)
    {
        return None;
    }
    let mut kinds = Kinds::default();
    let mut json = String::from("[");
    for candidate in candidates {
        if !candidate.json.starts_with('{') {
            return None;
        }
        if json.len() > 1 {
            json.push_str(", ");
        }
        json.push_str(&candidate.json);
        kinds.extend(candidate.own_kinds());
    }
    json.push(']');
    kinds.insert(Kind::Concatenated);
    let (json, more) = fitting(&json, &Words::default(), schema)?;
    kinds.extend(more);
    Some((json, kinds))
}

/// A text without what shows nothing around it, and what that took, if it was JSON.
fn body(text: &str) -> (&str, Kinds) {
    let mut kinds = Kinds::default();
    kinds.insert(match text.starts_with(BYTE_ORDER_MARK) {
        true => Kind::ByteOrderMark,
        false => Kind::Whitespace,
    });
    (text.trim_matches(is_blank), kinds)
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Characters that show nothing, whether or not JSON counts them as whitespace.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, BYTE_ORDER_MARK | '\u{200b}'..='\u{200d}' | '\u{2060}')
}
