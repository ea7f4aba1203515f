//! What a word without quotes means: a number, a literal, or neither.

use std::fmt::Write as _;

/// The reading of a bare word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// JSON as it stands.
    Verbatim,
    /// A literal of another language, or one that was cut short.
    Literal(&'static str),
    /// A number in a notation that JSON does not have, rewritten.
    Number(String),
    /// The beginning of a number that says nothing yet.
    Nothing,
    /// Some other word.
    Word,
}

/// Reads a bare word; `last` says that the text ends with it, so that it may have been cut.
pub(crate) fn classify(word: &str, last: bool) -> Scalar {
    if matches!(word, "true" | "false" | "null") || is_number(word) {
        return Scalar::Verbatim;
    }
    if let Some(literal) = literal(word, last) {
        return Scalar::Literal(literal);
    }
    if let Some(number) = number(word) {
        return Scalar::Number(number);
    }
    if last && matches!(word, "-" | "+" | "." | "-." | "+.") {
        return Scalar::Nothing;
    }
    Scalar::Word
}

/// The literals of JSON, Python, JavaScript and Ruby. There is no JSON for what is not a number, so
/// that is null.
const LITERALS: [(&str, &str); 8] = [
    ("true", "true"),
    ("false", "false"),
    ("null", "null"),
    ("none", "null"),
    ("undefined", "null"),
    ("nan", "null"),
    ("nil", "null"),
    ("infinity", "null"),
];

fn literal(word: &str, last: bool) -> Option<&'static str> {
    let word = word.strip_prefix(['-', '+']).unwrap_or(word);
    let found = LITERALS.iter().find(|(name, _)| {
        name.eq_ignore_ascii_case(word)
            || (last
                && !word.is_empty()
                && name
                    .get(..word.len())
                    .is_some_and(|cut| cut.eq_ignore_ascii_case(word)))
    });
    found.map(|(_, json)| *json)
}

/// Whether the word is a number by the grammar of RFC 8259, section 6.
pub(super) fn is_number(word: &str) -> bool {
    let (int, rest) = digits(word.strip_prefix('-').unwrap_or(word));
    let fraction = rest.strip_prefix('.').map(digits);
    let rest = fraction.map_or(rest, |(_, rest)| rest);
    let exponent = rest
        .strip_prefix(['e', 'E'])
        .map(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    let rest = exponent.map_or(rest, |(_, rest)| rest);
    let some = |part: Option<(&str, &str)>| part.is_none_or(|(digits, _)| !digits.is_empty());
    rest.is_empty()
        && (int == "0" || (!int.is_empty() && !int.starts_with('0')))
        && some(fraction)
        && some(exponent)
}

/// Rewrites a number of another notation: signs, hexadecimal, leading zeros, digits missing around
/// a point.
fn number(word: &str) -> Option<String> {
    let (sign, body) = match word.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    if let Some(hex) = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        // `from_str_radix` would take a second sign.
        let value = hex
            .starts_with(|c: char| c.is_ascii_hexdigit())
            .then(|| u64::from_str_radix(hex, 16).ok())??;
        return Some(format!("{sign}{value}"));
    }
    let (int, rest) = digits(body);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (fraction, rest) = digits(rest);
            (Some(fraction), rest)
        }
        None => (None, rest),
    };
    if int.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    let int = int.trim_start_matches('0');
    let mut json = format!("{sign}{}", if int.is_empty() { "0" } else { int });
    if let Some(fraction) = fraction {
        let _ = write!(
            json,
            ".{}",
            if fraction.is_empty() { "0" } else { fraction }
        );
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let sign = if exponent.starts_with('-') { "-" } else { "" };
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let _ = write!(
            json,
            "e{sign}{}",
            if exponent.is_empty() { "0" } else { exponent }
        );
    } else if !rest.is_empty() {
        return None;
    }
    is_number(&json).then_some(json)
}

/// Splits a text behind its leading digits.
fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_grammar() {
        for word in ["0", "-0", "10", "1.5", "1e5", "1E-05", "-0.0e+0"] {
            assert!(is_number(word), "{word}");
        }
        for word in [
            "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1a", "1.2.3",
        ] {
            assert!(!is_number(word), "{word}");
        }
    }

    #[test]
    fn words_are_read() {
        let number = |json: &str| Scalar::Number(json.to_owned());
        for (word, last, expected) in [
            ("12", false, Scalar::Verbatim),
            ("null", false, Scalar::Verbatim),
            ("True", false, Scalar::Literal("true")),
            ("FALSE", false, Scalar::Literal("false")),
            ("-Infinity", false, Scalar::Literal("null")),
            ("tr", true, Scalar::Literal("true")),
            ("tr", false, Scalar::Word),
            ("+1", false, number("1")),
            ("-.5", false, number("-0.5")),
            ("1.", false, number("1.0")),
            ("1.e3", false, number("1.0e3")),
            ("1e", false, number("1e0")),
            ("007", false, number("7")),
            ("-0xFF", false, number("-255")),
            ("0x+1", false, Scalar::Word),
            ("0x", false, Scalar::Word),
            ("-", true, Scalar::Nothing),
            ("-", false, Scalar::Word),
            ("2024-01-02", false, Scalar::Word),
            (".", false, Scalar::Word),
            ("é", true, Scalar::Word),
        ] {
            assert_eq!(classify(word, last), expected, "{word}");
        }
    }
}
