//! The live state of an account.

use meshrouter_core::document::LimitReset;
use meshrouter_core::money::Usd;

use crate::period::Period;
use crate::rate::{self, Rate};
use crate::reserved::{self, Reserved};
use crate::spending::{self, Spending, Sum};
use crate::sync::{self, Sync};

/// The layout's version: a balance of another is started anew.
const VERSION: u64 = 1;

/// What an account has spent, reserved and asked for. In shared data a list of words, little-endian, of a fixed
/// number: no parse on any request's way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// What was spent and is not in the store yet; all of it where there is none.
    pub(crate) pending: Spending,
    /// What the store is being told, and does not say yet that it knows.
    pub(crate) flying: Spending,
    /// What the store knows, of all gateways.
    pub(crate) settled: Spending,
    /// What requests that go on may still cost, in nano-dollars.
    pub(crate) reserved: Reserved,
    /// Requests of the last minute.
    pub(crate) requests: Rate,
    /// Tokens of the last minute.
    pub(crate) tokens: Rate,
    /// The day of the requests for free models that were counted, and their number.
    pub(crate) free: [u64; 2],
    /// How it stands with the store.
    pub(crate) sync: Sync,
}

const WORDS: usize =
    1 + 3 * spending::WORDS + reserved::WORDS + 2 * rate::WORDS + FREE_WORDS + sync::WORDS;
const FREE_WORDS: usize = 2;

impl Balance {
    /// Reads what shared data holds; a new one where that is nothing, or of another version.
    #[must_use]
    pub fn decode(bytes: Option<&[u8]>) -> Self {
        let (words, odd) = bytes.unwrap_or_default().as_chunks();
        let mut words = Words(words);
        if words.0.len() != WORDS || !odd.is_empty() || words.take() != [VERSION] {
            return Self::default();
        }
        Self {
            pending: Spending::from_words(words.take()),
            flying: Spending::from_words(words.take()),
            settled: Spending::from_words(words.take()),
            reserved: Reserved::from_words(words.take()),
            requests: Rate::from_words(words.take()),
            tokens: Rate::from_words(words.take()),
            free: words.take(),
            sync: Sync::from_words(words.take()),
        }
    }

    /// As shared data holds it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(WORDS.saturating_mul(8));
        put(&mut bytes, [VERSION]);
        put(&mut bytes, self.pending.to_words());
        put(&mut bytes, self.flying.to_words());
        put(&mut bytes, self.settled.to_words());
        put(&mut bytes, self.reserved.to_words());
        put(&mut bytes, self.requests.to_words());
        put(&mut bytes, self.tokens.to_words());
        put(&mut bytes, self.free);
        put(&mut bytes, self.sync.to_words());
        bytes
    }

    /// What was spent since the last reset, as far as this gateway knows.
    #[must_use]
    pub fn spent(&self, reset: LimitReset, now: Period) -> Sum {
        let all = [self.pending, self.flying, self.settled];
        let sums = all.map(|part| part.since(reset, now));
        sums.into_iter().fold(Sum::default(), Sum::and)
    }

    /// What requests that go on at this gateway may still cost; `now` in Unix seconds.
    #[must_use]
    pub fn reserved(&self, now: u64) -> Usd {
        Usd::from_nano(self.reserved.sum(now))
    }
}

fn put<const N: usize>(bytes: &mut Vec<u8>, words: [u64; N]) {
    bytes.extend_from_slice(words.map(u64::to_le_bytes).as_flattened());
}

/// The bytes of words that are still to be read.
struct Words<'w>(&'w [[u8; 8]]);

impl Words<'_> {
    /// The next words; 0 for each where they are not there.
    fn take<const N: usize>(&mut self) -> [u64; N] {
        let Some((words, rest)) = self.0.split_first_chunk() else {
            return [0; N];
        };
        self.0 = rest;
        words.map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let numbered = |from: u64| {
            let words: Vec<u64> = (from..).take(spending::WORDS).collect();
            Spending::from_words(words.try_into().unwrap())
        };
        let balance = Balance {
            pending: numbered(1),
            flying: numbered(20),
            settled: numbered(40),
            reserved: Reserved::from_words([60, 61, 62]),
            requests: Rate::from_words([70, 71, 72]),
            tokens: Rate::from_words([80, 81, 82]),
            free: [90, 91],
            sync: Sync::from_words([100, 101, 102, 103, 104]),
        };
        let bytes = balance.encode();
        assert_eq!(Balance::decode(Some(&bytes)), balance);
        assert_eq!(bytes.len(), WORDS * 8);
        let mut other = bytes.clone();
        other[0] = 9;
        for bytes in [None, Some(&bytes[1..]), Some(&other), Some(&[][..])] {
            assert_eq!(Balance::decode(bytes), Balance::default());
        }
    }
}
