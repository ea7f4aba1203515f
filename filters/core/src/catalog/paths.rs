//! The paths of an endpoint, with the provider's own name of the model where they want it.

use super::Provider;
use crate::document::DocumentError;
use crate::route::Operation;

/// What stands for the model in a path.
const PLACEHOLDER: &str = "{model}";

/// The paths of an endpoint that are not its provider's as they stand there, by operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Paths([Option<String>; 3]);

impl Paths {
    /// The path of an operation; `None` for the provider's.
    pub(crate) fn of(&self, operation: Operation) -> Option<&str> {
        let [chat, completions, embeddings] = &self.0;
        let path = match operation {
            Operation::ChatCompletions => chat,
            Operation::Completions => completions,
            Operation::Embeddings => embeddings,
        };
        path.as_deref()
    }

    /// Compiles the paths of an endpoint that does these operations. `own` is its own path of chat
    /// completions, where it has one, `model` the provider's name of the model, and `at` the endpoint's
    /// place in the document.
    ///
    /// # Errors
    /// The field that is wrong: a path that is none, or a model's name that no path can hold.
    pub(crate) fn compile(
        at: &str,
        provider: &Provider,
        own: Option<&str>,
        model: &str,
        operations: &[Operation],
    ) -> Result<Self, DocumentError> {
        if let Some(own) = own {
            check(&format!("{at}.path"), own)?;
        }
        let mut paths = Self::default();
        let [chat, completions, embeddings] = &mut paths.0;
        let slots = [
            (chat, Operation::ChatCompletions, own),
            (completions, Operation::Completions, None),
            (embeddings, Operation::Embeddings, None),
        ];
        for (slot, operation, own) in slots {
            let path = own.unwrap_or(provider.path(operation));
            if path.contains(PLACEHOLDER) && operations.contains(&operation) {
                check_model(&format!("{at}.model"), model)?;
                *slot = Some(path.replace(PLACEHOLDER, model));
            } else {
                *slot = own.map(str::to_owned);
            }
        }
        Ok(paths)
    }
}

/// A path as it may stand in the document: with `{model}`, and no other braces.
pub(super) fn check(at: &str, path: &str) -> Result<(), DocumentError> {
    let visible = path.bytes().all(|b| b.is_ascii_graphic());
    let message = if !visible || !path.starts_with('/') {
        "must begin with `/`, and be ASCII without spaces"
    } else if path.replace(PLACEHOLDER, "").contains(['{', '}']) {
        "has braces, but the only placeholder is `{model}`"
    } else {
        return Ok(());
    };
    Err(DocumentError::new(at, message))
}

/// Names go into paths as they are: they may not end one, or be mistaken for an escape.
fn check_model(at: &str, model: &str) -> Result<(), DocumentError> {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~:@/".contains(&b);
    if model.is_empty() || !model.bytes().all(safe) {
        let message = format!(
            "`{model}` stands in a path: expected ASCII letters, digits and any of `-._~:@/`"
        );
        return Err(DocumentError::new(at, message));
    }
    Ok(())
}
