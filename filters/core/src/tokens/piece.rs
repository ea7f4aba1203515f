//! Cuts text into pieces, each of which can be counted without a look at its neighbours.

use super::character::{Class, Script, first};
use super::feature::{Feature, Tally};
use super::han::Rank;

/// The most characters of a piece: longer runs are several pieces. So where a piece ends, text may be cut
/// and both halves count together what the whole did.
pub const MAX_PIECE: usize = 16;

/// Counts the piece at the beginning of `text`, which is the inside of a JSON string: its length in bytes;
/// 0 at the end of the text.
#[inline]
pub fn piece(text: &[u8], tally: &mut impl Tally) -> usize {
    // What most text is made of.
    match text {
        [b' ', b'a'..=b'z', ..] => return word(text, 1, tally),
        [b'a'..=b'z', ..] => return word(text, 0, tally),
        _ => {}
    }
    let Some((class, length)) = first(text) else {
        return 0;
    };
    match class {
        Class::Space => after_space(text, tally),
        Class::Lower | Class::Upper | Class::Accented => word(text, 0, tally),
        Class::Digit => digits(text, tally),
        Class::Line => {
            let lines = lines(text, 0);
            tally.add(Feature::Lines, 1);
            tally.add(Feature::Line, lines.count.saturating_sub(1));
            lines.end
        }
        Class::Tab => {
            tally.add(Feature::Tabs, 1);
            run(text, 0, |class| class == Class::Tab).end
        }
        Class::Mark(mark) => marks(text, length, mark, tally),
        Class::Script(script) => scripted(text, length, script, tally),
    }
}

/// A space, which belongs to the word or the punctuation behind it.
#[inline]
fn after_space(text: &[u8], tally: &mut impl Tally) -> usize {
    // An escaped one is as long as its escape.
    let space = first(text).map_or(1, |(_, length)| length);
    match first(text.get(space..).unwrap_or_default()) {
        Some((Class::Lower | Class::Upper | Class::Accented, _)) => word(text, space, tally),
        Some((Class::Mark(mark), length)) => marks(text, space.saturating_add(length), mark, tally),
        Some((Class::Space, _)) => {
            let spaces = run(text, 0, |class| class == Class::Space);
            tally.add(Feature::Indent, 1);
            spaces.end
        }
        _ => {
            tally.add(Feature::Space, 1);
            space
        }
    }
}

/// Characters of one kind.
struct Run {
    /// How many.
    count: u32,
    /// Offset after the last.
    end: usize,
}

/// The run from `at` on, of at most [`MAX_PIECE`] characters.
#[inline]
fn run(text: &[u8], at: usize, is_of_it: impl Fn(Class) -> bool) -> Run {
    let mut run = Run { count: 0, end: at };
    while (run.count as usize) < MAX_PIECE {
        match first(text.get(run.end..).unwrap_or_default()) {
            Some((class, length)) if is_of_it(class) => {
                run.count = run.count.saturating_add(1);
                run.end = run.end.saturating_add(length);
            }
            _ => break,
        }
    }
    run
}

fn lines(text: &[u8], at: usize) -> Run {
    run(text, at, |class| class == Class::Line)
}

/// What is known of a word while it is read.
#[derive(Clone, Copy, Default)]
struct Word {
    letters: u32,
    capitals: u32,
    accents: u32,
    vowels: u32,
    rare: u32,
    /// The last two letters, where they are neither capitals nor beyond ASCII.
    before: u8,
    last: u8,
}

/// A word from `start` on, which is behind the space that belongs to it: capitals, then others. So
/// `camelCase` is two.
#[inline]
fn word(text: &[u8], start: usize, tally: &mut impl Tally) -> usize {
    let mut word = Word::default();
    let mut end = start;
    while (word.letters as usize) < MAX_PIECE {
        // Almost all letters are these: no look at anything else.
        match text.get(end) {
            Some(letter @ b'a'..=b'z') => {
                word.lower(*letter);
                end = end.saturating_add(1);
                continue;
            }
            Some(b'A'..=b'Z' | b'\\' | 0x80..) => {}
            _ => break,
        }
        let Some((class, length)) = first(text.get(end..).unwrap_or_default()) else {
            break;
        };
        match class {
            Class::Lower => word.lower(b'e'),
            Class::Upper if word.capitals == word.letters => {
                let letter = text.get(end).copied().unwrap_or_default() | 0x20;
                word.capitals = word.capitals.saturating_add(1);
                word.vowels = word.vowels.saturating_add(bit(VOWELS, letter));
                word.letters = word.letters.saturating_add(1);
            }
            Class::Accented => {
                word.accents = word.accents.saturating_add(1);
                word.letters = word.letters.saturating_add(1);
            }
            _ => break,
        }
        end = end.saturating_add(length);
    }
    word.tally(start > 0, tally);
    end
}

/// Sets of small letters, one bit each.
const VOWELS: u32 = letters(b"aeiouy");
const RARE: u32 = letters(b"jkqxz");

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse what is out of bounds"
)]
const fn letters(of: &[u8]) -> u32 {
    let mut set = 0;
    let mut n = 0;
    while n < of.len() {
        set |= 1 << (of[n] & 31);
        n += 1;
    }
    set
}

