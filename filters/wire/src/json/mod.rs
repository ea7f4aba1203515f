//! JSON by span: a strict scanner that allocates nothing, and patches that copy what they keep.

mod patch;
mod scan;
mod value;

pub use patch::Patch;
pub use scan::{Cursor, JsonError, MAX_DEPTH, Member, Scanner};
pub use value::{Kind, Value};

/// `text` as a JSON string literal, quotes included.
#[must_use]
pub fn literal(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// Appends `text` as a JSON string literal.
pub fn push_literal(out: &mut Vec<u8>, text: &str) {
    // Neither serialising nor writing can fail.
    let _ = serde_json::to_writer(out, text);
}
