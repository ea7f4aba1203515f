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
        write_decimal(f, self.0, PRICE_PLACES)
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
        write_decimal(f, self.0, AMOUNT_PLACES)
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

/// The most digits of a decimal number that 64 bits hold, its point and a zero before it.
const MOST_DIGITS: usize = 22;

/// Writes a number of units of so many decimal places, without trailing zeros. From its end, and without an
/// allocation: amounts are written several times a request.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, places: usize) -> fmt::Result {
    let (mut rest, mut written) = (value, 0);
    let mut text = [0; MOST_DIGITS];
    let mut free = text.iter_mut().rev();
    let mut push = |byte: u8| {
        if let Some(place) = free.next() {
            *place = byte;
            written += 1;
        }
    };
    let mut is_fraction = false;
    for place in 0.. {
        if place == places && is_fraction {
            push(b'.');
        }
        if place > places && rest == 0 {
            break;
        }
        let digit = u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        is_fraction |= digit > 0;
        if place >= places || is_fraction {
            push(b'0' + digit);
        }
    }
    let text = text.get(MOST_DIGITS - written..).unwrap_or_default();
    f.write_str(std::str::from_utf8(text).unwrap_or_default())
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
    fn amounts_are_json_numbers() {
        assert_eq!(Usd::from_pico(14_250_000_000).to_string(), "0.01425");
        assert_eq!(Usd::from_pico(2_000_000_000_000).to_string(), "2");
        assert_eq!(Usd::default().to_string(), "0");
    }
}
