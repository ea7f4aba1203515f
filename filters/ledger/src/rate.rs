//! How much came in the last minute.

/// The window, in seconds.
const WINDOW: u64 = 60;

/// A sliding window over the last minute: what came in the current minute of the clock, and of the one before the
/// share that the window still covers. Two numbers, whatever comes; off by as much as the last minute was uneven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Minutes since the epoch.
    minute: u64,
    current: u64,
    previous: u64,
}

/// How many words a [`Rate`] takes.
pub(crate) const WORDS: usize = 3;

impl Rate {
    /// What came in the minute before `now`, which is in Unix seconds.
    #[must_use]
    pub fn lately(self, now: u64) -> u64 {
        let here = self.at(now);
        let left = WINDOW.saturating_sub(now % WINDOW);
        // To the nearest: one request a minute is one in a minute and a half at worst, and no two at once.
        let share = here
            .previous
            .saturating_mul(left)
            .saturating_add(WINDOW / 2)
            / WINDOW;
        here.current.saturating_add(share)
    }

    /// Adds what comes now.
    #[must_use]
    pub fn and(self, amount: u64, now: u64) -> Self {
        let here = self.at(now);
        Self {
            current: here.current.saturating_add(amount),
            ..here
        }
    }

    /// Takes back what did not come, as far as it is still in the window.
    #[must_use]
    pub fn without(self, amount: u64, now: u64) -> Self {
        let here = self.at(now);
        let from_current = amount.min(here.current);
        let rest = amount.saturating_sub(from_current);
        Self {
            current: here.current.saturating_sub(from_current),
            previous: here.previous.saturating_sub(rest),
            ..here
        }
    }

    /// In how many seconds so much more would stay within `most`; the whole window where it never would.
    #[must_use]
    pub fn wait(self, amount: u64, most: u64, now: u64) -> u64 {
        let fits = |seconds: u64| {
            let then = now.saturating_add(seconds);
            self.lately(then).saturating_add(amount) <= most
        };
        (1..WINDOW.saturating_mul(2))
            .find(|seconds| fits(*seconds))
            .unwrap_or(WINDOW)
    }

    /// As it is seen in the minute of `now`. A clock that went back sees the later minute.
    fn at(self, now: u64) -> Self {
        let minute = (now / WINDOW).max(self.minute);
        let (current, previous) = match minute.saturating_sub(self.minute) {
            0 => (self.current, self.previous),
            1 => (0, self.current),
            _ => (0, 0),
        };
        Self {
            minute,
            current,
            previous,
        }
    }

    pub(crate) fn to_words(self) -> [u64; WORDS] {
        [self.minute, self.current, self.previous]
    }

    pub(crate) fn from_words([minute, current, previous]: [u64; WORDS]) -> Self {
        Self {
            minute,
            current,
            previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slides() {
        let rate = Rate::default().and(10, 600).and(20, 659);
        assert_eq!(rate.lately(659), 30);
        assert_eq!(rate.lately(660), 30);
        assert_eq!(rate.lately(690), 15);
        assert_eq!(rate.lately(719), 1);
        assert_eq!(rate.lately(720), 0);
        assert_eq!(rate.and(5, 690).lately(690), 20);
        assert_eq!(rate.lately(0), 30, "a clock that went back");
    }

    #[test]
    fn what_did_not_come_returns() {
        let rate = Rate::default().and(10, 600).and(5, 661);
        assert_eq!(rate.without(4, 661).lately(661), 10 + 1);
        assert_eq!(rate.without(8, 661).lately(661), 7);
        assert_eq!(rate.without(100, 661).lately(661), 0);
    }

    #[test]
    fn says_how_long_to_wait() {
        let rate = Rate::default().and(60, 600);
        assert_eq!(rate.wait(1, 60, 600), 61);
        assert_eq!(rate.wait(30, 60, 600), 90);
        assert_eq!(rate.wait(1, 60, 660), 1);
        assert_eq!(rate.wait(61, 60, 600), 60, "never");
        let then = 600 + rate.wait(30, 60, 600);
        assert!(rate.lately(then) + 30 <= 60);
    }
}
