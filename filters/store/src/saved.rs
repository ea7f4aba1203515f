//! A balance as the store has it: JSON, for people who look into their etcd.

use meshrouter_ledger::{Known, RESERVED_SECONDS, Spending};
use serde::{Deserialize, Serialize};

/// How long a gateway is remembered that says nothing, in seconds: as long as something of it could still be sent a
/// second time.
const REMEMBERED_SECONDS: u64 = 24 * 60 * 60;

/// The most others that are remembered, the latest: a gateway that starts over and over has a new name each time.
const MOST_OTHERS: usize = 31;

/// A balance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// What was spent, as [`Spending::to_words`] has it: amounts in nano-dollars.
    spending: Vec<u64>,
    /// What each gateway said last.
    gateways: Vec<Gateway>,
}

/// What a gateway said last of a balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gateway {
    id: String,
    /// The number of the last flight that counts.
    flight: u64,
    /// When, in Unix seconds.
    at: u64,
    /// What it has reserved, in nano-dollars.
    reserved: u64,
}

impl Saved {
    /// Reads a value of the store; `None` where it is none.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// What the others said, for the next value.
    pub(crate) fn gateways(self) -> Vec<Gateway> {
        self.gateways
    }

    /// What follows from it for the gateway `id`.
    pub(crate) fn known(&self, id: &str, revision: u64, now: u64) -> Known {
        let ours = |gateway: &&Gateway| gateway.id == id;
        let others = self.gateways.iter().filter(|gateway| gateway.id != id);
        let fresh = others.filter(|other| now < other.at.saturating_add(RESERVED_SECONDS));
        Known {
            spending: Spending::from_slice(&self.spending),
            revision,
            flight: self
                .gateways
                .iter()
                .find(ours)
                .map_or(0, |ours| ours.flight),
            reserved: fresh.fold(0, |sum, other| sum.saturating_add(other.reserved)),
        }
    }

    /// The value that a flight of the gateway `id` makes, of what was known before.
    pub(crate) fn of(known: &Known, id: &str, reserved: u64, others: &[Gateway], now: u64) -> Self {
        let remembered =
            |other: &&Gateway| other.id != id && now < other.at.saturating_add(REMEMBERED_SECONDS);
        let mut gateways: Vec<_> = others.iter().filter(remembered).cloned().collect();
        gateways.sort_by_key(|other| std::cmp::Reverse(other.at));
        gateways.truncate(MOST_OTHERS);
        gateways.push(Gateway {
            id: id.to_owned(),
            flight: known.flight,
            at: now,
            reserved,
        });
        Self {
            spending: known.spending.to_words().to_vec(),
            gateways,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_see_each_other() {
        let known = Known {
            flight: 3,
            ..Known::default()
        };
        let first = Saved::of(&known, "a", 70, &[], 1_000);
        let other = Known {
            flight: 9,
            ..Known::default()
        };
        let both = Saved::of(&other, "b", 5, &first.clone().gateways(), 1_001);
        let read = Saved::read(&both.write()).unwrap();
        assert_eq!(read, both);
        let seen = |id, now| {
            let known = read.known(id, 8, now);
            (known.flight, known.reserved, known.revision)
        };
        assert_eq!(seen("a", 1_002), (3, 5, 8));
        assert_eq!(seen("b", 1_002), (9, 70, 8));
        assert_eq!(seen("c", 1_002), (0, 75, 8));
        assert_eq!(seen("b", 1_000 + RESERVED_SECONDS), (9, 0, 8));
        // A gateway that is gone for a day is forgotten.
        let later = Saved::of(&other, "b", 5, &both.gateways(), 1_000 + REMEMBERED_SECONDS);
        assert_eq!(later.gateways.len(), 1);
        // Of many the latest stay.
        let mut many = Saved::default();
        for n in 0..100 {
            let id = format!("g{n}");
            many = Saved::of(&known, &id, 0, &many.gateways(), 1_000 + n);
        }
        assert_eq!(many.gateways.len(), MOST_OTHERS + 1);
        assert!(many.gateways.iter().all(|gateway| gateway.at >= 1_068));
        assert_eq!(Saved::read(b"{}"), None);
    }
}
