//! Counts as providers write them: exact, whatever they look like.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The most that a count is believed. No model has a context of a billion tokens.
pub const MAX_COUNT: u64 = 1_000_000_000;

/// Reads a count from its JSON: `12`, and what careless providers write in its place, such as `"12"`, `12.0` or
/// `1e3`. A fraction is cut off; what is negative, `null` or no number at all counts as none. At most
/// [`MAX_COUNT`].
#[must_use]
pub fn count(json: &str) -> u64 {
    // As they nearly always are.
    if json.len() <= 9 && json.bytes().all(|byte| byte.is_ascii_digit()) {
        return json.parse().unwrap_or(0);
    }
    let text = json.trim().trim_matches('"').trim();
    decimal(text).unwrap_or(0)
}

/// The whole part of a decimal number; `None` where the text is none that is positive.
fn decimal(text: &str) -> Option<u64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return None;
    }
    let zeros = digits.len().saturating_sub(significant.len());
    let zeros = i64::try_from(zeros).ok()?;
    let point = i64::try_from(whole.len()).ok()?;
    let length = point.saturating_add(power(exponent)?).saturating_sub(zeros);
    Some(leading(significant, length))
}

/// An exponent of ten, as large or as small as it may be.
fn power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let power = digits.parse().unwrap_or(i64::MAX);
    Some(if text.starts_with('-') { -power } else { power })
}

/// The number that the first `length` of the digits make, with zeros behind them where they are fewer. The first
/// is none.
fn leading(digits: &str, length: i64) -> u64 {
    let Ok(length) = usize::try_from(length) else {
        return 0;
    };
    if length > MAX_COUNT.to_string().len() {
        return MAX_COUNT;
    }
    let digits = digits.bytes().chain(std::iter::repeat(b'0')).take(length);
    let number = digits.fold(0_u64, |number, digit| {
        let digit = u64::from(digit.saturating_sub(b'0'));
        number.saturating_mul(10).saturating_add(digit)
    });
    number.min(MAX_COUNT)
}

/// A member that is a count.
pub(super) fn member<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(count(<&RawValue>::deserialize(deserializer)?.get()))
}

/// A member that is an object; the default where it is anything else.
pub(super) fn details<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    let raw = <&'de RawValue>::deserialize(deserializer)?.get();
    // A list would be taken for the values of an object's members.
    let object = raw.starts_with('{').then(|| serde_json::from_str(raw).ok());
    Ok(object.flatten().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_whatever_they_look_like() {
        for (json, expected) in [
            ("12", 12),
            ("\"12\"", 12),
            ("\" 12 \"", 12),
            ("5.0", 5),
            ("5.999999999999999999999", 5),
            ("1e3", 1_000),
            ("1.2345e2", 123),
            ("12E-1", 1),
            ("0.5", 0),
            ("0.0000012e7", 12),
            ("0e99999999999999999999", 0),
            ("007", 7),
            ("-3", 0),
            ("-0", 0),
            ("null", 0),
            ("true", 0),
            ("[1]", 0),
            ("{}", 0),
            ("\"\"", 0),
            ("\"many\"", 0),
            ("\"1e\"", 0),
            ("1e-99999999999999999999", 0),
            ("999999999", 999_999_999),
            // A float would make another number of it.
            ("900719925.4740993", 900_719_925),
        ] {
            assert_eq!(count(json), expected, "{json}");
        }
        for json in [
            "1000000000",
            "1000000001",
            "18446744073709551616",
            "1e300",
            "1e99999999999999999999",
            "0.00001e99",
        ] {
            assert_eq!(count(json), MAX_COUNT, "{json}");
        }
    }

    /// Every number of up to eleven digits, with its point moved to and fro: none that comes out differs.
    #[test]
    fn the_point_may_stand_anywhere() {
        for number in [
            1_u64,
            10,
            99,
            12_345,
            999_999_999,
            1_000_000_000,
            12_345_678_901,
        ] {
            let digits = number.to_string();
            for point in 0..=digits.len() {
                let (whole, fraction) = digits.split_at(point);
                let zeros = "0".repeat(3);
                let json = format!("{zeros}{whole}.{fraction}{zeros}e{}", fraction.len());
                assert_eq!(count(&json), number.min(MAX_COUNT), "{json}");
                let json = format!("{digits}{zeros}e-{}", 3 + fraction.len());
                let cut = whole.parse().unwrap_or(0).min(MAX_COUNT);
                assert_eq!(count(&json), cut, "{json}");
            }
        }
    }
}
