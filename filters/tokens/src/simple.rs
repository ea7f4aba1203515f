//! Pieces of plain ASCII and simple escapes: all that a block shows are counted at once, without a loop over them.
//!
//! What holds of a piece is a bit at its first byte, or at its last. A bit that is added to the first of a run of ones comes
//! out behind the run: so it is found what stands at the end of what begins somewhere.

use std::ops::Range;

use super::block::{BLOCK, Block, below};
use super::feature::{Feature, Tally};
use super::piece::MAX_PIECE;

// A piece of so many bytes may be longer than is allowed, so that it is left to those who look at it alone.
const _: () = assert!(MAX_PIECE == 16);

/// The pieces of a block from one of its bytes on.
pub(super) struct Simple {
    block: Block,
    from: usize,
    /// The first bytes of words, without the space before them.
    words: u64,
    /// Spaces that stand alone.
    alone: u64,
    /// The first bytes of runs of marks.
    marks: u64,
    /// Of each three digits.
    digits: u64,
    /// Of runs of line ends.
    lines: u64,
    tabs: u64,
    /// The first bytes of all pieces.
    starts: u64,
}

impl Simple {
    /// From byte `from` on, where a piece begins.
    #[inline]
    pub(super) fn of(block: &Block, from: usize) -> Self {
        let shown = !below(from);
        let block = Block {
            letters: block.letters & shown,
            capitals: block.capitals & shown,
            spaces: block.spaces & shown,
            digits: block.digits & shown,
            marks: block.marks & shown,
            mark_ends: block.mark_ends & shown,
            lines: block.lines & shown,
            tabs: block.tabs & shown,
            odd: block.odd & shown,
            ..*block
        };
        let small = block.letters & !block.capitals;
        let words = first(block.letters) | block.capitals & small << 1;
        let spaces = first(block.spaces);
        let alone = spaces & !(block.spaces >> 1);
        let marks = first(block.marks);
        let lines = first(block.lines);
        let tabs = first(block.tabs);
        let digits = threes(block.digits);
        let joined = (words | marks) & alone << 1 | lines & block.marks << 1;
        let starts = (words | marks | lines) & !joined | spaces | digits | tabs;
        Self {
            block,
            from,
            words,
            alone,
            marks,
            digits,
            lines,
            tabs,
            starts,
        }
    }

    /// The byte up to which all pieces are seen whole and are none that may be cut, of a text of so many bytes.
    #[inline]
    pub(super) fn end(&self, length: usize) -> usize {
        let stop = (self.block.odd.trailing_zeros() as usize).min(length);
        let seen = below(stop);
        let within = seen & !self.starts;
        let four = within & within >> 1;
        let four = four & four >> 2;
        let eight = four & four >> 4;
        let long = self.starts & eight >> 1 & eight >> 9;
        if long != 0 {
            return long.trailing_zeros() as usize;
        }
        if stop == length && stop < BLOCK {
            return stop;
        }
        let last = (self.starts & seen).checked_ilog2();
        last.map_or(self.from, |last| last as usize)
    }

    /// Counts the pieces up to byte `end` that begin within `range`.
    #[inline]
    pub(super) fn count(&self, end: usize, range: &Range<usize>, tally: &mut impl Tally) {
        let mut shown = below(end) & !below(self.from);
        if range.end < end {
            shown &= below((self.starts & !below(range.end)).trailing_zeros() as usize);
        }
        if range.start > self.from {
            shown &= !below((self.starts & !below(range.start)).trailing_zeros() as usize);
        }
        self.words(shown, tally);
        self.marks(shown, tally);
        self.spaces(shown, tally);
        if self.digits & shown != 0 {
            add(tally, Feature::Digits, self.digits & shown);
            add(tally, Feature::Digit, self.block.digits & shown);
        }
        if self.block.lines & shown != 0 {
            self.lines(shown, tally);
        }
        if self.tabs & shown != 0 {
            add(tally, Feature::Tabs, self.tabs & shown);
        }
    }

