//! What an answer said so far: counted only where the provider does not count.

use meshrouter_core::tokens::{Count, Family, TOKEN, Tally};

/// How much is kept before it is counted. Most answers are shorter, and nobody has to count those that come with
/// their usage.
const KEPT: usize = 16 << 10;

/// The texts of an answer, as they stand inside of JSON strings.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    kept: Vec<u8>,
    count: Count,
}

impl Transcript {
    /// Takes in what is said next.
    pub(crate) fn add(&mut self, text: &[u8]) {
        self.kept.extend_from_slice(text);
        if self.kept.len() > KEPT {
            self.count.text(&self.kept);
            self.kept.clear();
        }
    }

    /// How many tokens it is to a family of tokenizers: the likely number, without the margin that prompts are
    /// given.
    pub(crate) fn tokens(&self, family: Family) -> u64 {
        let mut count = self.count.clone();
        count.text(&self.kept);
        count.weight(family.tokenizer()).div_ceil(TOKEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_in_pieces_is_counted_as_a_whole() {
        let text = "The quick brown fox jumps over the lazy dog. ".repeat(1_000);
        let whole = Count::of(text.as_bytes()).weight(Family::Gpt.tokenizer());
        let whole = whole.div_ceil(TOKEN);
        for size in [1, 2, 3, 7, 100, text.len()] {
            let mut transcript = Transcript::default();
            for piece in text.as_bytes().chunks(size) {
                transcript.add(piece);
                assert!(transcript.kept.len() <= KEPT + size);
            }
            let found = transcript.tokens(Family::Gpt);
            // Where what was kept is counted, a word may be cut in two.
            assert!(found.abs_diff(whole) <= 4, "{size}: {found} of {whole}");
        }
        assert_eq!(Transcript::default().tokens(Family::Claude), 0);
    }
}
