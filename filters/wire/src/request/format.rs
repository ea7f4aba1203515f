//! `response_format` and `tools`: the schemas that a request asks answers and arguments to follow.

use super::rules::Rule;
use super::{RequestError, member};
use crate::json::{Kind, Value};

/// A JSON schema in a request, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedSchema<'a> {
    /// The name of the tool or of the format: a JSON string with its quotes.
    pub name: &'a [u8],
    /// The schema as it stands.
    pub schema: &'a [u8],
    /// Whether it is marked `strict`.
    pub strict: bool,
}

/// The `type` of a response format.
pub(super) fn kind(format: Value<'_>) -> Result<&[u8], RequestError> {
    let Some(kind) = member(format, "type") else {
        return Err(RequestError::Missing(
            "response_format.type",
            "a string such as \"json_schema\"",
        ));
    };
    Rule::String.check("response_format.type", kind)?;
    Ok(kind.inner())
}

/// The schema of a response format; providers judge one that is no schema.
pub(super) fn schema(format: Value<'_>) -> Option<NamedSchema<'_>> {
    named(member(format, "json_schema")?, "schema")
}

/// The schemas of the tools' parameters.
pub(super) fn tools(tools: Value<'_>) -> Vec<NamedSchema<'_>> {
    let tools = tools.elements().into_iter();
    tools
        .filter_map(|tool| named(member(tool, "function")?, "parameters"))
        .collect()
}

/// The schema in a member of an object that names it.
fn named<'a>(object: Value<'a>, schema: &str) -> Option<NamedSchema<'a>> {
    let name = member(object, "name").filter(|name| name.kind == Kind::String);
    let schema = member(object, schema)?;
    Some(NamedSchema {
        name: name.map_or(b"\"\"", |name| name.raw),
        schema: schema.raw,
        strict: member(object, "strict").is_some_and(|strict| strict.is_true()),
    })
}
