//! Moments as people write them: RFC 3339, in UTC.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY: u64 = 24 * 60 * 60;

/// Days from 1 March of the year 0 to the epoch.
const EPOCH: u64 = 719_468;

/// The last second of 9999.
const LAST: u64 = 253_402_300_799;

/// A moment, to the second, from 1970 to 9999.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From Unix seconds. What is later than 9999 is its last second.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.min(LAST))
    }

    /// In Unix seconds.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// Reads `2027-01-31T12:00:00Z`, or a date, which means its first second. Fractions of a second do not count.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a moment in UTC: expected RFC 3339, such as \"2027-01-31T12:00:00Z\", or a date, \
                 such as \"2027-01-31\""
            )
        };
        parse(text).map(Self::from_seconds).ok_or_else(wrong)
    }

    /// As RFC 3339 writes it, in ASCII: every request writes one.
    #[must_use]
    pub fn text(self) -> [u8; 20] {
        let [year, month, day] = date(self.0 / DAY);
        let second = self.0 % DAY;
        let mut text = *b"0000-00-00T00:00:00Z";
        let (century, rest) = text.split_at_mut(2);
        let places = std::iter::once(century).chain(rest.chunks_exact_mut(3));
        let clock = [second / 3_600, second / 60 % 60, second % 60];
        let date = [year / 100, year % 100, month, day];
        for (place, number) in places.zip(date.into_iter().chain(clock)) {
            if let ([tens, ones, ..], Ok(number)) = (place, u8::try_from(number)) {
                *tens += number / 10;
                *ones += number % 10;
            }
        }
        text
    }
}

fn parse(text: &str) -> Option<u64> {
    let (date, time) = match text.split_at_checked(10)? {
        (date, "") => (date, 0),
        (date, time) => (date, seconds(time)?),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let days_before = days(year, month, 1)?;
    let (next_year, next) = if month == 12 {
        (year.saturating_add(1), 1)
    } else {
        (year, month.saturating_add(1))
    };
    let length = days(next_year, next, 1)?.saturating_sub(days_before);
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let days = days_before.saturating_add(day.saturating_sub(1));
    Some(days.saturating_mul(DAY).saturating_add(time))
}

/// The seconds of a day in `T12:00:00Z`. Letters may be small, and a space may stand for the `T` (RFC 3339, section
/// 5.6).
fn seconds(time: &str) -> Option<u64> {
    let time = time.strip_prefix(['T', 't', ' '])?;
    let zones = ["Z", "z", "+00:00", "-00:00"];
    let time = zones.iter().find_map(|zone| time.strip_suffix(zone))?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let [hours, minutes, seconds] = numbers(clock, ':', [2, 2, 2])?;
    // A leap second is the next minute's first.
    let is_clock = hours < 24 && minutes < 60 && seconds <= 60;
    is_clock.then_some(hours.saturating_mul(3_600) + minutes.saturating_mul(60) + seconds)
}

/// Three numbers of these lengths with a separator between them.
fn numbers(text: &str, separator: char, lengths: [usize; 3]) -> Option<[u64; 3]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let parts: [&str; 3] = parts.try_into().ok()?;
    let mut numbers = [0; 3];
    for ((number, part), length) in numbers.iter_mut().zip(parts).zip(lengths) {
        let is_number = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| is_number)?;
    }
    Some(numbers)
}

/// Days since the epoch (Howard Hinnant, days from civil).
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) {
        return None;
    }
    // Years begin in March, so that leap days are at their ends.
    let (year, month) = match month.checked_sub(3) {
        Some(month) => (year, month),
        None => (year.checked_sub(1)?, month.saturating_add(9)),
    };
    let of_year = (month.saturating_mul(153).saturating_add(2) / 5).saturating_add(day) - 1;
    let leaps = (year / 4).saturating_sub(year / 100) + year / 400;
    let days = year.saturating_mul(365) + leaps + of_year;
    days.checked_sub(EPOCH)
}

