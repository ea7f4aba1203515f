//! `prompt` of legacy completions and `input` of embeddings: text, texts, or token ids.

use meshrouter_core::tokens;

use super::RequestError;
use crate::json::{Kind, Value};

const EXPECTED: &str = "a string, an array of strings, or an array of token ids";

/// Checks the field: the estimated tokens of it.
pub(super) fn read(name: &'static str, value: Value<'_>) -> Result<u64, RequestError> {
    match value.kind {
        Kind::String => Ok(tokens::estimate(value.inner())),
        Kind::Array => {
            let parts = value.elements();
            if parts.is_empty() {
                return Err(RequestError::Empty(name));
            }
            let mut total: u64 = 0;
            for (n, part) in parts.into_iter().enumerate() {
                total = total.saturating_add(element(name, n, part)?);
            }
            Ok(total)
        }
        found => Err(RequestError::wrong(name, EXPECTED, found)),
    }
}

/// A text, a token id, or a list of token ids.
fn element(name: &str, n: usize, value: Value<'_>) -> Result<u64, RequestError> {
    match value.kind {
        Kind::String => Ok(tokens::estimate(value.inner())),
        Kind::Number => Ok(1),
        Kind::Array => Ok(u64::try_from(value.elements().len()).unwrap_or(u64::MAX)),
        found => Err(RequestError::wrong(format!("{name}[{n}]"), EXPECTED, found)),
    }
}
