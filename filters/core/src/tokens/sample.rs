//! Long prompts are not counted to their last word: windows all over them stand for the whole.

use super::block::BLOCK;
use super::count::{Count, Estimate};
use super::family::Family;
use super::feature::{Feature, Tally};
use super::image::Image;
use super::piece::MAX_PIECE;
use super::pieces::pieces_within;

/// Bodies up to so many bytes are counted whole.
const WHOLE: usize = 4 << 10;
/// Of longer ones at least so much is counted, with one part in [`SHARE`] of the rest, and no more than [`MOST`].
const LEAST: usize = 2_560;
const SHARE: usize = 64;
const MOST: usize = 16 << 10;
/// A window shows so many bytes: few, so that there are many windows, all over the prompt.
const WINDOW: usize = 32;
/// So many bytes before a window are read to be in step with the pieces of the text. With as many behind it for the last
/// piece, that is one block.
const RUN_UP: usize = 16;
const _: () = assert!(RUN_UP + WINDOW + MAX_PIECE == BLOCK);

/// A prompt, counted once for all families: whole where it is short or where that is asked for, else by windows all over
/// it. These hold an estimate to a few hundredths (`tests/tokens.rs`), in a time that does not grow with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// What is counted as it is.
    count: Count,
    /// What the windows show.
    windows: Count,
    /// How many bytes they have shown, and how many there were in all.
    shown: u64,
    passed: u64,
    /// How many bytes there are to a window; 0 where there are none.
    stride: usize,
    /// How many of these are left behind the last window.
    behind: usize,
    /// What the places of windows are drawn from.
    draw: u32,
    /// How many bytes are left of the window, or, where that is nothing, until the next one begins.
    open: usize,
    closed: usize,
}

impl Sample {
    /// For a request's body of so many bytes.
    #[must_use]
    pub fn of_body(bytes: usize) -> Self {
        let Some(rest) = bytes.checked_sub(WHOLE).filter(|rest| *rest > 0) else {
            return Self::whole();
        };
        let most = LEAST.saturating_add(rest / SHARE).min(MOST);
        let mut sample = Self {
            stride: bytes / (most / WINDOW),
            ..Self::default()
        };
        sample.next_window();
        sample
    }

    /// Counts everything.
    #[must_use]
    pub fn whole() -> Self {
        Self::default()
    }

    /// Whether everything was counted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.stride == 0
    }

    /// What was counted as it is: everything, where the sample [`is_whole`](Self::is_whole).
    #[must_use]
    pub fn count(&self) -> &Count {
        &self.count
    }

    /// What the prompt weighs to all families.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate::new(|family| self.weight(family))
    }

    fn weight(&self, family: Family) -> u64 {
        let tokenizer = family.tokenizer();
        if self.is_whole() {
            return self.count.weight(tokenizer);
        }
        let shown = u128::from(self.windows.weight(tokenizer));
        let all = shown * u128::from(self.passed) / u128::from(self.shown.max(1));
        let all = u64::try_from(all).unwrap_or(u64::MAX);
        all.saturating_add(self.count.weight(tokenizer))
    }

    /// Counts the pieces that begin in the open window, which has come to `at`: where it closes, or the text ends.
    fn show(&mut self, text: &[u8], at: usize) -> usize {
        let end = at.saturating_add(self.open).min(text.len());
        let from = run_up(text, at);
        let range = at.saturating_sub(from)..end.saturating_sub(from);
        let in_step = text.get(from..).unwrap_or_default();
        pieces_within(in_step, range, &mut self.windows);
        let shown = end.saturating_sub(at);
        self.shown = self.shown.saturating_add(shown as u64);
        self.open = self.open.saturating_sub(shown);
        if self.open == 0 {
            self.next_window();
        }
        end
    }

    /// Each stride has a window somewhere in it: equal distances would be in step with text that repeats itself.
    fn next_window(&mut self) {
        self.draw = self
            .draw
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        let room = self.stride.saturating_sub(WINDOW);
        let before = ((u64::from(self.draw) * (room as u64 + 1)) >> 32) as usize;
        self.closed = self.behind.saturating_add(before);
        self.behind = room.saturating_sub(before);
        if self.closed == 0 {
            self.open = WINDOW;
        }
    }
}

impl Tally for Sample {
    fn add(&mut self, feature: Feature, times: u32) {
        self.count.add(feature, times);
    }

    fn tokens(&mut self, tokens: u64) {
        self.count.tokens(tokens);
    }

    fn image(&mut self, image: Image) {
        self.count.image(image);
    }

    fn text(&mut self, text: &[u8]) {
        if self.is_whole() {
            return self.count.text(text);
        }
        let mut at = 0_usize;
        while at < text.len() {
            if self.open == 0 {
                let step = self.closed.min(text.len().saturating_sub(at));
                self.closed = self.closed.saturating_sub(step);
                at = at.saturating_add(step);
                if self.closed == 0 {
                    self.open = WINDOW;
                }
                continue;
            }
            at = self.show(text, at);
        }
        self.passed = self.passed.saturating_add(text.len() as u64);
    }
}

/// Where to begin reading so that the pieces are in step by `at`: the last space before it, if there is one near.
fn run_up(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(RUN_UP);
    let before = text.get(from..at).unwrap_or_default();
    let is_first = |byte: &u8| *byte & 0xC0 != 0x80;
    let found = before.iter().rposition(|byte| *byte == b' ');
    let found = found.or_else(|| before.iter().position(is_first));
    from.saturating_add(found.unwrap_or(before.len()))
}