/// Whether a letter is in a set, as 0 or 1.
#[inline]
fn bit(set: u32, letter: u8) -> u32 {
    set >> (letter & 31) & 1
}

impl Word {
    #[inline]
    fn lower(&mut self, letter: u8) {
        // A word has no more letters than a piece: none of these overflows.
        self.letters = self.letters.wrapping_add(1);
        self.vowels = self.vowels.wrapping_add(bit(VOWELS, letter));
        self.rare = self.rare.wrapping_add(bit(RARE, letter));
        (self.before, self.last) = (self.last, letter);
    }

    #[inline]
    fn tally(self, spaced: bool, tally: &mut impl Tally) {
        tally.add(by_length(self.letters, spaced), 1);
        if self.capitals > 0 {
            let whole = self.capitals == self.letters && self.letters > 1;
            let (word, more) = match whole {
                true => (Feature::Capitals, Feature::Capital),
                false => (Feature::Title, Feature::Jumble),
            };
            tally.add(word, 1);
            tally.add(more, self.capitals.saturating_sub(1));
        }
        if self.rare > 0 {
            tally.add(Feature::Rare, self.rare);
        }
        if self.accents > 0 {
            tally.add(Feature::Accent, self.accents);
        }
        if self.vowels | self.accents == 0 && self.letters >= 3 {
            tally.add(Feature::Mute, 1);
        }
        match (self.before, self.last) {
            _ if self.letters < 4 => {}
            (_, b'a' | b'i' | b'o' | b'u') => tally.add(Feature::Vowel, 1),
            (b'a' | b'e', b'n') => tally.add(Feature::Verb, 1),
            _ => {}
        }
    }
}

#[inline]
fn by_length(letters: u32, spaced: bool) -> Feature {
    match (spaced, letters) {
        (true, ..=5) => Feature::Spaced5,
        (true, 6..=8) => Feature::Spaced8,
        (true, 9..=11) => Feature::Spaced11,
        (true, _) => Feature::Spaced12,
        (false, ..=1) => Feature::Bare1,
        (false, 2..=3) => Feature::Bare3,
        (false, 4..=5) => Feature::Bare5,
        (false, 6..=8) => Feature::Bare8,
        (false, 9..=11) => Feature::Bare11,
        (false, _) => Feature::Bare12,
    }
}

#[inline]
fn digits(text: &[u8], tally: &mut impl Tally) -> usize {
    let mut count = 0_u32;
    let mut end = 0_usize;
    while count < 3 {
        match first(text.get(end..).unwrap_or_default()) {
            Some((Class::Digit, length)) => end = end.saturating_add(length),
            _ => break,
        }
        count = count.saturating_add(1);
    }
    tally.add(Feature::Digits, 1);
    tally.add(Feature::Digit, count);
    end
}

/// Punctuation, whose first mark ends at `end`, and the line ends behind it.
#[inline]
fn marks(text: &[u8], mut end: usize, mut last: u8, tally: &mut impl Tally) -> usize {
    tally.add(Feature::Punctuation, 1);
    let (mut others, mut same) = (0_u32, 0_u32);
    while (others.saturating_add(same) as usize) < MAX_PIECE {
        match first(text.get(end..).unwrap_or_default()) {
            Some((Class::Mark(mark), length)) => {
                if mark == last {
                    same = same.saturating_add(1);
                } else {
                    others = others.saturating_add(1);
                }
                last = mark;
                end = end.saturating_add(length);
            }
            Some((Class::Line, _)) => {
                tally.add(Feature::Closing, 1);
                end = lines(text, end).end;
                break;
            }
            _ => break,
        }
    }
    tally.add(Feature::Mark, others);
    tally.add(Feature::Same, same);
    end
}

/// Characters of a script of its own: a run of those that are words of an alphabet, else one.
#[inline]
fn scripted(text: &[u8], length: usize, script: Script, tally: &mut impl Tally) -> usize {
    let (each, once) = match script {
        Script::Cyrillic => (Feature::Cyrillic, Feature::CyrillicRun),
        Script::Arabic => (Feature::Arabic, Feature::ArabicRun),
        other => {
            tally.add(alone(other), 1);
            return length;
        }
    };
    let run = run(text, 0, |class| class == Class::Script(script));
    tally.add(once, 1);
    tally.add(each, run.count);
    run.end
}

/// What one character of a script counts as.
#[inline]
fn alone(script: Script) -> Feature {
    match script {
        Script::Cyrillic => Feature::Cyrillic,
        Script::Arabic => Feature::Arabic,
        Script::Greek => Feature::Greek,
        Script::Han(Rank::First) => Feature::Han,
        Script::Han(Rank::Second) => Feature::HanSecond,
        Script::Han(Rank::Rest) => Feature::HanRest,
        Script::Devanagari => Feature::Devanagari,
        Script::Indian => Feature::Indian,
        Script::Thai => Feature::Thai,
        Script::Kana => Feature::Kana,
        Script::Hangul => Feature::Hangul,
        Script::Typographic => Feature::Typographic,
        Script::Symbol => Feature::Symbol,
        Script::Astral => Feature::Astral,
        Script::Other => Feature::Other,
    }
}
