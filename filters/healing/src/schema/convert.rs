//! Scalars of the wrong type or in the wrong spelling, rewritten where nothing is lost.

use meshrouter_wire::json::{Kind, Value, literal};
use serde_json::Value as Json;

use super::{Plain, Types};
use crate::repair::{Scalar, classify};

/// The type of a scalar.
pub(super) fn type_of(value: Value<'_>) -> Types {
    match value.kind {
        Kind::Null => Types::NULL,
        Kind::Bool => Types::BOOLEAN,
        Kind::String => Types::STRING,
        Kind::Array => Types::ARRAY,
        Kind::Object => Types::OBJECT,
        Kind::Number if is_integer(raw(value)) => Types::INTEGER,
        Kind::Number => Types::FRACTION,
    }
}

/// Whether a scalar is what is wanted as it stands.
pub(super) fn fits(plain: &Plain, value: Value<'_>) -> bool {
    let listed = |values: &Vec<Json>| values.iter().any(|json| equals(json, value));
    plain.types.has(type_of(value)) && plain.values.as_ref().is_none_or(listed)
}

/// A scalar as it is wanted, as JSON; `word` is what the text had where JSON has no way to write it.
pub(super) fn convert(plain: &Plain, value: Value<'_>, word: Option<&str>) -> Option<String> {
    match &plain.values {
        Some(values) => listed(values, value, word),
        None => retyped(plain.types, value, word),
    }
}

/// The one listed value that a scalar is another spelling of.
fn listed(values: &[Json], value: Value<'_>, word: Option<&str>) -> Option<String> {
    let said = fold(&match word {
        Some(word) => word.to_owned(),
        None => value
            .text()
            .map_or_else(|| raw(value).to_owned(), Into::into),
    });
    let mut same = values.iter().filter(|json| match json {
        Json::String(text) => fold(text) == said,
        Json::Number(_) | Json::Bool(_) => fold(&json.to_string()) == said,
        _ => false,
    });
    let found = same.next()?;
    // What could be either of two is neither.
    same.next().is_none().then(|| found.to_string())
}

/// A text without case, and with one kind of whitespace.
fn fold(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

fn retyped(types: Types, value: Value<'_>, word: Option<&str>) -> Option<String> {
    if let Some(word) = word.filter(|_| types.has(Types::STRING)) {
        return Some(literal(word));
    }
    match value.kind {
        Kind::String => read(types, value.text()?.trim()),
        Kind::Number if types.has(Types::INTEGER) => integer(raw(value)),
        Kind::Number | Kind::Bool if types.has(Types::STRING) => Some(literal(raw(value))),
        _ => None,
    }
}

/// What a string says that should have been something else.
fn read(types: Types, text: &str) -> Option<String> {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    if types.has(Types::BOOLEAN) && (is("true") || is("false")) {
        return Some(text.to_ascii_lowercase());
    }
    if types.has(Types::NULL) && (is("null") || is("none")) {
        return Some("null".to_owned());
    }
    if !types.has(Types::INTEGER) || !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number = match classify(text, false) {
        Scalar::Verbatim => text.to_owned(),
        Scalar::Number(number) => number,
        _ => return None,
    };
    match types.has(Types::NUMBER) {
        true => Some(number),
        false => integer(&number),
    }
}

/// Whether a number is written as an integer.
fn is_integer(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

/// A number without a fraction, written as an integer.
fn integer(number: &str) -> Option<String> {
    if is_integer(number) {
        return Some(number.to_owned());
    }
    if let Some((whole, zeros)) = number.split_once('.')
        && zeros.bytes().all(|digit| digit == b'0')
    {
        return Some(whole.to_owned());
    }
    let value: f64 = number.parse().ok()?;
    // Beyond 2^53 it would be another number.
    let exact = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
    exact.then(|| format!("{value:.0}"))
}

/// Whether a value is what a schema lists.
pub(super) fn equals(json: &Json, value: Value<'_>) -> bool {
    match (json, value.kind) {
        (Json::String(text), Kind::String) => value.text().is_some_and(|other| other == *text),
        (Json::Number(number), Kind::Number) => {
            number.as_f64() == raw(value).parse().ok() || number.to_string() == raw(value)
        }
        (Json::Bool(flag), Kind::Bool) => *flag == value.is_true(),
        (Json::Null, Kind::Null) => true,
        (Json::Array(_), Kind::Array) | (Json::Object(_), Kind::Object) => {
            serde_json::from_slice::<Json>(value.raw).is_ok_and(|other| other == *json)
        }
        _ => false,
    }
}

/// A scalar's text; it came from a string.
fn raw(value: Value<'_>) -> &str {
    std::str::from_utf8(value.raw).unwrap_or_default()
}
