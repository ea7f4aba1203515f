//! Prices and amounts as integers. No float ever holds money.

mod share;

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use share::Share;

/// Decimal places of a [`Price`]: pico-dollars.
const PRICE_PLACES: usize = 12;
/// Decimal places of an [`Usd`]: nano-dollars.
const AMOUNT_PLACES: usize = 9;
/// Pico-dollars in a nano-dollar.
const PICO_PER_NANO: u128 = 1_000;

/// A price in pico-dollars (10⁻¹² USD) per unit: a token, a request, an image.
///
/// Written as a decimal string in USD, as in the Models API: `"0.00000015"`. Finer than the
/// nano-dollars of [`Usd`] because some models cost less than a nano-dollar a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(u64);

impl Price {
    /// The price of `units` units, in pico-dollars.
    #[must_use]
    pub fn times(self, units: u64) -> u128 {
        // Most of what has a price is not used, and multiplying by it takes as long.
        if self.0 == 0 || units == 0 {
            return 0;
        }
        // The product of two 64-bit numbers always fits.
        u128::from(self.0) * u128::from(units)
    }

    /// Reads a decimal string such as `"0.0000025"`.
    ///
    /// # Errors
    /// Says what is wrong with the text: a sign, an exponent, too many digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a price: expected USD per unit as a plain decimal string, such as \"0.0000025\""
            )
        };
        let places = text
            .split_once('.')
            .map_or(0, |(_, fraction)| fraction.trim_end_matches('0').len());
        match decimal(text, PRICE_PLACES) {
            Some(price) => Ok(Self(price)),
            None if places > PRICE_PLACES => Err(format!(
                "`{text}` has more than {PRICE_PLACES} decimal places; prices are kept to a pico-dollar"
            )),
            None => Err(wrong()),
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(self.0, PRICE_PLACES).fmt(f)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(Self::parse))
    }
}

/// An amount in nano-dollars (10⁻⁹ USD).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(u64);

impl Usd {
    /// From pico-dollars, rounded half up.
    #[must_use]
    pub fn from_pico(pico: u128) -> Self {
        Self::of_shares(pico, [Share::ALL; 2])
    }

    /// The one share of the other share of so many pico-dollars, rounded half up. Rounding happens here and
    /// nowhere else: once an amount, whatever it is a share of.
    ///
    /// Exact up to 10¹⁸ dollars; the amount itself is at most the 18 billion that 64 bits hold.
    #[must_use]
    pub fn of_shares(pico: u128, shares: [Share; 2]) -> Self {
        let (mut parts, mut of) = (pico, PICO_PER_NANO);
        for share in shares.into_iter().filter(|share| *share != Share::ALL) {
            let (some, all) = share.fraction();
            parts = parts.saturating_mul(some);
            of = of.saturating_mul(all);
        }
        let sum = parts.saturating_add(of / 2);
        // Nearly always 64 bits hold it, which divide much faster.
        let nano = match (u64::try_from(sum), u64::try_from(of)) {
            (Ok(sum), Ok(of)) => sum.checked_div(of),
            _ => u64::try_from(sum / of).ok(),
        };
        Self(nano.unwrap_or(u64::MAX))
    }

    /// From nano-dollars.
    #[must_use]
    pub fn from_nano(nano: u64) -> Self {
        Self(nano)
    }

    /// The amount in nano-dollars.
    #[must_use]
    pub fn nano(self) -> u64 {
        self.0
    }

    /// Reads a decimal string such as `"12.50"`.
    ///
    /// # Errors
    /// Says what is wrong with the text: a sign, an exponent, too many digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not an amount: expected USD as a plain decimal number of at most {AMOUNT_PLACES} \
                 decimal places, such as \"12.50\""
            )
        };
        decimal(text, AMOUNT_PLACES).map(Self).ok_or_else(wrong)
    }
}

/// In dollars, exact, without trailing zeros: also a valid JSON number.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::from(*self).fmt(f)
    }
}

impl Serialize for Usd {
    /// As a decimal string, which no reader takes for a float.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Usd {
    /// From a decimal string, or from a number as it is written.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Amount;

        impl Visitor<'_> for Amount {
            type Value = Usd;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in USD, such as \"12.50\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Usd, E> {
                Usd::parse(text).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, whole: u64) -> Result<Usd, E> {
                self.visit_str(&whole.to_string())
            }

            fn visit_i64<E: Error>(self, whole: i64) -> Result<Usd, E> {
                self.visit_str(&whole.to_string())
            }

            // YAML and protobuf know no other numbers. The shortest text that means this double is the one that
            // stood there, and nothing is computed with it.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Usd, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Amount)
    }
}

/// Reads a plain decimal number in units of so many decimal places.
fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let fraction_digits = fraction.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction_digits.len() > places {
        return None;
    }
    format!("{whole}{fraction_digits:0<places$}").parse().ok()
}

