//! Numbers that look random and are the same in every run.

/// A linear congruential generator, with the constants of Knuth's MMIX.
pub(crate) struct Lcg(u64);

impl Lcg {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    /// A byte that a header's value may hold on the wire.
    pub(crate) fn value_byte(&mut self) -> u8 {
        loop {
            let byte = u8::try_from(self.below(256)).unwrap();
            if !matches!(byte, 0 | b'\r' | b'\n') {
                return byte;
            }
        }
    }

    /// The bytes with something done to them: cut off, bytes changed, a piece doubled or taken out.
    pub(crate) fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(out.len());
            let length = self.below(out.len() - at).min(40);
            match self.below(5) {
                0 => out.truncate(at),
                1 => out.drain(at..at + length).for_each(drop),
                2 => {
                    let piece = out[at..at + length].to_vec();
                    out.splice(at..at, piece).for_each(drop);
                }
                3 => {
                    let special = *b"{}[]\":,\\\n\r\x00\xff\xc3-0e";
                    let byte = special[self.below(special.len())];
                    out.insert(at, byte);
                }
                _ => {
                    let byte = u8::try_from(self.below(256)).unwrap();
                    out.splice(at..out.len().min(at + 1), [byte]).for_each(drop);
                }
            }
            if out.is_empty() {
                break;
            }
        }
        out
    }

    /// The bytes in pieces cut anywhere.
    pub(crate) fn pieces(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut rest = bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, next) = rest.split_at(1 + self.below(rest.len()));
            pieces.push(piece.to_vec());
            rest = next;
        }
        pieces
    }
}
