//! What was spent: in all, and in the current day, week and month.

use meshrouter_core::document::LimitReset;
use meshrouter_core::money::Usd;

use crate::period::Period;

/// Two amounts in nano-dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// What the gateway charged.
    pub spent: u64,
    /// What the account's own accounts at providers cost it there.
    pub byok: u64,
}

impl Sum {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            spent: self.spent.saturating_add(other.spent),
            byok: self.byok.saturating_add(other.byok),
        }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// What of it counts against a limit.
    #[must_use]
    pub fn counted(self, include_byok: bool) -> Usd {
        let byok = if include_byok { self.byok } else { 0 };
        Usd::from_nano(self.spent.saturating_add(byok))
    }
}

/// What was spent in the period of this number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Dated {
    number: u64,
    sum: Sum,
}

impl Dated {
    /// With what was spent in the period of a number: of two periods, the later one stays.
    fn and(self, other: Self) -> Self {
        match self.number.cmp(&other.number) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Equal => Self {
                sum: self.sum.and(other.sum),
                ..self
            },
            std::cmp::Ordering::Greater => self,
        }
    }

    fn in_period(self, number: u64) -> Sum {
        match self.number == number {
            true => self.sum,
            false => Sum::default(),
        }
    }
}

/// What was spent, by period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spending {
    all: Sum,
    day: Dated,
    week: Dated,
    month: Dated,
}

/// How many words [`Spending`] takes.
pub(crate) const WORDS: usize = 11;

impl Spending {
    /// An amount that was spent in a period.
    #[must_use]
    pub fn of(sum: Sum, at: Period) -> Self {
        let dated = |number| Dated { number, sum };
        Self {
            all: sum,
            day: dated(at.day),
            week: dated(at.week),
            month: dated(at.month),
        }
    }

    /// Both together. Of what belongs to different days, the later one's stays; likewise weeks and months.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            all: self.all.and(other.all),
            day: self.day.and(other.day),
            week: self.week.and(other.week),
            month: self.month.and(other.month),
        }
    }

    /// Whether nothing was ever spent.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.all.is_zero()
    }

    /// What was spent since the last reset.
    #[must_use]
    pub fn since(self, reset: LimitReset, now: Period) -> Sum {
        match reset {
            LimitReset::Never => self.all,
            LimitReset::Daily => self.day.in_period(now.day),
            LimitReset::Weekly => self.week.in_period(now.week),
            LimitReset::Monthly => self.month.in_period(now.month),
        }
    }

    /// As words, of which [`from_slice`](Self::from_slice) makes the same.
    #[must_use]
    pub fn to_words(self) -> [u64; WORDS] {
        let [day, week, month] = [self.day, self.week, self.month];
        [
            self.all.spent,
            self.all.byok,
            day.number,
            day.sum.spent,
            day.sum.byok,
            week.number,
            week.sum.spent,
            week.sum.byok,
            month.number,
            month.sum.spent,
            month.sum.byok,
        ]
    }

    /// Reads what [`to_words`](Self::to_words) gave; nothing of a list of another length.
    #[must_use]
    pub fn from_slice(words: &[u64]) -> Self {
        words.try_into().map(Self::from_words).unwrap_or_default()
    }

    pub(crate) fn from_words(words: [u64; WORDS]) -> Self {
        let [spent, byok, d, ds, db, w, ws, wb, m, ms, mb] = words;
        let dated = |number, spent, byok| Dated {
            number,
            sum: Sum { spent, byok },
        };
        Self {
            all: Sum { spent, byok },
            day: dated(d, ds, db),
            week: dated(w, ws, wb),
            month: dated(m, ms, mb),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    fn spent(nano: u64, day: u64) -> Spending {
        let sum = Sum {
            spent: nano,
            byok: nano * 10,
        };
        Spending::of(sum, Period::of(day * DAY))
    }

    #[test]
    fn periods_reset_and_the_whole_stays() {
        // 31 August 2026, a Monday, and the days before and after.
        let monday = 20_696;
        let all = spent(1, monday - 1)
            .and(spent(2, monday))
            .and(spent(4, monday + 1));
        let since = |reset, day: u64| all.since(reset, Period::of(day * DAY)).spent;
        assert_eq!(since(LimitReset::Never, monday + 1), 7);
        assert_eq!(since(LimitReset::Daily, monday + 1), 4);
        assert_eq!(since(LimitReset::Daily, monday + 2), 0);
        assert_eq!(since(LimitReset::Weekly, monday + 1), 6);
        assert_eq!(since(LimitReset::Monthly, monday + 1), 4);
        assert_eq!(since(LimitReset::Monthly, monday + 40), 0);
        // What comes late does not bring an ended day back.
        let late = all.and(spent(8, monday));
        let now = Period::of((monday + 1) * DAY);
        assert_eq!(late.since(LimitReset::Daily, now).spent, 4);
        assert_eq!(late.since(LimitReset::Never, now).spent, 15);
    }

    #[test]
    fn words_hold_all() {
        let spending = spent(1, 100).and(spent(5, 140));
        assert_eq!(Spending::from_words(spending.to_words()), spending);
        assert_eq!(
            spending
                .since(LimitReset::Never, Period::default())
                .counted(true)
                .nano(),
            66
        );
        assert_eq!(
            spending
                .since(LimitReset::Never, Period::default())
                .counted(false)
                .nano(),
            6
        );
    }
}
