//! Where a JSON string may be cut: between pieces of text, and so between characters, whether they are escaped
//! or not.

use std::ops::Range;

use meshrouter_core::tokens::{Scales, Tally, Tokenizer};

/// What stands for the text that was cut out. It joins no piece of text on either side, so that what is left
/// weighs what it did before.
pub(super) const MARKER: &str = "…";

/// The range to cut out of the middle of `text`, the inside of a JSON string that weighs `weight`, so that
/// what is left weighs no more than `room`.
pub(super) fn middle(text: &[u8], weight: u64, room: u64, tokenizer: &Tokenizer) -> Range<usize> {
    let mut walk = Walk {
        text,
        at: 0,
        scales: Scales::new(tokenizer),
        passed: 0,
    };
    walk.up_to(room / 2);
    let (head, kept) = (walk.at, walk.weight());
    // What the head leaves over because a piece does not fit is the tail's.
    let left = room.saturating_sub(kept);
    if let Some(late) = late_start(text, weight, left).filter(|late| *late > head) {
        walk.at = late;
        walk.passed = weight.saturating_sub(weigh(text, late, tokenizer));
        walk.scales = Scales::new(tokenizer);
    }
    let missing = weight.saturating_sub(left);
    while walk.weight() < missing && walk.step() {}
    head..walk.at
}

/// Texts that are shorter, in bytes, are walked through.
const LONG: usize = 16 << 10;

/// Where to begin to look for a tail that weighs `room`, so that not all of a long text is weighed once more: a
/// piece's beginning that leaves about twice as much. `None` where all of it has to be looked at.
fn late_start(text: &[u8], weight: u64, room: u64) -> Option<usize> {
    let share = u128::from(room) * 2 * text.len() as u128 / u128::from(weight.max(1));
    let bytes = usize::try_from(share).ok()?.max(LONG / 4);
    let from = text
        .len()
        .checked_sub(bytes)
        .filter(|_| text.len() > LONG)?;
    let (_, rest) = text.split_at_checked(from)?;
    // Neither a space nor the first byte of a character beyond ASCII can be a part of an escape.
    let begins = |byte: &u8| *byte == b' ' || *byte >= 0xC0;
    rest.iter()
        .position(begins)
        .map(|at| from.saturating_add(at))
}

/// What a text weighs from an offset on.
fn weigh(text: &[u8], from: usize, tokenizer: &Tokenizer) -> u64 {
    let mut scales = Scales::new(tokenizer);
    scales.text(text.get(from..).unwrap_or_default());
    scales.weight()
}

/// A walk over pieces. Only forwards: read backwards, an escape is not told from text.
struct Walk<'t> {
    text: &'t [u8],
    /// Where it stands: between two pieces.
    at: usize,
    /// What was passed piece by piece weighs.
    scales: Scales<'t>,
    /// What was passed at once weighs.
    passed: u64,
}

impl Walk<'_> {
    /// What was passed weighs.
    fn weight(&self) -> u64 {
        self.passed.saturating_add(self.scales.weight())
    }

    /// Passes all pieces that fit into `room`.
    fn up_to(&mut self, room: u64) {
        loop {
            let before = (self.at, self.scales);
            if !self.step() {
                return;
            }
            if self.weight() > room {
                (self.at, self.scales) = before;
                return;
            }
        }
    }

    /// Passes one piece; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = self.scales.piece(rest);
        self.at = self.at.saturating_add(length);
        length > 0
    }
}

#[cfg(test)]
mod tests;
