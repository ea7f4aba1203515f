//! Parts of an amount: discounts and fees.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Decimal, Text};

/// Decimal places of a [`Share`].
const PLACES: usize = 4;

/// A share of one, from 0 to 1, in ten-thousandths: a discount, a fee.
///
/// Written as a decimal string: `"0.05"` for five percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u16);

impl Share {
    /// What shares are counted in.
    const WHOLE: u16 = 10_000;
    /// All of it.
    pub const ALL: Self = Self(Self::WHOLE);

    /// What is left of the whole without this share.
    #[must_use]
    pub fn rest(self) -> Self {
        Self(Self::WHOLE.saturating_sub(self.0))
    }

    /// The share as a fraction: so many, of so many.
    #[must_use]
    pub fn fraction(self) -> (u128, u128) {
        (u128::from(self.0), u128::from(Self::WHOLE))
    }

    /// Reads a decimal string such as `"0.25"`.
    ///
    /// # Errors
    /// Says what a share looks like, where the text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a share of one: expected a decimal string from \"0\" to \"1\" with at most \
                 {PLACES} decimal places, such as \"0.25\""
            )
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let fraction_digits = fraction.trim_end_matches('0');
        if !is_number(whole) || !is_number(fraction) || fraction_digits.len() > PLACES {
            return Err(wrong());
        }
        let parts: Option<u16> = format!("{whole}{fraction_digits:0<PLACES$}").parse().ok();
        let parts = parts.filter(|parts| *parts <= Self::WHOLE);
        parts.map(Self).ok_or_else(wrong)
    }
}

/// As a decimal number without trailing zeros: also a valid JSON number.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(self.0.into(), PLACES).fmt(f)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(Self::parse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_trip() {
        for text in ["0", "0.05", "0.25", "0.0001", "0.9999", "1"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Share::parse("0.2500000").unwrap(), Share(2_500));
        assert_eq!(Share::parse("1.0").unwrap(), Share::ALL);
        assert_eq!(Share::parse("0.25").unwrap().rest(), Share(7_500));
        assert_eq!(Share::ALL.rest(), Share::default());
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in [
            "", ".", ".5", "1.", "-0", "+1", "1.0001", "2", "0.00001", "5%", "1e-2", "0,5", "65537",
        ] {
            assert!(Share::parse(text).is_err(), "{text:?}");
        }
    }
}
