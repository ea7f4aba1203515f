//! `prompt` of legacy completions and `input` of embeddings: text, texts, or token ids.

use meshrouter_core::tokens::Count;

use super::RequestError;
use crate::json::{Kind, Value};

const EXPECTED: &str = "a string, an array of strings, or an array of token ids";

/// Checks the field and counts it.
pub(super) fn read(name: &'static str, value: Value<'_>) -> Result<Count, RequestError> {
    match value.kind {
        Kind::String => Ok(Count::of(value.inner())),
        Kind::Array => {
            let parts = value.elements();
            if parts.is_empty() {
                return Err(RequestError::Empty(name));
            }
            let mut total = Count::default();
            for (n, part) in parts.into_iter().enumerate() {
                element(name, n, part, &mut total)?;
            }
            Ok(total)
        }
        found => Err(RequestError::wrong(name, EXPECTED, found)),
    }
}

/// A text, a token id, or a list of token ids.
fn element(name: &str, n: usize, value: Value<'_>, total: &mut Count) -> Result<(), RequestError> {
    match value.kind {
        Kind::String => total.text(value.inner()),
        Kind::Number => total.tokens(1),
        Kind::Array => total.tokens(value.elements().len() as u64),
        found => return Err(RequestError::wrong(format!("{name}[{n}]"), EXPECTED, found)),
    }
    Ok(())
}
