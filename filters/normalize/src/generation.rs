//! Generation ids: `gen-<unix seconds>-<20 letters and digits>`.

use std::cell::Cell;

use meshrouter_core::money::Decimal;
use meshrouter_core::scramble::scramble;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 20;

/// Mints ids. They are no secret, so that Envoy's request id, a UUID, is randomness enough. The
/// clock and a counter keep ids apart where a caller chose the request id itself.
#[derive(Debug, Default)]
pub(crate) struct Mint {
    count: Cell<u64>,
}

impl Mint {
    /// The next id. `now` is in nanoseconds since the epoch.
    pub(crate) fn next(&self, request_id: &[u8], now: u64) -> String {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        let mut id = Vec::with_capacity(48);
        id.extend_from_slice(b"gen-");
        id.extend_from_slice(Decimal::from(now / 1_000_000_000).text().as_bytes());
        id.push(b'-');
        // Ten letters are 59 bits.
        for half in [1, 2] {
            let mut number = hash(half, request_id, [now, count]);
            for _ in 0..LENGTH / 2 {
                let n = (number % 62) as usize;
                id.push(ALPHABET.get(n).copied().unwrap_or(b'0'));
                number /= 62;
            }
        }
        String::from_utf8(id).unwrap_or_default()
    }
}

/// A number of its own for each seed, text and numbers, as far as chance goes: nobody gains by two that are equal.
fn hash(seed: u64, text: &[u8], numbers: [u64; 2]) -> u64 {
    let (words, rest) = text.as_chunks::<8>();
    let rest = rest.iter().fold(0, |word, b| word << 8 | u64::from(*b));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let all = words.chain([rest, text.len() as u64]).chain(numbers);
    all.fold(seed, |hash, word| scramble(hash ^ word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_apart() {
        let mint = Mint::default();
        let now = 1_700_000_000_123_456_789;
        let ids = [
            mint.next(b"x", now),
            mint.next(b"x", now),
            mint.next(b"y", now),
        ];
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
        for id in ids {
            assert!(
                id.starts_with("gen-1700000000-") && id.len() == "gen-1700000000-".len() + LENGTH
            );
            assert!(id.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn all_letters_are_as_frequent() {
        let mint = Mint::default();
        let mut counts = [0; 128];
        let mut ids = std::collections::BTreeSet::new();
        for n in 0..31_000_u64 {
            let id = mint.next(&(n / 10).to_be_bytes(), 1_700_000_000_123_456_789);
            for letter in id.bytes().skip("gen-1700000000-".len()) {
                counts[usize::from(letter)] += 1;
            }
            ids.insert(id);
        }
        assert_eq!(ids.len(), 31_000);
        for letter in ALPHABET {
            let count = counts[usize::from(*letter)];
            assert!((9_500..=10_500).contains(&count), "{letter}: {count}");
        }
    }
}
