//! What requests that go on may still cost.

/// How long a reservation of a request that never ended counts at least, in seconds; at most twice that.
const HOUR: u64 = 60 * 60;

/// Amounts by the hour in which they were reserved. What nobody gave back for two hours is of a worker that failed,
/// and is forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reserved {
    hour: u64,
    current: u64,
    previous: u64,
}

/// How many words it takes.
pub(crate) const WORDS: usize = 3;

impl Reserved {
    /// All that is reserved; times are in Unix seconds.
    pub(crate) fn sum(self, now: u64) -> u64 {
        let here = self.at(now);
        here.current.saturating_add(here.previous)
    }

    pub(crate) fn and(self, amount: u64, now: u64) -> Self {
        let here = self.at(now);
        Self {
            current: here.current.saturating_add(amount),
            ..here
        }
    }

    /// Gives back what was reserved at `since`.
    pub(crate) fn without(self, amount: u64, since: u64, now: u64) -> Self {
        let mut here = self.at(now);
        match here.hour.checked_sub(since / HOUR) {
            Some(0) | None => here.current = here.current.saturating_sub(amount),
            Some(1) => here.previous = here.previous.saturating_sub(amount),
            Some(_) => {}
        }
        here
    }

    fn at(self, now: u64) -> Self {
        let hour = (now / HOUR).max(self.hour);
        let (current, previous) = match hour.saturating_sub(self.hour) {
            0 => (self.current, self.previous),
            1 => (0, self.current),
            _ => (0, 0),
        };
        Self {
            hour,
            current,
            previous,
        }
    }

    pub(crate) fn to_words(self) -> [u64; WORDS] {
        [self.hour, self.current, self.previous]
    }

    pub(crate) fn from_words([hour, current, previous]: [u64; WORDS]) -> Self {
        Self {
            hour,
            current,
            previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_what_was_taken() {
        let early = 10 * HOUR + 3_599;
        let late = 11 * HOUR;
        let both = Reserved::default().and(5, early).and(7, late);
        assert_eq!(both.sum(late), 12);
        assert_eq!(both.without(5, early, late).sum(late), 7);
        assert_eq!(both.without(7, late, late + 1).sum(late), 5);
        assert_eq!(both.sum(12 * HOUR), 7, "the first is forgotten");
        assert_eq!(
            both.without(5, early, 12 * HOUR).sum(12 * HOUR),
            7,
            "and not given back twice"
        );
        assert_eq!(both.sum(13 * HOUR), 0);
    }
}
