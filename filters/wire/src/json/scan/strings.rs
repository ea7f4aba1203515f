//! Strings: most of what a body is.

use meshrouter_core::window::{WINDOW, window};
use wide::u8x16;

use super::{JsonError, Scanner};

/// Long strings are looked at so many bytes at a time.
const BLOCK: usize = 4 * WINDOW;

impl<'a> Scanner<'a> {
    /// Passes a name and its colon, as nearly all names are: short, nothing in it escaped, no space behind it. `None`
    /// for others, of which nothing is passed.
    #[inline]
    pub(super) fn plain_name(&mut self) -> Option<&'a [u8]> {
        let name = self.text.get(self.at..)?.strip_prefix(b"\"")?;
        let length = special(window(name, 0)).trailing_zeros() as usize;
        // Beyond it, nothing was looked at.
        let (name, behind) = name.split_at_checked(length.min(WINDOW))?;
        let is_plain = length < WINDOW && behind.starts_with(b"\":");
        let at = self.at.saturating_add(length).saturating_add(3);
        self.at = if is_plain { at } else { self.at };
        is_plain.then_some(name)
    }

    /// Passes a string, whose quote comes next: whether anything in it is escaped.
    pub(super) fn string(&mut self) -> Result<bool, JsonError> {
        let start = self.at;
        self.at = start.saturating_add(1);
        let mut special = special(window(self.text, self.at)).into();
        // Most strings are short, and nothing in them is escaped.
        let end = self
            .at
            .saturating_add(u64::trailing_zeros(special) as usize);
        if special != 0 && self.text.get(end) == Some(&b'"') {
            self.at = end.saturating_add(1);
            return Ok(false);
        }
        let (mut shown, mut is_escaped) = (WINDOW, false);
        loop {
            if self.specials(special, shown, &mut is_escaped)? {
                return Ok(is_escaped);
            }
            let rest = self.text.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                self.at = start;
                return Err(self.error("this string does not end"));
            }
            (special, shown) = specials(rest);
        }
    }

    /// Passes the bytes that are shown of a string, of which some are `special`: whether the string ends there.
    #[inline]
    fn specials(
        &mut self,
        mut special: u64,
        shown: usize,
        is_escaped: &mut bool,
    ) -> Result<bool, JsonError> {
        let from = self.at;
        let mut behind = shown;
        while special != 0 {
            let found = special.trailing_zeros() as usize;
            self.at = from.saturating_add(found);
            match self.byte() {
                Some(b'"') => {
                    self.at = self.at.saturating_add(1);
                    return Ok(true);
                }
                Some(b'\\') => {
                    *is_escaped = true;
                    self.escape()?;
                }
                Some(_) => {
                    return Err(self.error("control characters in strings must be escaped"));
                }
                None => return Ok(false),
            }
            let next = self.at.saturating_sub(from);
            behind = behind.max(next);
            special &= u64::MAX.checked_shl(next as u32).unwrap_or_default();
        }
        self.at = from.saturating_add(behind);
        Ok(false)
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = match rest {
            [
                _,
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => 2,
            [_, b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(self.error("this escape is not one of JSON's")),
        };
        self.at = self.at.saturating_add(length);
        Ok(())
    }
}

/// What is [`special`] at the beginning of a text, and of how many bytes that is said.
#[inline]
fn specials(text: &[u8]) -> (u64, usize) {
    let Some(block) = text.first_chunk::<BLOCK>() else {
        return (special(window(text, 0)).into(), WINDOW);
    };
    let windows = [0, 1, 2, 3].map(|n: usize| mark(window(block, n.wrapping_mul(WINDOW))));
    let [a, b, c, d] = windows;
    // Text is mostly plain.
    if (a | b | c | d).to_bitmask() == 0 {
        return (0, BLOCK);
    }
    let [a, b, c, d] = windows.map(|window| u64::from(window.to_bitmask()));
    (a | b << 16 | c << 32 | d << 48, BLOCK)
}

/// The bytes of a window that are not plain text of a string: quotes, backslashes, control characters, and the zeros
/// behind the text's end; one bit each.
#[inline]
fn special(bytes: u8x16) -> u32 {
    mark(bytes).to_bitmask()
}

/// The same, as bytes whose bits are all set.
#[inline]
fn mark(bytes: u8x16) -> u8x16 {
    let quotes = bytes.simd_eq(u8x16::splat(b'"'));
    let escapes = bytes.simd_eq(u8x16::splat(b'\\'));
    let controls = bytes.min(u8x16::splat(0x1F)).simd_eq(bytes);
    quotes | escapes | controls
}
