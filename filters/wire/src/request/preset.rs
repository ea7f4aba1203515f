//! Presets: request fields that stand in the gateway document and are merged into requests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use meshrouter_core::facts::MemberSpan;
use serde_json::Value as Json;

use super::{ChatRequest, RequestError, is_spanned, rules};
use crate::json::{Kind, Scanner, Value, literal};

/// The preset's system prompt, which is no field of a request.
const SYSTEM: &str = "system";

/// A preset, compiled: its fields as JSON text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preset {
    /// Names and values.
    members: Vec<(String, String)>,
    /// A system message, as an element of `messages`.
    system: Option<String>,
}

impl Preset {
    /// Checks a preset's fields as if a request had them.
    ///
    /// # Errors
    /// What is wrong with the first that is, as for a request.
    pub fn compile(fields: &BTreeMap<String, Json>) -> Result<Self, RequestError> {
        let mut preset = Self::default();
        for (name, value) in fields {
            if matches!(name.as_str(), "messages" | "preset" | "stream") {
                return Err(RequestError::NotInPreset(name.clone()));
            }
            if name == SYSTEM {
                let Json::String(text) = value else {
                    return Err(RequestError::wrong(SYSTEM, "a string", kind_of(value)));
                };
                let text = literal(text);
                preset.system = Some(format!(r#"{{"role":"system","content":{text}}}"#));
                continue;
            }
            preset.members.push((name.clone(), value.to_string()));
        }
        for (name, value) in &mut preset.members {
            let check = |value: &str| {
                ChatRequest::default().take(name, rules::of(name), preset_value(value)?)
            };
            if let Err(error) = check(value) {
                let number = number_in_text(value).ok_or(error)?;
                check(&number)?;
                *value = number;
            }
        }
        Ok(preset)
    }
}

/// The number that a text is: that is what Envoy makes of a number in YAML which has a fraction, or is larger than 32 bits.
fn number_in_text(value: &str) -> Option<String> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    let number: serde_json::Number = text.parse().ok()?;
    Some(number.to_string())
}

impl Preset {
    /// The preset's `model`.
    #[must_use]
    pub fn model(&self) -> Option<Cow<'_, str>> {
        let (_, value) = self.members.iter().find(|(name, _)| name == "model")?;
        preset_value(value).ok()?.text()
    }
}

/// A member's value, as the scanner would have found it in a body.
fn preset_value(text: &str) -> Result<Value<'_>, RequestError> {
    Ok(Scanner::document(text.as_bytes())?)
}

fn kind_of(value: &Json) -> Kind {
    match value {
        Json::Null => Kind::Null,
        Json::Bool(_) => Kind::Bool,
        Json::Number(_) => Kind::Number,
        Json::String(_) => Kind::String,
        Json::Array(_) => Kind::Array,
        Json::Object(_) => Kind::Object,
    }
}

