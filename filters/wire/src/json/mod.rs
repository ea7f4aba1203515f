//! JSON by span: a strict scanner that allocates nothing, and patches that copy what they keep.

mod patch;
mod scan;

pub use patch::Patch;
pub use scan::{Cursor, JsonError, Kind, MAX_DEPTH, Member, Scanner, Value};

/// `text` as a JSON string literal, quotes included.
#[must_use]
pub fn literal(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}