/// Reads a string with a parser of its own. As a visitor, so that an error has the place of the string.
struct Text<T>(fn(&str) -> Result<T, String>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// A decimal number, written from its end: amounts are written several times a request, so without an allocation.
#[derive(Debug)]
pub struct Decimal {
    text: [u8; Self::LONGEST],
    start: usize,
}

impl Decimal {
    /// The digits of 64 bits and a point; or a price's decimal places, with a point and a zero before them.
    const LONGEST: usize = 21;

    /// A number of units of so many decimal places, without trailing zeros.
    fn new(mut value: u64, mut places: usize) -> Self {
        while places > 0 && value.is_multiple_of(10) {
            value /= 10;
            places -= 1;
        }
        let mut decimal = Self {
            text: [0; Self::LONGEST],
            start: Self::LONGEST,
        };
        while places > 0 {
            decimal.digit(&mut value);
            places -= 1;
            if places == 0 {
                decimal.push(b'.');
            }
        }
        decimal.digit(&mut value);
        while value > 0 {
            decimal.digit(&mut value);
        }
        decimal
    }

    fn digit(&mut self, value: &mut u64) {
        let digit = u8::try_from(*value % 10).unwrap_or_default();
        *value /= 10;
        self.push(b'0' | digit);
    }

    fn push(&mut self, byte: u8) {
        self.start = self.start.saturating_sub(1);
        if let Some(place) = self.text.get_mut(self.start) {
            *place = byte;
        }
    }

    /// Its bytes: digits, and a point.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// The same as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }
}

/// A whole number.
impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self::new(value, 0)
    }
}

impl From<Usd> for Decimal {
    fn from(amount: Usd) -> Self {
        Self::new(amount.0, AMOUNT_PLACES)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_round_trip() {
        for text in ["0", "0.00000015", "1", "12.5", "0.000000000001"] {
            assert_eq!(Price::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Price::parse("0.10").unwrap().to_string(), "0.1");
    }

    #[test]
    fn bad_prices_are_refused() {
        for text in [
            "",
            ".",
            ".5",
            "-1",
            "+1",
            "1e-6",
            "0,5",
            "1.2.3",
            "0.0000000000001",
            "99999999999999",
        ] {
            assert!(Price::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn amounts_round_half_up_once() {
        assert_eq!(Usd::from_pico(499).nano(), 0);
        assert_eq!(Usd::from_pico(500).nano(), 1);
        assert_eq!(Usd::from_pico(1_499).nano(), 1);
        assert_eq!(Usd::from_pico(u128::MAX).nano(), u64::MAX);
    }

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for (json, nano) in [
            (r#""12.50""#, 12_500_000_000),
            ("12.5", 12_500_000_000),
            ("5", 5_000_000_000),
            ("0.000000001", 1),
            ("1000000.000001", 1_000_000_000_001_000),
        ] {
            let amount: Usd = serde_json::from_str(json).unwrap();
            assert_eq!(amount.nano(), nano, "{json}");
        }
        for json in [
            "-1",
            "1e30",
            r#""1e3""#,
            r#""0.0000000001""#,
            "true",
            r#""""#,
        ] {
            assert!(serde_json::from_str::<Usd>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn shares_of_shares_round_once() {
        let share = |text| Share::parse(text).unwrap();
        // 1,998 pico-dollars: three quarters of them are 1,498.5, half of that 749.25.
        let of = |shares| Usd::of_shares(1_998, shares).nano();
        assert_eq!(of([share("0.75"), Share::ALL]), 1);
        // Rounded in between it would be none.
        assert_eq!(of([share("0.75"), share("0.5")]), 1);
        assert_eq!(of([share("0.75"), share("0.3")]), 0);
        assert_eq!(of([Share::ALL, Share::default()]), 0);
        let most = Usd::of_shares(u128::MAX, [Share::ALL; 2]);
        assert_eq!(most.nano(), u64::MAX);
    }

    #[test]
    fn decimals_are_exact() {
        for (value, places, text) in [
            (0, 0, "0"),
            (10, 0, "10"),
            (0, 12, "0"),
            (1, 12, "0.000000000001"),
            (1_010, 3, "1.01"),
            (u64::MAX, 0, "18446744073709551615"),
            (u64::MAX, 12, "18446744.073709551615"),
            (u64::MAX, 19, "1.8446744073709551615"),
        ] {
            assert_eq!(Decimal::new(value, places).to_string(), text);
        }
    }

    #[test]
    fn amounts_are_json_numbers() {
        assert_eq!(Usd::from_pico(14_250_000_000).to_string(), "0.01425");
        assert_eq!(Usd::from_pico(2_000_000_000_000).to_string(), "2");
        assert_eq!(Usd::default().to_string(), "0");
    }
}
