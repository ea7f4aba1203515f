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

/// The documented fields but `messages`, sorted by length and name: so few names are compared to find one.
const RULES: &[(&str, Rule)] = &[
    ("n", Rule::Count),
    ("seed", Rule::Number),
    ("stop", Rule::StringOrStrings),
    ("user", Rule::String),
    ("min_p", Rule::Number),
    ("model", Rule::String),
    ("route", Rule::String),
    ("tools", Rule::Array),
    ("top_a", Rule::Number),
    ("top_k", Rule::Number),
    ("top_p", Rule::Number),
    ("usage", Rule::Object),
    ("models", Rule::Strings),
    ("preset", Rule::String),
    ("stream", Rule::Bool),
    ("logprobs", Rule::Bool),
    ("provider", Rule::Object),
    ("reasoning", Rule::Object),
    ("verbosity", Rule::String),
    ("logit_bias", Rule::Object),
    ("max_tokens", Rule::Count),
    ("modalities", Rule::Strings),
    ("session_id", Rule::String),
    ("transforms", Rule::Strings),
    ("temperature", Rule::Number),
    ("tool_choice", Rule::StringOrObject),
    ("image_config", Rule::Object),
    ("top_logprobs", Rule::Count),
    ("fallback_rules", Rule::String),
    ("stream_options", Rule::Object),
    ("fallback_models", Rule::Strings),
    ("response_format", Rule::Object),
    ("presence_penalty", Rule::Number),
    ("reasoning_effort", Rule::String),
    ("frequency_penalty", Rule::Number),
    ("include_reasoning", Rule::Bool),
    ("repetition_penalty", Rule::Number),
    ("web_search_options", Rule::Object),
    ("parallel_tool_calls", Rule::Bool),
    ("max_completion_tokens", Rule::Count),
];

/// The rule of a field; `None` for fields that pass whatever they are.
pub(super) fn of(name: &str) -> Option<Rule> {
    let n = RULES
        .binary_search_by(|(known, _)| by_length(known).cmp(&by_length(name)))
        .ok()?;
    RULES.get(n).map(|(_, rule)| *rule)
}

fn by_length(name: &str) -> (usize, &str) {
    (name.len(), name)
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
        assert!(RULES.is_sorted_by_key(|(name, _)| by_length(name)));
        for name in super::super::ROUTER_ONLY {
            assert!(super::super::is_spanned(name), "{name}");
        }
    }
}
