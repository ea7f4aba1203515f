//! How a balance stands with a store that several gateways share.
//!
//! What is spent is `pending` until it is taken off to the store, `flying` until the store says that it has it, and
//! part of `settled` from then on. Each flight has a number, which the store keeps with the balance: one that was sent
//! twice, because the first answer was lost, counts once.

use crate::balance::Balance;
use crate::spending::Spending;

/// A balance that waits in the queue for so long, in seconds, is queued again: whoever had it is gone.
const QUEUED_SECONDS: u64 = 30;

/// How long another gateway's word of what it has reserved holds, in seconds.
pub const RESERVED_SECONDS: u64 = 60;

/// How a balance stands with the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sync {
    /// When it was queued to be taken off, in Unix seconds; 0 where it is not.
    queued: u64,
    /// The number of the last flight.
    flight: u64,
    /// The store's revision of what is settled; 0 where the store has nothing.
    revision: u64,
    /// What the other gateways have reserved, and until when that holds, in Unix seconds.
    elsewhere: u64,
    until: u64,
}

/// How many words it takes.
pub(crate) const WORDS: usize = 5;

/// What the store knows of a balance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// What was spent, by all gateways.
    pub spending: Spending,
    /// The store's revision of it; 0 where it has nothing.
    pub revision: u64,
    /// The last flight of this gateway that is in it.
    pub flight: u64,
    /// What the other gateways have reserved, in nano-dollars.
    pub reserved: u64,
}

impl Balance {
    /// Whether the balance must be put into the queue because of a change at `now`, in Unix seconds: it is not there
    /// yet. It counts as being there from now on.
    pub fn queue(&mut self, now: u64) -> bool {
        if now < self.sync.queued.saturating_add(QUEUED_SECONDS) {
            return false;
        }
        self.sync.queued = now;
        true
    }

    /// Takes off what is pending, unless something is flying already: what the store is to know then, the
    /// number of the flight, and the revision that it replaces.
    pub fn take_off(&mut self) -> Known {
        self.sync.queued = 0;
        if self.flying.is_zero() {
            self.flying = std::mem::take(&mut self.pending);
            self.sync.flight = self.sync.flight.saturating_add(1);
        }
        Known {
            spending: self.settled.and(self.flying),
            revision: self.sync.revision,
            flight: self.sync.flight,
            reserved: self.sync.elsewhere,
        }
    }

    /// Takes in what the store knows. Older news than what is known already are none.
    pub fn learn(&mut self, known: &Known, now: u64) {
        if known.revision <= self.sync.revision {
            return;
        }
        self.settled = known.spending;
        self.sync.revision = known.revision;
        self.sync.elsewhere = known.reserved;
        self.sync.until = now.saturating_add(RESERVED_SECONDS);
        if known.flight >= self.sync.flight {
            self.flying = Spending::default();
        }
    }

    /// Whether something is on its way to the store, or waits for it.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        !self.flying.is_zero() || !self.pending.is_zero()
    }
}

impl Sync {
    /// What the other gateways have reserved.
    pub(crate) fn reserved_elsewhere(self, now: u64) -> u64 {
        if now < self.until { self.elsewhere } else { 0 }
    }

    pub(crate) fn to_words(self) -> [u64; WORDS] {
        [
            self.queued,
            self.flight,
            self.revision,
            self.elsewhere,
            self.until,
        ]
    }

    pub(crate) fn from_words([queued, flight, revision, elsewhere, until]: [u64; WORDS]) -> Self {
        Self {
            queued,
            flight,
            revision,
            elsewhere,
            until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Period, Sum, Used};
    use meshrouter_core::document::{Allowance, LimitReset};
    use meshrouter_core::money::Usd;

    const NOW: u64 = 1_795_600_000;

    fn spend(balance: &mut Balance, nano: u64) {
        let used = Used {
            now: NOW,
            cost: Sum {
                spent: nano,
                byok: 0,
            },
            tokens: 0,
        };
        balance.settle(None, &used);
    }

    fn spent(balance: &Balance) -> u64 {
        let sum = balance.spent(LimitReset::Never, Period::of(NOW));
        sum.spent
    }

    /// What the store says after it took a flight.
    fn landed(flight: Known, revision: u64) -> Known {
        Known { revision, ..flight }
    }

    #[test]
    fn what_is_sent_twice_counts_once() {
        let mut balance = Balance::default();
        spend(&mut balance, 5);
        let first = balance.take_off();
        assert_eq!((first.revision, first.flight), (0, 1));
        spend(&mut balance, 7);
        // No answer: the same goes off again, without what came since.
        assert_eq!(balance.take_off(), first);
        assert_eq!(spent(&balance), 12);
        balance.learn(&landed(first, 3), NOW);
        assert_eq!(spent(&balance), 12);
        // The answer of the other one is no news.
        balance.learn(&landed(first, 3), NOW);
        let second = balance.take_off();
        assert_eq!((second.revision, second.flight), (3, 2));
        balance.learn(&landed(second, 4), NOW);
        assert_eq!((spent(&balance), balance.is_unsaved()), (12, false));
    }

    #[test]
    fn two_gateways_add_up() {
        let (mut here, mut there) = (Balance::default(), Balance::default());
        spend(&mut here, 5);
        spend(&mut there, 7);
        let first = here.take_off();
        let lost = there.take_off();
        let stored = landed(first, 1);
        here.learn(&stored, NOW);
        // The other one hears of it instead of being taken: its own flight is still to come.
        let heard = Known {
            flight: 0,
            ..stored
        };
        there.learn(&heard, NOW);
        assert_eq!((spent(&here), spent(&there)), (5, 12));
        let second = there.take_off();
        assert_eq!((second.flight, second.revision), (lost.flight, 1));
        there.learn(&landed(second, 2), NOW);
        let heard = Known {
            flight: 1,
            ..landed(second, 2)
        };
        here.learn(&heard, NOW);
        assert_eq!((spent(&here), spent(&there)), (12, 12));
    }

    #[test]
    fn what_others_reserve_counts_for_a_while() {
        let allowance = Allowance {
            limit: Some(Usd::from_nano(10)),
            ..Allowance::default()
        };
        let mut balance = Balance::default();
        let known = Known {
            revision: 1,
            reserved: 8,
            ..Known::default()
        };
        balance.learn(&known, NOW);
        let left = |now| balance.left(&allowance, now).unwrap().nano();
        assert_eq!(left(NOW), 2);
        assert_eq!(left(NOW + RESERVED_SECONDS), 10);
    }

    #[test]
    fn a_balance_is_queued_once() {
        let mut balance = Balance::default();
        assert!(balance.queue(NOW));
        assert!(!balance.queue(NOW + 1));
        assert!(balance.queue(NOW + QUEUED_SECONDS), "lost on the way");
        let _ = balance.take_off();
        assert!(balance.queue(NOW + QUEUED_SECONDS));
    }
}
