//! Words of Latin letters: what most text is made of, so that this is where the time goes.

use wide::u8x16;

use super::character::{Class, first};
use super::feature::{Feature, Tally};
use super::letter::{self, RARE, VOWEL};
use super::piece::MAX_PIECE;
use crate::window::{WINDOW, window};

// A word is seen at once.
const _: () = assert!(MAX_PIECE == WINDOW);

/// The letters of a window, one bit each.
#[derive(Clone, Copy)]
struct Letters {
    /// Capitals and small ones.
    all: u32,
    small: u32,
    /// Of either case.
    vowels: u32,
    /// Of either case.
    rare: u32,
}

impl Letters {
    #[inline]
    fn of(window: u8x16) -> Self {
        let of_alphabet = |from_a: u8x16| from_a.min(u8x16::splat(25)).simd_eq(from_a);
        let lower = window | u8x16::splat(0x20);
        let kinds = letter::kinds(lower);
        Self {
            all: of_alphabet(lower - u8x16::splat(b'a')).to_bitmask(),
            small: of_alphabet(window - u8x16::splat(b'a')).to_bitmask(),
            vowels: kinds.to_bitmask(),
            rare: (kinds + kinds).to_bitmask(),
        }
    }
}

/// What is known of a word while it is read.
#[derive(Clone, Copy, Default)]
struct Word {
    letters: u32,
    capitals: u32,
    accents: u32,
    vowels: u32,
    /// Small ones alone.
    rare: u32,
    /// The last two letters of ASCII. Only small ones matter.
    before: u8,
    last: u8,
}

/// A word from `start` on, which is behind the space that belongs to it: capitals, then others. So
/// `camelCase` is two.
#[inline]
pub(super) fn word(text: &[u8], start: usize, tally: &mut impl Tally) -> usize {
    let seen = Letters::of(window(text, start));
    let capitals = (!(seen.all & !seen.small)).trailing_zeros();
    let small = (!(seen.small >> capitals)).trailing_zeros();
    let letters = capitals.wrapping_add(small);
    // No shift is by more than the 16 bits of a window.
    let of_word = (1_u32 << letters).wrapping_sub(1);
    let end = start.saturating_add(letters as usize);
    let letter = |back: usize| {
        let at = end.checked_sub(back).filter(|at| *at >= start);
        at.and_then(|at| text.get(at)).copied().unwrap_or_default()
    };
    let mut word = Word {
        letters,
        capitals,
        accents: 0,
        vowels: (seen.vowels & of_word).count_ones(),
        rare: (seen.rare & seen.small & of_word).count_ones(),
        before: letter(2),
        last: letter(1),
    };
    let end = match text.get(end) {
        Some(b'\\' | 0x80..) if (letters as usize) < MAX_PIECE => word.go_on(text, end),
        _ => end,
    };
    word.tally(start > 0, tally);
    end
}

impl Word {
    /// Takes in the letters from `at` on, of which the first is an escape or beyond ASCII, if it is a letter: where the
    /// word ends.
    #[cold]
    fn go_on(&mut self, text: &[u8], mut at: usize) -> usize {
        while (self.letters as usize) < MAX_PIECE {
            let rest = text.get(at..).unwrap_or_default();
            let (Some((class, length)), Some(byte)) = (first(rest), rest.first()) else {
                break;
            };
            match (class, length) {
                (Class::Lower, 1) => self.small(*byte),
                // An escaped letter of ASCII is as good as any.
                (Class::Lower, _) => self.small(b'e'),
                (Class::Upper, _) if self.capitals == self.letters => {
                    self.capitals = self.capitals.wrapping_add(1);
                    self.letter(if length == 1 { *byte } else { 0 });
                }
                (Class::Accented, _) => {
                    self.accents = self.accents.wrapping_add(1);
                    self.letter(0);
                }
                _ => break,
            }
            at = at.saturating_add(length);
        }
        at
    }

    fn small(&mut self, letter: u8) {
        let kind = self.letter(letter);
        self.rare = self.rare.wrapping_add(u32::from(kind & RARE != 0));
        (self.before, self.last) = (self.last, letter);
    }

    /// Takes in one letter, 0 for one of which nothing else is known: what it is.
    fn letter(&mut self, letter: u8) -> u8 {
        let kind = letter::kind(letter);
        self.letters = self.letters.wrapping_add(1);
        self.vowels = self.vowels.wrapping_add(u32::from(kind & VOWEL != 0));
        kind
    }

    // Adding nothing costs less than asking whether there is something: the answers follow no pattern.
    #[inline]
    fn tally(self, spaced: bool, tally: &mut impl Tally) {
        let letters = self.letters;
        tally.add(by_length(letters, spaced), 1);
        if self.capitals > 0 {
            let whole = self.capitals == letters && letters > 1;
            let (word, more) = match whole {
                true => (Feature::Capitals, Feature::Capital),
                false => (Feature::Title, Feature::Jumble),
            };
            tally.add(word, 1);
            tally.add(more, self.capitals.saturating_sub(1));
        }
        tally.add(Feature::Rare, self.rare);
        tally.add(Feature::Accent, self.accents);
        let is_mute = self.vowels | self.accents == 0 && letters >= 3;
        tally.add(Feature::Mute, u32::from(is_mute));
        let ends_in_vowel = matches!(self.last, b'a' | b'i' | b'o' | b'u');
        let ends_as_verb = self.last == b'n' && matches!(self.before, b'a' | b'e');
        tally.add(Feature::Vowel, u32::from(letters >= 4 && ends_in_vowel));
        tally.add(Feature::Verb, u32::from(letters >= 4 && ends_as_verb));
    }
}

/// What a word of so many letters counts as, without a space before it and with one.
const BY_LENGTH: [[Feature; MAX_PIECE + 1]; 2] = {
    use Feature::{
        Bare1, Bare3, Bare5, Bare8, Bare11, Bare12, Spaced5, Spaced8, Spaced11, Spaced12,
    };
    [
        [
            Bare1, Bare1, Bare3, Bare3, Bare5, Bare5, Bare8, Bare8, Bare8, Bare11, Bare11, Bare11,
            Bare12, Bare12, Bare12, Bare12, Bare12,
        ],
        [
            Spaced5, Spaced5, Spaced5, Spaced5, Spaced5, Spaced5, Spaced8, Spaced8, Spaced8,
            Spaced11, Spaced11, Spaced11, Spaced12, Spaced12, Spaced12, Spaced12, Spaced12,
        ],
    ]
};

#[inline]
fn by_length(letters: u32, spaced: bool) -> Feature {
    let row = BY_LENGTH.get(usize::from(spaced));
    let feature = row.and_then(|row| row.get(letters as usize));
    feature.copied().unwrap_or(Feature::Bare12)
}