/// The year, month and day of a day since the epoch (civil from days).
fn date(day: u64) -> [u64; 3] {
    let day = day.saturating_add(EPOCH);
    let (era, of_era) = (day / 146_097, day % 146_097);
    let leaps = (of_era / 1_460).saturating_sub(of_era / 36_524) + of_era / 146_096;
    let year = of_era.saturating_sub(leaps) / 365;
    let before = (year.saturating_mul(365) + year / 4).saturating_sub(year / 100);
    let of_year = of_era.saturating_sub(before);
    let month = of_year.saturating_mul(5).saturating_add(2) / 153;
    let first = month.saturating_mul(153).saturating_add(2) / 5;
    let year = era.saturating_mul(400).saturating_add(year);
    let (year, month) = if month < 10 {
        (year, month.saturating_add(3))
    } else {
        (year.saturating_add(1), month.saturating_sub(9))
    };
    [year, month, of_year.saturating_sub(first).saturating_add(1)]
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Moment;

        impl Visitor<'_> for Moment {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a moment in UTC, such as \"2027-01-31T12:00:00Z\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_standard_allows() {
        let noon = 1_801_396_800;
        for text in [
            "2027-01-31T12:00:00Z",
            "2027-01-31T12:00:00.999z",
            "2027-01-31t12:00:00+00:00",
            "2027-01-31 12:00:00-00:00",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().seconds(), noon, "{text}");
        }
        let seconds = |text| Timestamp::parse(text).unwrap().seconds();
        assert_eq!(seconds("2027-01-31"), noon - 12 * 3_600);
        assert_eq!(seconds("1970-01-01"), 0);
        assert_eq!(seconds("9999-12-31T23:59:59Z"), 253_402_300_799);
        assert_eq!(seconds("9999-12-31T23:59:60Z"), LAST);
        assert_eq!(
            seconds("2016-12-31T23:59:60Z"),
            seconds("2017-01-01T00:00:00Z")
        );
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "2027",
            "2027-13-01",
            "2027-00-01",
            "2027-02-29",
            "2027-01-32",
            "2027-01-00",
            "27-01-31",
            "1969-12-31",
            "2027-1-31T12:00",
            "2027-01-31T12:00Z",
            "2027-01-31T12:00:00",
            "2027-01-31T12:00:00+01:00",
            "2027-01-31T24:00:00Z",
            "2027-01-31T12:60:00Z",
            "2027-01-31T12:00:00.Z",
            "2027-01-31T+2:00:00Z",
            "2027-01-3é",
            "１027-01-31",
            "1801396800",
        ] {
            let error = Timestamp::parse(text).unwrap_err();
            assert!(error.contains("RFC 3339"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        // Every text that differs from a good one in two places.
        let good = "2028-02-29T23:59:60.5Z";
        let others = ['0', '3', '9', '-', ':', 'T', 'é'];
        for first in 0..good.len() {
            for second in 0..first {
                for pair in others.iter().flat_map(|a| others.map(|b| (*a, b))) {
                    let change = |(at, c)| match at {
                        _ if at == first => pair.0,
                        _ if at == second => pair.1,
                        _ => c,
                    };
                    let text: String = good.char_indices().map(change).collect();
                    if let Ok(moment) = Timestamp::parse(&text) {
                        assert_eq!(Timestamp::parse(&moment.to_string()), Ok(moment), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_day_round_trips() {
        for day in (0..2_932_896).step_by(7).chain([11_016, 11_017, 2_932_895]) {
            let moment = Timestamp(day * DAY + day % DAY);
            assert_eq!(Timestamp::parse(&moment.to_string()), Ok(moment));
        }
        assert_eq!(Timestamp(951_782_400).to_string(), "2000-02-29T00:00:00Z");
        let last = Timestamp::from_seconds(u64::MAX);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
        let json = serde_json::to_string(&Timestamp(0)).unwrap();
        assert_eq!(json, "\"1970-01-01T00:00:00Z\"");
        assert_eq!(
            serde_json::from_str::<Timestamp>(&json).unwrap(),
            Timestamp(0)
        );
    }
}
