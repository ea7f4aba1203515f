//! Outcomes of the last moments: counts in buckets of time, which are used again in a ring.

use super::{Outcomes, long, set_word, short, word};

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
        if passed >= BUCKETS {
            return sum;
        }
        let counts = entry
            .get((self.at + 1) * 4..self.end() * 4)
            .unwrap_or_default();
        // The bucket of a slot is as old as it is behind the latest in the ring, and what has passed.
        let newest = latest % BUCKETS;
        for (slot, counts) in (0..BUCKETS).zip(counts.chunks_exact(8)) {
            let behind = if slot > newest {
                newest + BUCKETS - slot
            } else {
                newest - slot
            };
            if behind + passed < BUCKETS {
                let both = long(counts, 0);
                sum.answered += both & u64::from(u32::MAX);
                sum.failed += both >> 32;
            }
        }
        sum
    }
}
