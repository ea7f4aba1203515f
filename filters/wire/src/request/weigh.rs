//! What media count: by their size where a data URL shows it, else by a stated default.

use meshrouter_core::tokens::{Image, Tally};

use super::media::Medium;
use super::member;
use crate::json::Value;

/// What a file counts that the body does not hold: two pages of a PDF, as Anthropic counts them.
const FILE_TOKENS: u64 = 3_000;

/// What each 64 KiB begun of a file count, which is about a page of a PDF: Anthropic's least for a page.
const PAGE_TOKENS: u64 = 1_500;
const PAGE_BYTES: u64 = 64 << 10;

/// Bytes of plain text to a token.
const TEXT_BYTES: u64 = 3;

/// What a second of sound and a second of video count: Google's rules.
const AUDIO_TOKENS: u64 = 32;
const VIDEO_TOKENS: u64 = 290;

/// Bytes that a second takes: of WAV at 16 kHz, of compressed sound at 64 kbit/s, of video at 1 Mbit/s.
const WAV_BYTES: u64 = 32_000;
const SOUND_BYTES: u64 = 8_000;
const VIDEO_BYTES: u64 = 125_000;

/// Seconds of a video that the body does not hold.
const VIDEO_SECONDS: u64 = 30;

/// The most segments of a JPEG that are passed on the way to its size.
const MAX_SEGMENTS: usize = 64;

/// Counts a medium. `value` is what its part holds, checked; `source` its URL or base64 text.
pub(super) fn count(medium: Medium, value: Value<'_>, source: &str, tally: &mut impl Tally) {
    match medium {
        Medium::Image => tally.image(Image {
            size: Bytes::of_url(source).and_then(image_size),
            low_detail: member(value, "detail").is_some_and(|detail| detail.inner() == b"low"),
        }),
        Medium::File => tally.tokens(file(source)),
        Medium::Audio => {
            let wav = member(value, "format").is_some_and(|format| format.inner() == b"wav");
            let second = if wav { WAV_BYTES } else { SOUND_BYTES };
            tally.tokens(seconds(Bytes(source.as_bytes()), second).saturating_mul(AUDIO_TOKENS));
        }
        Medium::Video => {
            let bytes = Bytes::of_url(source);
            let seconds = bytes.map_or(VIDEO_SECONDS, |bytes| seconds(bytes, VIDEO_BYTES));
            tally.tokens(seconds.saturating_mul(VIDEO_TOKENS));
        }
    }
}

fn file(source: &str) -> u64 {
    let Some(bytes) = Bytes::of_url(source) else {
        return FILE_TOKENS;
    };
    let is_text = source
        .get(..10)
        .is_some_and(|head| head.eq_ignore_ascii_case("data:text/"));
    match is_text {
        true => bytes.len().div_ceil(TEXT_BYTES),
        false => bytes.len().div_ceil(PAGE_BYTES).saturating_mul(PAGE_TOKENS),
    }
}

fn seconds(bytes: Bytes<'_>, second: u64) -> u64 {
    bytes.len().div_ceil(second.max(1))
}

/// Bytes in base64 of either alphabet, decoded where they are looked at.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Those of a data URL; `None` for another.
    fn of_url(url: &'a str) -> Option<Self> {
        let head = url.get(..5)?;
        if !head.eq_ignore_ascii_case("data:") {
            return None;
        }
        Some(Self(url.split_once(',')?.1.as_bytes()))
    }

    /// How many there are, two more where it is padded.
    fn len(self) -> u64 {
        (self.0.len() as u64).saturating_mul(3) / 4
    }

    /// The byte at an offset.
    fn at(self, offset: usize) -> Option<u8> {
        let bit = offset.checked_mul(8)?;
        let first = bit / 6;
        let pair =
            [first, first.saturating_add(1)].map(|n| self.0.get(n).copied().and_then(sextet));
        let [high, low] = pair;
        let bits = u16::from(high?) << 6 | u16::from(low?);
        // The byte begins 0, 2 or 4 bits into its first sextet.
        u8::try_from(bits >> (4_usize.saturating_sub(bit % 6)) & 0xFF).ok()
    }

    fn has(self, offset: usize, expected: &[u8]) -> bool {
        let mut bytes = expected.iter().zip(offset..);
        bytes.all(|(byte, at)| self.at(at) == Some(*byte))
    }

    /// A number of so many bytes, the last one first.
    fn little(self, offset: usize, bytes: usize) -> Option<u32> {
        let mut places = (offset..offset.saturating_add(bytes)).rev();
        places.try_fold(0, |number, at| Some(number << 8 | u32::from(self.at(at)?)))
    }

    /// The same, the first one first.
    fn big(self, offset: usize, bytes: usize) -> Option<u32> {
        let mut places = offset..offset.saturating_add(bytes);
        places.try_fold(0, |number, at| Some(number << 8 | u32::from(self.at(at)?)))
    }
}

