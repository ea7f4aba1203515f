//! Types of the documented request fields. A wrong type is refused here, once, with the field's
//! name, whichever provider would have been asked. `null` counts as not sent.

use super::RequestError;
use crate::json::{Kind, Value};

/// What a field must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    String,
    Bool,
    Number,
    /// A whole number, zero or more.
    Count,
    Object,
    Array,
    Strings,
    StringOrStrings,
    StringOrObject,
}

/// The documented fields but `messages`, sorted by name.
const RULES: &[(&str, Rule)] = &[
    ("fallback_models", Rule::Strings),
    ("fallback_rules", Rule::String),
    ("frequency_penalty", Rule::Number),
    ("image_config", Rule::Object),
    ("include_reasoning", Rule::Bool),
    ("logit_bias", Rule::Object),
    ("logprobs", Rule::Bool),
    ("max_completion_tokens", Rule::Count),
    ("max_tokens", Rule::Count),
    ("min_p", Rule::Number),
    ("modalities", Rule::Strings),
    ("model", Rule::String),
    ("models", Rule::Strings),
    ("n", Rule::Count),
    ("parallel_tool_calls", Rule::Bool),
    ("presence_penalty", Rule::Number),
    ("preset", Rule::String),
    ("provider", Rule::Object),
    ("reasoning", Rule::Object),
    ("reasoning_effort", Rule::String),
    ("repetition_penalty", Rule::Number),
    ("response_format", Rule::Object),
    ("route", Rule::String),
    ("seed", Rule::Number),
    ("session_id", Rule::String),
    ("stop", Rule::StringOrStrings),
    ("stream", Rule::Bool),
    ("stream_options", Rule::Object),
    ("temperature", Rule::Number),
    ("tool_choice", Rule::StringOrObject),
    ("tools", Rule::Array),
    ("top_a", Rule::Number),
    ("top_k", Rule::Number),
    ("top_logprobs", Rule::Count),
    ("top_p", Rule::Number),
    ("transforms", Rule::Strings),
    ("usage", Rule::Object),
    ("user", Rule::String),
    ("verbosity", Rule::String),
    ("web_search_options", Rule::Object),
];

/// The rule of a field; `None` for fields that pass whatever they are.
pub(super) fn of(name: &str) -> Option<Rule> {
    let n = RULES
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .ok()?;
    RULES.get(n).map(|(_, rule)| *rule)
}

impl Rule {
    /// Checks a value against the rule; `path` is for the error.
    pub(super) fn check(self, path: &str, value: Value<'_>) -> Result<(), RequestError> {
        let kind = value.kind;
        let fits = match self {
            Self::String => kind == Kind::String,
            Self::Bool => kind == Kind::Bool,
            Self::Number => kind == Kind::Number,
            Self::Count => value.whole_number().is_some(),
            Self::Object => kind == Kind::Object,
            Self::Array => kind == Kind::Array,
            Self::Strings => return check_strings(self, path, value),
            Self::StringOrStrings if kind == Kind::Array => {
                return check_strings(self, path, value);
            }
            Self::StringOrStrings => kind == Kind::String,
            Self::StringOrObject => matches!(kind, Kind::String | Kind::Object),
        };
        if fits {
            return Ok(());
        }
        let found = match (self, kind) {
            (Self::Count, Kind::Number) => "negative or not whole",
            _ => kind.describe(),
        };
        Err(RequestError::Wrong(path.to_owned(), self.expected(), found))
    }

    fn expected(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Count => "a whole number, zero or more",
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Strings => "an array of strings",
            Self::StringOrStrings => "a string or an array of strings",
            Self::StringOrObject => "a string or an object",
        }
    }
}

/// Checks an array's elements, so that the error names the one that is wrong.
fn check_strings(rule: Rule, path: &str, value: Value<'_>) -> Result<(), RequestError> {
    if value.kind != Kind::Array {
        return Err(RequestError::wrong(path, rule.expected(), value.kind));
    }
    for (n, element) in value.elements().into_iter().enumerate() {
        Rule::String.check(&format!("{path}[{n}]"), element)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(RULES.is_sorted_by_key(|(name, _)| *name));
        for name in super::super::ROUTER_ONLY {
            assert!(*name == "plugins" || of(name).is_some(), "{name}");
        }
    }
}
