//! Generation ids: `gen-<unix seconds>-<20 letters and digits>`.

use std::cell::Cell;

use sha2::{Digest, Sha256};

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
        let hash = Sha256::new()
            .chain_update(request_id)
            .chain_update(now.to_le_bytes())
            .chain_update(count.to_le_bytes())
            .finalize();
        let letters = hash.iter().take(LENGTH).map(|byte| {
            let n = usize::from(*byte) % ALPHABET.len();
            char::from(ALPHABET.get(n).copied().unwrap_or(b'0'))
        });
        let seconds = now / 1_000_000_000;
        format!("gen-{seconds}-{}", letters.collect::<String>())
    }
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
        }
    }
}
