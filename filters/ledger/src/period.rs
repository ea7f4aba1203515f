//! Days, weeks and months of UTC.

use meshrouter_core::document::LimitReset;

const DAY: u64 = 24 * 60 * 60;

/// The first Monday after the epoch's first day, a Thursday, in days.
const FIRST_MONDAY: u64 = 4;

/// The day, week and month of a moment: numbers that grow by one from each to the next. 0 for before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// Days since the epoch.
    pub day: u64,
    /// Mondays since the epoch.
    pub week: u64,
    /// Months since the epoch.
    pub month: u64,
}

impl Period {
    /// Those of a moment in Unix seconds.
    #[must_use]
    pub fn of(seconds: u64) -> Self {
        let day = seconds / DAY;
        Self {
            day,
            week: day.saturating_add(7).saturating_sub(FIRST_MONDAY) / 7,
            month: month(day).0,
        }
    }

    /// When the current one ends, in Unix seconds; `None` where nothing ever resets.
    #[must_use]
    pub fn end(self, reset: LimitReset) -> Option<u64> {
        let day = match reset {
            LimitReset::Never => return None,
            LimitReset::Daily => self.day.saturating_add(1),
            LimitReset::Weekly => self.week.saturating_mul(7).saturating_add(FIRST_MONDAY),
            LimitReset::Monthly => {
                let (_, of_month) = month(self.day);
                // No month has more days than 31, and the next has as many as that one's rest.
                let next = self.day.saturating_add(32_u64.saturating_sub(of_month));
                let (_, over) = month(next);
                next.saturating_sub(over.saturating_sub(1))
            }
        };
        Some(day.saturating_mul(DAY))
    }
}

/// The month of a day since the epoch, and the day of that month, from 1 (the civil calendar from days, as Howard
/// Hinnant describes it).
fn month(day: u64) -> (u64, u64) {
    // From 1 March of the year 0: leap days are at the years' ends.
    let day = day.saturating_add(719_468);
    let (era, of_era) = (day / 146_097, day % 146_097);
    let leap = (of_era / 1_460)
        .saturating_sub(of_era / 36_524)
        .saturating_add(of_era / 146_096);
    let year_of_era = of_era.saturating_sub(leap) / 365;
    let before = (year_of_era.saturating_mul(365))
        .saturating_add(year_of_era / 4)
        .saturating_sub(year_of_era / 100);
    let of_year = of_era.saturating_sub(before);
    let from_march = of_year.saturating_mul(5).saturating_add(2) / 153;
    let first = from_march.saturating_mul(153).saturating_add(2) / 5;
    let year = era.saturating_mul(400).saturating_add(year_of_era);
    // March is the third month of its year.
    let months = year
        .saturating_mul(12)
        .saturating_add(from_march)
        .saturating_add(2);
    let since_epoch = months.saturating_sub(1_970 * 12);
    (since_epoch, of_year.saturating_sub(first).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-25, a Wednesday.
    const DAY_NUMBER: u64 = 20_782;

    #[test]
    fn periods_begin_at_midnight() {
        let of = |day: u64, second: u64| Period::of(day * DAY + second);
        let now = of(DAY_NUMBER, 0);
        assert_eq!(now.month, (2026 - 1970) * 12 + 10);
        assert_eq!(of(DAY_NUMBER, DAY - 1), now);
        assert_eq!(of(DAY_NUMBER - 1, 0).day, now.day - 1);
        // Monday to Sunday.
        for (offset, week) in [(0, now.week), (4, now.week), (5, now.week + 1)] {
            assert_eq!(of(DAY_NUMBER + offset, 0).week, week, "{offset}");
        }
        assert_eq!(of(DAY_NUMBER - 2, 0).week, now.week);
        assert_eq!(of(DAY_NUMBER - 3, 0).week, now.week - 1);
        for (offset, month) in [(5, now.month), (6, now.month + 1)] {
            assert_eq!(of(DAY_NUMBER + offset, 0).month, month, "{offset}");
        }
        assert_eq!(
            Period::of(0),
            Period {
                day: 0,
                week: 0,
                month: 0
            }
        );
    }

    #[test]
    fn ends_are_where_the_next_begins() {
        // Four years and some, with a leap day.
        for day in DAY_NUMBER..DAY_NUMBER + 1_600 {
            let now = Period::of(day * DAY + 7);
            assert_eq!(now.end(LimitReset::Never), None);
            for (reset, number) in [
                (LimitReset::Daily, (|p: Period| p.day) as fn(Period) -> u64),
                (LimitReset::Weekly, |p| p.week),
                (LimitReset::Monthly, |p| p.month),
            ] {
                let end = now.end(reset).unwrap();
                assert_eq!(number(Period::of(end)), number(now) + 1, "{reset:?} {day}");
                assert_eq!(number(Period::of(end - 1)), number(now), "{reset:?} {day}");
            }
        }
    }
}
