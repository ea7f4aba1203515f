//! Scalars of the wrong type or in the wrong spelling, rewritten where nothing is lost.

use meshrouter_wire::json::{Kind, Value, literal};

use super::{Listed, Plain, Types};
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
    let listed = |values: &Vec<Listed>| values.iter().any(|listed| equals(listed, value));
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
fn listed(values: &[Listed], value: Value<'_>, word: Option<&str>) -> Option<String> {
    let said = fold(&match word {
        Some(word) => word.to_owned(),
        None => value
            .text()
            .map_or_else(|| raw(value).to_owned(), Into::into),
    });
    let mut same = values.iter().filter(|listed| {
        matches!(listed.kind, Kind::String | Kind::Number | Kind::Bool)
            && fold(&listed.text) == said
    });
    let found = same.next()?;
    // What could be either of two is neither.
    same.next().is_none().then(|| found.json.clone())
}

/// A text without case, and with one kind of whitespace.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
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

/// The longest integer that a number with an exponent is written as, in digits.
const MAX_DIGITS: usize = 19;

/// A number without a fraction, written as an integer.
fn integer(number: &str) -> Option<String> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let exponent: i32 = exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse()
        .ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let zeros = usize::try_from(exponent)
        .ok()?
        .checked_sub(fraction.len())?;
    if zeros > 0 && zeros.saturating_add(mantissa.len()) > MAX_DIGITS {
        return None;
    }
    let all = format!("{whole}{fraction}{}", "0".repeat(zeros));
    let all = all.trim_start_matches('0');
    match all.is_empty() {
        true => Some("0".to_owned()),
        false => Some(format!("{sign}{all}")),
    }
}

/// A number in the one way in which it is compared.
fn canonical(number: &str) -> String {
    if let Some(integer) = integer(number) {
        return integer;
    }
    match number.contains('.') && !number.contains(['e', 'E']) {
        true => number.trim_end_matches('0').to_owned(),
        false => number.to_owned(),
    }
}

impl Listed {
    pub(super) fn new(value: Value<'_>) -> Self {
        let json = compact(raw(value));
        Self {
            kind: value.kind,
            text: value.text().map_or_else(|| json.clone(), Into::into),
            json,
        }
    }
}

/// JSON without the space between its tokens.
fn compact(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let keep = |c: &char| {
        if inside {
            inside = escaped || *c != '"';
            escaped = !escaped && *c == '\\';
            return true;
        }
        inside = *c == '"';
        !c.is_ascii_whitespace()
    };
    json.chars().filter(keep).collect()
}

/// Whether a value is what a schema lists.
pub(super) fn equals(listed: &Listed, value: Value<'_>) -> bool {
    listed.kind == value.kind
        && match value.kind {
            Kind::String => value.text().is_some_and(|text| text == listed.text),
            Kind::Number => canonical(raw(value)) == canonical(&listed.json),
            _ => compact(raw(value)) == listed.json,
        }
}

/// A scalar's text; it came from a string.
fn raw(value: Value<'_>) -> &str {
    std::str::from_utf8(value.raw).unwrap_or_default()
}
