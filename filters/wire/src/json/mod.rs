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
    let is_escaped = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
    if !text.bytes().any(is_escaped) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    // Neither serialising nor writing can fail.
    let _ = serde_json::to_writer(out, text);
}
