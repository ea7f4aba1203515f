//! What the letters of the alphabet are.

use wide::u8x16;

/// The kinds of a letter, each half of the one before: what is doubled shows the next one as its highest bit.
pub(super) const VOWEL: u8 = 0x80;
pub(super) const RARE: u8 = 0x40;
/// Vowels in which English words rarely end.
const AIOU: u8 = 0x20;
const N: u8 = 0x10;
const AE: u8 = 0x08;

/// By place in the alphabet: the first 15 and the others.
const KINDS: [[u8; 16]; 2] = [table(0), table(16)];

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse what is out of bounds"
)]
const fn table(from: u8) -> [u8; 16] {
    let mut kinds = [0; 16];
    let mut n = 0;
    while n < 16 {
        kinds[n as usize] = match b'`' + from + n {
            b'a' => VOWEL | AIOU | AE,
            b'e' => VOWEL | AE,
            b'i' | b'o' | b'u' => VOWEL | AIOU,
            b'y' => VOWEL,
            b'j' | b'k' | b'q' | b'x' | b'z' => RARE,
            b'n' => N,
            _ => 0,
        };
        n += 1;
    }
    kinds
}

/// The kinds of small letters; anything of other bytes.
#[inline]
pub(super) fn kinds(letters: u8x16) -> u8x16 {
    let place = letters & u8x16::splat(0x1F);
    // Places beyond a table's end are zero to it.
    let [first, others] = KINDS.map(u8x16::new);
    first.shuffle_zeroing(place) | others.shuffle_zeroing(place - u8x16::splat(16))
}

/// The kinds of a letter of either case.
pub(super) fn kind(letter: u8) -> u8 {
    let place = usize::from(letter & 0x1F);
    KINDS.as_flattened().get(place).copied().unwrap_or_default()
}
