//! `prompt` of legacy completions and `input` of embeddings: text, texts, or token ids.

use meshrouter_core::tokens::{Sample, Tally};

use super::RequestError;
use crate::json::{Kind, Value};

const EXPECTED: &str = "a string, an array of strings, or an array of token ids";

/// Checks the field and counts it.
pub(super) fn read(
    name: &'static str,
    value: Value<'_>,
    prompt: &mut Sample,
) -> Result<(), RequestError> {
    match value.kind {
        Kind::String => {
            prompt.text(value.inner());
            Ok(())
        }
        Kind::Array => {
            let parts = value.elements();
            if parts.is_empty() {
                return Err(RequestError::Empty(name));
            }
            for (n, part) in parts.into_iter().enumerate() {
                element(name, n, part, prompt)?;
            }
            Ok(())
        }
        found => Err(RequestError::wrong(name, EXPECTED, found)),
    }
}

/// A text, a token id, or a list of token ids.
fn element(
    name: &str,
    n: usize,
    value: Value<'_>,
    prompt: &mut Sample,
) -> Result<(), RequestError> {
    match value.kind {
        Kind::String => prompt.text(value.inner()),
        Kind::Number => prompt.tokens(1),
        Kind::Array => prompt.tokens(value.elements().len() as u64),
        found => return Err(RequestError::wrong(format!("{name}[{n}]"), EXPECTED, found)),
    }
    Ok(())
}