impl<'a> ChatRequest<'a> {
    /// Merges a preset: what the request says itself wins, field by field (Presets page). Its model
    /// and its system prompt are defaults like the rest.
    ///
    /// Returns the body with the preset's fields; the spans of [`members`](Self::members) are that
    /// body's from then on.
    ///
    /// # Errors
    /// A field of the preset that is wrong; [`Preset::compile`] has checked them all.
    pub fn merge(&mut self, preset: &'a Preset, body: &[u8]) -> Result<Vec<u8>, RequestError> {
        let open = body.iter().position(|b| *b == b'{').unwrap_or(0);
        let first = open.saturating_add(1);
        let mut out = Vec::with_capacity(body.len().saturating_add(256));
        out.extend_from_slice(body.get(..first).unwrap_or_default());
        let mut spans = Vec::new();
        for (name, value) in &preset.members {
            if self.names.iter().any(|known| known == name) {
                continue;
            }
            self.take(name, rules::of(name), preset_value(value)?)?;
            let start = out.len().saturating_sub(1);
            out.extend_from_slice(literal(name).as_bytes());
            out.push(b':');
            let value_start = out.len();
            out.extend_from_slice(value.as_bytes());
            if is_spanned(name) {
                spans.push(MemberSpan {
                    name: name.clone(),
                    start,
                    value: value_start,
                    end: out.len(),
                });
            }
            out.push(b',');
        }
        let head = out.len().saturating_sub(first);
        let system = preset.system.as_deref().filter(|_| !self.has_system);
        let system = system.map_or_else(String::new, |message| format!("{message},"));
        // The array is not empty: `read` has seen to that.
        let messages = self.messages.saturating_add(1);
        out.extend_from_slice(body.get(first..messages).unwrap_or_default());
        out.extend_from_slice(system.as_bytes());
        out.extend_from_slice(body.get(messages..).unwrap_or_default());

        let moved = |at: usize| {
            let behind = if at >= messages { system.len() } else { 0 };
            at.saturating_add(head).saturating_add(behind)
        };
        for span in &mut self.members {
            span.start = moved(span.start);
            span.value = moved(span.value);
            span.end = moved(span.end);
        }
        self.messages = moved(self.messages);
        self.members.append(&mut spans);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_core::route::Operation;

    fn preset(json: &str) -> Preset {
        Preset::compile(&serde_json::from_str(json).unwrap()).unwrap()
    }

    /// The merged body, after a check that every span is where it says.
    fn merged(body: &str, fields: &str) -> String {
        let preset = preset(fields);
        let mut request = ChatRequest::read(body.as_bytes(), Operation::ChatCompletions).unwrap();
        let merged = request.merge(&preset, body.as_bytes()).unwrap();
        let merged = String::from_utf8(merged).unwrap();
        let again = ChatRequest::read(merged.as_bytes(), Operation::ChatCompletions).unwrap();
        let sorted = |mut members: Vec<MemberSpan>| {
            members.sort_by_key(|span| span.start);
            members
        };
        assert_eq!((request.model, request.models), (again.model, again.models));
        assert_eq!(sorted(request.members), sorted(again.members), "{merged}");
        merged
    }

    const BODY: &str = r#"{ "temperature": 1.0, "messages": [{"role": "user", "content": "x"}], "models": ["a/b"]}"#;

    #[test]
    fn the_request_wins_and_the_rest_is_added() {
        assert_eq!(
            merged(
                BODY,
                r#"{"model": "c/d", "temperature": 0, "top_p": 0.5, "odd": {"x": 1}}"#
            ),
            r#"{"model":"c/d","odd":{"x":1},"top_p":0.5, "temperature": 1.0, "messages": [{"role": "user", "content": "x"}], "models": ["a/b"]}"#
        );
        assert_eq!(merged(BODY, r#"{"temperature": 0}"#), BODY);
        assert_eq!(merged(BODY, "{}"), BODY);
    }

    #[test]
    fn the_system_prompt_comes_first_unless_there_is_one() {
        assert_eq!(
            merged(BODY, r#"{"system": "Be \"brief\".", "provider": {}}"#),
            r#"{"provider":{}, "temperature": 1.0, "messages": [{"role":"system","content":"Be \"brief\"."},{"role": "user", "content": "x"}], "models": ["a/b"]}"#
        );
        let own = BODY.replace("\"user\"", "\"system\"");
        assert_eq!(merged(&own, r#"{"system": "x"}"#), own);
    }

    #[test]
    fn numbers_may_be_texts_as_envoy_makes_them_of_yaml() {
        assert_eq!(
            merged(
                BODY,
                r#"{"top_p": "0.5", "seed": "5000000000", "stop": "1.5"}"#
            ),
            BODY.replacen("{ ", r#"{"seed":5000000000,"stop":"1.5","top_p":0.5, "#, 1)
        );
    }

    #[test]
    fn presets_are_checked_when_they_are_compiled() {
        let error = |json: &str| {
            let error = Preset::compile(&serde_json::from_str(json).unwrap()).unwrap_err();
            meshrouter_core::ApiError::from(error).message
        };
        assert!(error(r#"{"temperature": "hot"}"#).contains("`temperature` must be a number"));
        assert!(error(r#"{"temperature": "0.5x"}"#).contains("must be a number, but is a string"));
        assert!(error(r#"{"system": 1}"#).contains("`system` must be a string"));
        assert!(error(r#"{"messages": []}"#).contains("`messages`"));
    }
}
