//! What stands where in 64 bytes of text, as one bit a byte: found by SIMD, so that pieces are counted many at a time.

use wide::u8x16;

use super::letter;
use crate::window::{WINDOW, window};

/// How many bytes a block has.
pub(super) const BLOCK: usize = 64;
/// The bit of its last byte.
const LAST: u64 = 1 << 63;

/// 64 bytes from where a piece begins, fewer at the end of the text. The first byte is the lowest bit.
#[derive(Clone, Copy, Default)]
pub(super) struct Block {
    /// Letters of ASCII.
    pub(super) letters: u64,
    pub(super) capitals: u64,
    pub(super) spaces: u64,
    pub(super) digits: u64,
    /// Marks, escaped ones with their backslash.
    pub(super) marks: u64,
    /// The last byte of each of them.
    pub(super) mark_ends: u64,
    /// Of these, those that are like the mark before, if there is one.
    pub(super) same: u64,
    /// Escaped line ends.
    pub(super) lines: u64,
    /// The last byte of each of them; of `\r\n`, which counts as one, that of the second half.
    pub(super) line_ends: u64,
    /// Escaped tabs.
    pub(super) tabs: u64,
    /// What a backslash stands before.
    pub(super) escaped: u64,
    /// What a piece that begins or ends with it has to be looked at for: beyond ASCII, `\u`, white space that is not escaped.
    pub(super) odd: u64,
    /// Letters of either case, and bytes that are none: `letters` tells.
    pub(super) vowels: u64,
    pub(super) rare: u64,
    pub(super) aiou: u64,
    pub(super) n: u64,
    pub(super) ae: u64,
}

impl Block {
    /// The first one of a text.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Self {
        let bytes = load(text, 0);
        let among = |first: u8, last: u8| {
            mask(bytes.map(|bytes| {
                let from = bytes - u8x16::splat(first);
                from.min(u8x16::splat(last - first)).simd_eq(from)
            }))
        };
        let lower = bytes.map(|bytes| bytes | u8x16::splat(0x20));
        let letters = mask(lower.map(|lower| {
            let from = lower - u8x16::splat(b'a');
            from.min(u8x16::splat(25)).simd_eq(from)
        }));
        let kinds = Kinds(lower.map(letter::kinds));
        let (vowels, kinds) = kinds.next();
        let (rare, kinds) = kinds.next();
        let (aiou, kinds) = kinds.next();
        let (n, kinds) = kinds.next();
        let (ae, _) = kinds.next();
        let mut block = Self {
            letters,
            capitals: letters & !among(b'a', b'z'),
            spaces: mask(bytes.map(|bytes| bytes.simd_eq(u8x16::splat(b' ')))),
            digits: among(b'0', b'9'),
            vowels,
            rare,
            aiou,
            n,
            ae,
            ..Self::default()
        };
        let odd = bytes.map(|bytes| {
            let from = bytes - u8x16::splat(b'\t');
            let white = from.min(u8x16::splat(b'\r' - b'\t')).simd_eq(from);
            bytes | white | bytes.simd_eq(u8x16::splat(b'\\'))
        });
        let odd = mask(odd);
        let known = block.letters | block.spaces | block.digits | odd;
        let shown = below(text.len());
        block.marks = !known & shown;
        block.mark_ends = block.marks;
        if odd != 0 {
            block.escapes(bytes, odd, shown);
        }
        if block.mark_ends & block.marks << 1 != 0 {
            block.same = block.same(text, bytes);
        }
        block
    }

    /// Finds out what the backslashes among `odd` escape, in a text that has only the bytes `shown`.
    #[inline]
    fn escapes(&mut self, bytes: [u8x16; 4], odd: u64, shown: u64) {
        let each = |byte: u8| mask(bytes.map(|bytes| bytes.simd_eq(u8x16::splat(byte))));
        let backslashes = each(b'\\');
        self.odd = odd & !backslashes;
        if backslashes == 0 {
            return;
        }
        let escaped = escaped(backslashes);
        self.escaped = escaped;
        let with_backslash = |ends: u64| ends | ends >> 1;
        let [returns, ends, tabs] = [b'r', b'n', b't'].map(|letter| escaped & each(letter));
        self.lines = with_backslash(returns | ends);
        self.line_ends = ends | returns & !(ends >> 2);
        self.tabs = with_backslash(tabs);
        let unknown = escaped & (each(b'u') | self.odd | !shown);
        // The last byte of a block may begin one of which no more is seen.
        self.odd |= with_backslash(unknown) | backslashes & !escaped & LAST;
        self.letters &= !escaped;
        self.capitals &= !escaped;
        self.spaces &= !escaped;
        self.digits &= !escaped;
        let marks = escaped & !(unknown | returns | ends | tabs);
        self.mark_ends = self.marks & !escaped | marks;
        self.marks = self.mark_ends | marks >> 1;
    }

    /// The marks that are like the byte of the mark before.
    fn same(&self, text: &[u8], bytes: [u8x16; 4]) -> u64 {
        let like = |distance: usize| {
            let mut later = load(text, distance).into_iter();
            mask(bytes.map(|bytes| later.next().unwrap_or_default().simd_eq(bytes))) << distance
        };
        let escaped = self.mark_ends & (self.marks & !self.mark_ends) << 1;
        let plain = self.mark_ends & !escaped & like(1);
        match escaped {
            0 => plain,
            _ => plain | escaped & like(2),
        }
    }
}

/// The letters' kinds, of which the highest bit is the next.
struct Kinds([u8x16; 4]);

impl Kinds {
    #[inline]
    fn next(self) -> (u64, Self) {
        (mask(self.0), Self(self.0.map(|kinds| kinds + kinds)))
    }
}

/// The bytes of a block; zeros behind its end.
#[inline]
fn load(text: &[u8], from: usize) -> [u8x16; 4] {
    let rest = text.get(from..).unwrap_or_default();
    // Of a whole block it is known once that all windows are in it.
    match rest.first_chunk::<BLOCK>() {
        Some(block) => windows(block),
        None => windows(rest),
    }
}

#[inline]
fn windows(bytes: &[u8]) -> [u8x16; 4] {
    [0, 1, 2, 3].map(|n: usize| window(bytes, n.wrapping_mul(WINDOW)))
}

/// One bit for each byte whose highest is set.
#[inline]
fn mask(bytes: [u8x16; 4]) -> u64 {
    let [a, b, c, d] = bytes.map(u8x16::to_bitmask);
    u64::from(a | b << 16) | u64::from(c | d << 16) << 32
}

/// The lowest so many bits.
#[inline]
pub(super) fn below(bits: usize) -> u64 {
    match bits {
        0..BLOCK => (1 << bits) - 1,
        _ => u64::MAX,
    }
}

/// The bytes that backslashes escape: in a run of these, each second one and what follows the last, as they come. The way of
/// simdjson: a run's first bit, added to it, leaves it where the run ends.
#[inline]
fn escaped(backslashes: u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let behind = backslashes << 1;
    if backslashes & behind == 0 {
        return behind;
    }
    let odd_begins = backslashes & !EVEN & !behind;
    let ends = odd_begins.wrapping_add(backslashes);
    (EVEN ^ ends << 1) & behind
}
