//! Which endpoint served a conversation's last turn, so that the next one finds its prompt cached.
//!
//! In data that all workers share: a fixed number of slots, in each the last conversation that fell
//! into it. A conversation that lost its slot is balanced anew.

use crate::plan::Candidate;

/// How many conversations are remembered at most.
const SLOTS: u64 = 1 << 14;

/// The key of a conversation's slot in shared data.
#[must_use]
pub fn key(conversation: u64) -> String {
    ["affinity/", &(conversation % SLOTS).to_string()].concat()
}

/// Whether who served a conversation's last turn can matter to the next: where its model has several endpoints to
/// balance between, or its key several accounts of its own.
#[must_use]
pub fn can_matter(endpoints: usize, accounts: usize) -> bool {
    endpoints > 1 || accounts > 1
}

/// Who served the last turn of a conversation, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affinity {
    /// The conversation.
    pub conversation: u64,
    /// When its last turn was served, in Unix seconds.
    pub at: u64,
    /// Who served it.
    pub candidate: Candidate,
}

impl Affinity {
    /// The bytes of a slot: the candidate as it is written, and two numbers.
    #[must_use]
    pub fn slot(conversation: u64, at: u64, candidate: &Candidate) -> Vec<u8> {
        let mut text = String::with_capacity(64);
        candidate.write(&mut text);
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&conversation.to_le_bytes());
        bytes.extend_from_slice(&at.to_le_bytes());
        bytes
    }

    /// Reads a slot; `None` where it holds none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (rest, at) = bytes.split_last_chunk()?;
        let (candidate, conversation) = rest.split_last_chunk()?;
        Some(Self {
            conversation: u64::from_le_bytes(*conversation),
            at: u64::from_le_bytes(*at),
            candidate: Candidate::parse(std::str::from_utf8(candidate).ok()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_round_trip_and_are_bounded() {
        let affinity = Affinity {
            conversation: u64::MAX,
            at: 1_700_000_000,
            candidate: Candidate::parse("a/b:free@p/turbo").unwrap(),
        };
        let slot = Affinity::slot(affinity.conversation, affinity.at, &affinity.candidate);
        assert_eq!(Affinity::decode(&slot), Some(affinity));
        let (_, numbers) = slot.split_at(slot.len() - 16);
        for candidate in [&b""[..], b"a", b"\xff@b"] {
            assert_eq!(Affinity::decode(&[candidate, numbers].concat()), None);
        }
        for length in 0..16 {
            assert_eq!(Affinity::decode(&numbers[..length]), None);
        }
        assert_eq!(key(SLOTS + 3), key(3));
    }
}
