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
    /// As the bytes of a slot.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            conversation,
            at,
            candidate,
        } = self;
        let mut text = [&conversation.to_string(), ";", &at.to_string(), ";"].concat();
        candidate.write(&mut text);
        text.into_bytes()
    }

    /// Reads a slot; `None` where it holds none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(bytes).ok()?.splitn(3, ';');
        Some(Self {
            conversation: parts.next()?.parse().ok()?,
            at: parts.next()?.parse().ok()?,
            candidate: Candidate::parse(parts.next()?)?,
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
        assert_eq!(Affinity::decode(&affinity.encode()), Some(affinity));
        for bytes in [&b""[..], b"1;2", b"x;2;a@b", b"1;2;a", b"\xff"] {
            assert_eq!(Affinity::decode(bytes), None);
        }
        assert_eq!(key(SLOTS + 3), key(3));
    }
}
