//! All pieces of a text: those that a block shows plainly at once, the others one by one.

use std::ops::Range;

use super::block::{BLOCK, Block};
use super::feature::{Feature, Tally};
use super::image::Image;
use super::piece::{MAX_PIECE, piece};
use super::simple::Simple;

/// Where so few bytes lie before what is odd, to look at them one by one costs less.
const NEAR: usize = 16;

/// Counts all pieces of a text.
pub(super) fn pieces(text: &[u8], tally: &mut impl Tally) {
    pieces_within(text, 0..text.len(), tally);
}

/// Counts the pieces of a text that begin within `range`.
pub(super) fn pieces_within(text: &[u8], range: Range<usize>, tally: &mut impl Tally) {
    let (mut at, mut rest) = (0_usize, text);
    while at < range.end {
        let length = match rest.first() {
            Some(..0x80) if is_plain(rest) => {
                let range = range.start.saturating_sub(at)..range.end.saturating_sub(at);
                block(rest, &range, tally)
            }
            Some(_) => one(rest, at >= range.start, tally),
            None => return,
        };
        at = at.saturating_add(length);
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// Whether a text is long enough for a block, and nothing beyond ASCII is near.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    let near = text.first_chunk::<NEAR>();
    near.is_some_and(|near| u128::from_le_bytes(*near) & u128::from_le_bytes([0x80; NEAR]) == 0)
}

/// Counts the pieces that the first block shows: where it ends.
fn block(text: &[u8], range: &Range<usize>, tally: &mut impl Tally) -> usize {
    let block = Block::of(text);
    let mut at = 0_usize;
    loop {
        let simple = Simple::of(&block, at);
        let end = simple.end(text.len());
        simple.count(end, range, tally);
        // Where one is too long for this, more are.
        let was_vain = end == at;
        at = end;
        // Of what follows, the next block shows more.
        let enough = text.len().min(BLOCK.saturating_sub(MAX_PIECE));
        while at < enough.min(range.end) {
            let rest = text.get(at..).unwrap_or_default();
            at = at.saturating_add(one(rest, at >= range.start, tally));
            let ahead = |of: u64| of.checked_shr(at as u32).unwrap_or_default();
            // Half a character that took a backslash for its other half.
            if ahead(block.escaped) & 1 != 0 {
                return at;
            }
            if !was_vain && ahead(block.odd).trailing_zeros() as usize >= NEAR {
                break;
            }
        }
        if at >= enough.min(range.end) {
            return at;
        }
    }
}

/// Passes the first piece, which is counted or not: its length.
#[inline]
fn one(text: &[u8], counted: bool, tally: &mut impl Tally) -> usize {
    match counted {
        true => piece(text, tally),
        false => piece(text, &mut Nothing),
    }
}

/// Takes in what is not counted.
struct Nothing;

impl Tally for Nothing {
    fn add(&mut self, _feature: Feature, _times: u32) {}
    fn tokens(&mut self, _tokens: u64) {}
    fn image(&mut self, _image: Image) {}
    fn text(&mut self, _text: &[u8]) {}
}

#[cfg(test)]
mod tests;