/// The six bits of a character of base64.
fn sextet(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Width and height of a PNG, GIF, WebP or JPEG image, by its header.
fn image_size(image: Bytes<'_>) -> Option<(u32, u32)> {
    if image.has(0, b"\x89PNG") {
        return Some((image.big(16, 4)?, image.big(20, 4)?));
    }
    if image.has(0, b"GIF8") {
        return Some((image.little(6, 2)?, image.little(8, 2)?));
    }
    if image.has(0, b"RIFF") && image.has(8, b"WEBP") {
        return webp_size(image);
    }
    if image.has(0, b"\xFF\xD8") {
        return jpeg_size(image);
    }
    None
}

/// By its first chunk: extended, lossless or lossy.
fn webp_size(image: Bytes<'_>) -> Option<(u32, u32)> {
    let kind = image.big(12, 4)?.to_be_bytes();
    match &kind {
        b"VP8X" => {
            let side = |at| Some(image.little(at, 3)?.saturating_add(1));
            Some((side(24)?, side(27)?))
        }
        b"VP8L" => {
            let sides = image.little(21, 4)?;
            let side = |bits: u32| (bits & 0x3FFF).saturating_add(1);
            Some((side(sides), side(sides >> 14)))
        }
        b"VP8 " => {
            let side = |at| Some(image.little(at, 2)? & 0x3FFF);
            Some((side(26)?, side(28)?))
        }
        _ => None,
    }
}

/// By its first frame header, which other segments precede.
fn jpeg_size(image: Bytes<'_>) -> Option<(u32, u32)> {
    let mut at = 2_usize;
    for _ in 0..MAX_SEGMENTS {
        let marker = image
            .at(at.saturating_add(1))
            .filter(|_| image.at(at) == Some(0xFF))?;
        let behind = at.saturating_add(2);
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            let height = image.big(behind.saturating_add(3), 2)?;
            return Some((image.big(behind.saturating_add(5), 2)?, height));
        }
        let length = usize::try_from(image.big(behind, 2)?).ok()?;
        at = behind.saturating_add(length.max(2));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(bytes: &[u8]) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            for n in 0..=chunk.len() {
                text.push(char::from(alphabet[(bits >> (18 - 6 * n) & 63) as usize]));
            }
        }
        text
    }

    fn size(bytes: &[u8]) -> Option<(u32, u32)> {
        let url = format!("data:image/any;base64,{}", base64(bytes));
        image_size(Bytes::of_url(&url).unwrap())
    }

    #[test]
    fn headers_tell_the_size() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\x00\0\0\x03\x00\x08\x02";
        let gif = b"GIF89a\x20\x03\x58\x02\x00";
        let extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x07\0\x37\x04\0";
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x40\x01\xf0\x00";
        // 14 bits each: 1 less than 1024 and 1 less than 512.
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\xff\xc3\x7f\x00";
        let jpeg = b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xC4\0\x03c\xFF\xC2\0\x11\x08\x02\x00\x01\x00";
        assert_eq!(size(png), Some((1024, 768)));
        assert_eq!(size(gif), Some((800, 600)));
        assert_eq!(size(extended), Some((1920, 1080)));
        assert_eq!(size(lossy), Some((320, 240)));
        assert_eq!(size(lossless), Some((1024, 512)));
        assert_eq!(size(jpeg), Some((256, 512)));
        for whole in [&png[..], gif, extended, lossy, lossless, jpeg] {
            for cut in 0..whole.len() {
                let _ = size(&whole[..cut]);
            }
        }
        assert_eq!(size(b"\xFF\xD8\xFF\xE0\0\0"), None);
        assert_eq!(size(b"<svg>"), None);
    }

    #[test]
    fn sizes_and_defaults() {
        assert_eq!(file("https://x/a.pdf"), 3_000);
        assert_eq!(
            file(&format!("data:text/plain;base64,{}", "A".repeat(400))),
            100
        );
        let page = format!("data:application/pdf;base64,{}", "A".repeat(88_000));
        assert_eq!(file(&page), 2 * 1_500);
        assert_eq!(seconds(Bytes(&[b'A'; 128_000]), WAV_BYTES), 3);
    }
}
