//! `reasoning`, checked.

use meshrouter_core::reasoning::{Effort, Reasoning};

use super::rules::Rule;
use super::{RequestError, flag, member};
use crate::json::Value;

/// Reads the object. Where `reasoning_effort` stands beside it, the object wins.
pub(super) fn read(object: Value<'_>, into: &mut Reasoning) -> Result<(), RequestError> {
    if let Some(value) = member(object, "effort") {
        into.effort = Some(effort("reasoning.effort", value)?);
    }
    if let Some(value) = member(object, "max_tokens") {
        Rule::Count.check("reasoning.max_tokens", value)?;
        into.max_tokens = value.whole_number();
    }
    into.enabled = flag("reasoning", object, "enabled")?;
    into.exclude |= flag("reasoning", object, "exclude")? == Some(true);
    Ok(())
}

/// A level's name.
pub(super) fn effort(path: &str, value: Value<'_>) -> Result<Effort, RequestError> {
    Rule::String.check(path, value)?;
    let level = value.text().and_then(|name| Effort::parse(&name));
    level.ok_or_else(|| {
        let expected = "one of \"xhigh\", \"high\", \"medium\", \"low\", \"minimal\" and \"none\"";
        RequestError::Wrong(path.to_owned(), expected, "another string")
    })
}
