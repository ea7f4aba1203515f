//! The characters of JSON text, by what tokenizers make of them.

use super::han::Rank;

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Lower,
    Upper,
    /// A Latin letter beyond ASCII.
    Accented,
    Digit,
    Space,
    Line,
    Tab,
    /// Punctuation of ASCII: which.
    Mark(u8),
    Script(Script),
}

/// What lies beyond ASCII and Latin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Cyrillic,
    Greek,
    Arabic,
    Devanagari,
    Indian,
    Thai,
    Han(Rank),
    Kana,
    Hangul,
    Typographic,
    Symbol,
    Astral,
    Other,
}

/// What begins with a byte, as far as the byte alone tells: what most text is made of is known without decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Letter,
    Digit,
    Space,
    /// Punctuation of ASCII, not escaped.
    Mark,
    /// Most likely a Han character.
    Han,
    Other,
}

/// By byte.
static LEADS: [Lead; 256] = leads();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse what is out of bounds"
)]
const fn leads() -> [Lead; 256] {
    let mut leads = [Lead::Other; 256];
    let mut byte = 0_u8;
    while byte < 0xFF {
        leads[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' => Lead::Letter,
            b'0'..=b'9' => Lead::Digit,
            b' ' => Lead::Space,
            b'\n' | b'\r' | b'\t' | b'\\' => Lead::Other,
            0..=0x7F => Lead::Mark,
            0xE4..=0xE9 => Lead::Han,
            _ => Lead::Other,
        };
        byte += 1;
    }
    leads
}

impl Lead {
    #[inline]
    pub(super) fn of(byte: u8) -> Self {
        let lead = LEADS.get(usize::from(byte));
        lead.copied().unwrap_or(Self::Other)
    }
}

/// How common the Han character is that `text` begins with; `None` where it begins with none of the main block.
#[inline]
pub(super) fn han(text: &[u8]) -> Option<Rank> {
    let [a, b, c, ..] = text else { return None };
    let code = three([a, b, c]);
    (0x4E00..=0x9FFF).contains(&code).then(|| Rank::of(code))
}

/// The code point of a character of three bytes.
#[inline]
fn three([a, b, c]: [&u8; 3]) -> u32 {
    u32::from(*a & 0x0F) << 12 | u32::from(*b & 0x3F) << 6 | u32::from(*c & 0x3F)
}

/// The first character of the inside of a JSON string, with its length in bytes; an escape is the
/// character that it stands for. `None` at the end.
#[inline]
pub(super) fn first(text: &[u8]) -> Option<(Class, usize)> {
    let byte = *text.first()?;
    Some(match byte {
        b'a'..=b'z' => (Class::Lower, 1),
        b'A'..=b'Z' => (Class::Upper, 1),
        b'0'..=b'9' => (Class::Digit, 1),
        b' ' => (Class::Space, 1),
        b'\n' | b'\r' => (Class::Line, 1),
        b'\t' => (Class::Tab, 1),
        b'\\' => escape(text),
        0..=0x7F => (Class::Mark(byte), 1),
        _ => beyond_ascii(text),
    })
}

/// An escape; half of one at the end of the text is what is left of it.
#[inline]
fn escape(text: &[u8]) -> (Class, usize) {
    match text {
        [_, b'r', b'\\', b'n', ..] => (Class::Line, 4),
        [_, b'n' | b'r', ..] => (Class::Line, 2),
        [_, b't', ..] => (Class::Tab, 2),
        [_, b'u', ..] => unicode(text),
        [_, mark, ..] if mark.is_ascii() => (Class::Mark(*mark), 2),
        _ => (Class::Mark(b'\\'), 1),
    }
}

/// `\uXXXX`; both halves of a surrogate pair are one character.
#[inline(never)]
fn unicode(text: &[u8]) -> (Class, usize) {
    match (unit(text), text.get(6..).and_then(unit)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (Class::Script(Script::Astral), 12),
        (Some(code @ 0..=0x7F), _) => (ascii(code), 6),
        (Some(code), _) => (class(code), 6),
        (None, _) => (Class::Mark(b'\\'), text.len().min(2)),
    }
}

/// The number of the `\uXXXX` that `text` begins with.
fn unit(text: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = text else {
        return None;
    };
    let digits = digits.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | digit)
    })
}

/// What an escape of an ASCII character stands for.
fn ascii(code: u32) -> Class {
    match u8::try_from(code).unwrap_or_default() {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        b' ' => Class::Space,
        b'\n' | b'\r' => Class::Line,
        b'\t' => Class::Tab,
        mark => Class::Mark(mark),
    }
}

/// A character of several bytes. Bytes that are no UTF-8 count each.
#[inline]
fn beyond_ascii(text: &[u8]) -> (Class, usize) {
    match text {
        [a @ 0xC2..=0xDF, b, ..] => {
            let code = u32::from(*a & 0x1F) << 6 | u32::from(*b & 0x3F);
            (class(code), 2)
        }
        [a @ 0xE0..=0xEF, b, c, ..] => (class(three([a, b, c])), 3),
        [0xF0..=0xF4, _, _, _, ..] => (Class::Script(Script::Astral), 4),
        _ => (Class::Script(Script::Other), 1),
    }
}

/// What a character beyond ASCII is, by its code point.
#[inline]
fn class(code: u32) -> Class {
    Class::Script(match code {
        0xAA | 0xB5 | 0xBA | 0xC0..=0x24F | 0x300..=0x36F | 0x1E00..=0x1EFF => {
            return Class::Accented;
        }
        0x80..=0xBF | 0x2000..=0x206F | 0x3000..=0x303F | 0xFF00..=0xFF65 => Script::Typographic,
        0x370..=0x3FF => Script::Greek,
        0x400..=0x52F => Script::Cyrillic,
        0x590..=0x77F | 0x8A0..=0x8FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFE => Script::Arabic,
        0x900..=0x97F => Script::Devanagari,
        0x980..=0xDFF => Script::Indian,
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1780..=0x17FF => Script::Thai,
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9F => Script::Kana,
        0xAC00..=0xD7A3 | 0x1100..=0x11FF | 0x3130..=0x318F => Script::Hangul,
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF => Script::Han(Rank::of(code)),
        0x2070..=0x2BFF | 0xFE00..=0xFE0F => Script::Symbol,
        _ => Script::Other,
    })
}
