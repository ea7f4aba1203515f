//! Outcomes of the last moments: counts in buckets of time, which are used again in a ring.

use super::{Outcomes, set_word, short, word};

/// How many buckets there are. The current one is not full yet, so the window covers nine to ten.
const BUCKETS: u32 = 10;

/// A window of an entry: the number of its latest bucket, then both counts of each bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Its first word in the entry.
    pub(super) at: usize,
    /// Seconds of a bucket.
    pub(super) seconds: u64,
}

impl Window {
    /// The word after its last.
    pub(super) const fn end(self) -> usize {
        self.at + 1 + 2 * BUCKETS as usize
    }

    /// The words of a bucket's two counts.
    fn slot(self, bucket: u32) -> [usize; 2] {
        let first = self.at + 1 + 2 * (bucket % BUCKETS) as usize;
        [first, first + 1]
    }

    /// Counts one outcome. `now` is in seconds.
    pub(super) fn add(self, entry: &mut [u8], now: u64, answered: bool) {
        let bucket = short(now / self.seconds);
        let latest = word(entry, self.at);
        if bucket > latest {
            let passed = (bucket - latest).min(BUCKETS);
            for stale in 0..passed {
                for count in self.slot(bucket - stale) {
                    set_word(entry, count, 0);
                }
            }
            set_word(entry, self.at, bucket);
        }
        // Another thread's clock may be a moment ahead: its bucket will do.
        let [yes, no] = self.slot(bucket.max(latest));
        let count = if answered { yes } else { no };
        set_word(entry, count, word(entry, count).saturating_add(1));
    }

    /// All outcomes that are not too old. `now` is in seconds.
    pub(super) fn sum(self, entry: &[u8], now: u64) -> Outcomes {
        let latest = word(entry, self.at);
        let passed = short(now / self.seconds).saturating_sub(latest);
        let mut sum = Outcomes::default();
        for age in passed..BUCKETS {
            let [answered, failed] = self.slot(latest.wrapping_sub(age - passed));
            sum.answered += u64::from(word(entry, answered));
            sum.failed += u64::from(word(entry, failed));
        }
        sum
    }
}