    #[inline]
    fn words(&self, shown: u64, tally: &mut impl Tally) {
        let block = &self.block;
        let words = self.words & shown;
        // Letters that go on with a word, and bytes behind which so many of these stand.
        let on = block.letters & !self.words;
        let one = on >> 1;
        let two = one & one >> 1;
        let three = two & one >> 2;
        let four = two & two >> 2;
        let five = four & one >> 4;
        let eight = four & four >> 4;
        let eleven = eight & three >> 8;
        let spaced = words & self.alone << 1;
        add(tally, Feature::Spaced5, spaced & !five);
        add(tally, Feature::Spaced8, spaced & five & !eight);
        add(tally, Feature::Spaced11, spaced & eight & !eleven);
        add(tally, Feature::Spaced12, spaced & eleven);
        let bare = words & !spaced;
        if bare != 0 {
            add(tally, Feature::Bare1, bare & !one);
            add(tally, Feature::Bare3, bare & one & !three);
            add(tally, Feature::Bare5, bare & three & !five);
            add(tally, Feature::Bare8, bare & five & !eight);
            add(tally, Feature::Bare11, bare & eight & !eleven);
            add(tally, Feature::Bare12, bare & eleven);
        }
        let small = block.letters & !block.capitals;
        add(tally, Feature::Rare, block.rare & small & shown);
        let consonants = on & !block.vowels;
        let mute = behind(words & two & !block.vowels, consonants) & !on;
        add(tally, Feature::Mute, mute);
        let ends = on & !one & on << 1 & on << 2 & small & shown;
        add(tally, Feature::Vowel, ends & block.aiou);
        add(
            tally,
            Feature::Verb,
            ends & block.n & (block.ae & small) << 1,
        );
        if block.capitals & shown != 0 {
            self.capitals(on, shown, tally);
        }
    }

    /// The capitals of words, where `on` are the letters that go on with one.
    #[inline]
    fn capitals(&self, on: u64, shown: u64, tally: &mut impl Tally) {
        let first = self.words & self.block.capitals & shown;
        let further = on & self.block.capitals;
        let behind = behind(first, further);
        let alone = first & !(on >> 1);
        let titles = first.count_ones();
        let whole = (behind & !on).count_ones().wrapping_sub(alone.count_ones());
        tally.add(Feature::Title, titles.wrapping_sub(whole));
        tally.add(Feature::Capitals, whole);
        if further & shown == 0 {
            return;
        }
        // Those before which small letters follow.
        let (mut jumble, mut run) = (further & (behind & on) >> 1, further);
        for distance in [1, 2, 4, 8] {
            jumble |= jumble >> distance & run;
            run &= run >> distance;
        }
        add(tally, Feature::Jumble, jumble);
        add(tally, Feature::Capital, further & shown & !jumble);
    }

    #[inline]
    fn marks(&self, shown: u64, tally: &mut impl Tally) {
        let runs = self.marks & shown;
        let ends = self.block.mark_ends;
        // The first mark of a run may have a backslash before it.
        let further = ends & shown & !(runs | (runs & !ends) << 1);
        add(tally, Feature::Punctuation, runs);
        if further != 0 {
            add(tally, Feature::Same, further & self.block.same);
            add(tally, Feature::Mark, further & !self.block.same);
        }
    }

    #[inline]
    fn spaces(&self, shown: u64, tally: &mut impl Tally) {
        let block = &self.block;
        let spaces = first(block.spaces) & shown;
        let lonely = self.alone & !((block.letters | block.marks) >> 1);
        if (spaces & !self.alone) | (lonely & shown) != 0 {
            add(tally, Feature::Indent, spaces & !self.alone);
            add(tally, Feature::Space, lonely & shown);
        }
    }

    #[inline]
    fn lines(&self, shown: u64, tally: &mut impl Tally) {
        let block = &self.block;
        let closing = self.lines & block.marks << 1;
        let closed = block.lines & !block.lines.wrapping_add(closing);
        let runs = (self.lines & shown & !closing).count_ones();
        let ends = (block.line_ends & shown & !closed).count_ones();
        add(tally, Feature::Closing, closing & shown);
        tally.add(Feature::Lines, runs);
        tally.add(Feature::Line, ends.wrapping_sub(runs));
    }
}

#[inline]
fn add(tally: &mut impl Tally, feature: Feature, of: u64) {
    tally.add(feature, of.count_ones());
}

/// The first bits of runs.
#[inline]
fn first(of: u64) -> u64 {
    of & !(of << 1)
}

/// What stands behind the run of `of` that follows each of these bits.
#[inline]
fn behind(bits: u64, of: u64) -> u64 {
    of.wrapping_add(bits << 1) & !of
}

/// The first of each three in runs of digits.
#[inline]
fn threes(digits: u64) -> u64 {
    let mut found = first(digits);
    let all = digits & digits << 1 & digits << 2;
    let mut next = found << 3 & all;
    while next != 0 {
        found |= next;
        next = next << 3 & all;
    }
    found
}
