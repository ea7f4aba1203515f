//! The latest samples of a measure, each with its time.

use super::{set_word, short, word};

/// How many samples there are.
const SAMPLES: usize = 16;

/// A ring of an entry: how many samples there were, then the time (Unix seconds) and the value of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    /// Its first word in the entry.
    pub(super) at: usize,
}

impl Ring {
    /// The word after its last.
    pub(super) const fn end(self) -> usize {
        self.at + 1 + 2 * SAMPLES
    }

    /// Adds a sample in the place of the oldest. `now` is in seconds.
    pub(super) fn add(self, entry: &mut [u8], now: u64, value: u32) {
        let count = word(entry, self.at);
        let slot = self.at + 1 + 2 * (count as usize % SAMPLES);
        set_word(entry, slot, short(now));
        set_word(entry, slot + 1, value);
        set_word(entry, self.at, count.wrapping_add(1));
    }

    /// The smallest sample that `percent` of those do not exceed that are no older than `age`
    /// seconds; `None` where there are none.
    pub(super) fn percentile(self, entry: &[u8], now: u64, age: u64, percent: u32) -> Option<u32> {
        let mut values = [0; SAMPLES];
        let mut count = 0;
        for sample in 0..SAMPLES {
            let slot = self.at + 1 + 2 * sample;
            let time = u64::from(word(entry, slot));
            if time > 0 && time.saturating_add(age) >= now {
                *values.get_mut(count)? = word(entry, slot + 1);
                count += 1;
            }
        }
        let values = values.get_mut(..count)?;
        values.sort_unstable();
        let rank = (count * percent as usize).div_ceil(100);
        values.get(rank.saturating_sub(1)).copied()
    }
}
