//! Where a JSON string may be cut: between characters, whether they are escaped or not.

use std::ops::Range;

/// What stands for the text that was cut out.
pub(super) const MARKER: &str = " … ";

/// What the marker counts, and so the least that a text can be cut to.
pub(super) const MARKER_TOKENS: u64 = 2;

// The estimate of `meshrouter_core::tokens` in quarters of a token, so that weights add up.
const ASCII: u64 = 1;
const OTHER: u64 = 4;
const TOKEN: u64 = 4;
const MARKER_WEIGHT: u64 = 2 * ASCII + OTHER;

/// The range to cut out of the middle of `text`, the inside of a JSON string, so that the rest and
/// the marker count at most `tokens`. Empty where the text is no longer than that, or the marker is.
pub(super) fn middle(text: &[u8], tokens: u64) -> Range<usize> {
    let weight = weight(text);
    let most = tokens.saturating_mul(TOKEN);
    let room = match most.checked_sub(MARKER_WEIGHT) {
        Some(room) if weight > most => room,
        _ => return 0..0,
    };

    let mut walk = Walk {
        text,
        at: 0,
        weight: 0,
    };
    walk.up_to(room / 2);
    let (head, kept) = (walk.at, walk.weight);
    // What the head leaves over because a character does not fit is the tail's.
    let missing = weight.saturating_sub(room.saturating_sub(kept));
    while walk.weight < missing && walk.step() {}
    head..walk.at
}

/// What `text` weighs.
fn weight(text: &[u8]) -> u64 {
    let ascii = text.iter().filter(|b| b.is_ascii()).count() as u64;
    let others = text.iter().filter(|b| **b >= 0xC0).count() as u64;
    ascii
        .saturating_mul(ASCII)
        .saturating_add(others.saturating_mul(OTHER))
}

/// A walk over characters. Only forwards: read backwards, an escape is not told from text.
struct Walk<'t> {
    text: &'t [u8],
    /// Where it stands: between two characters.
    at: usize,
    /// What was passed weighs.
    weight: u64,
}

impl Walk<'_> {
    /// Passes all characters that fit into `room`.
    fn up_to(&mut self, room: u64) {
        while let Some((length, weight)) = self.next() {
            if self.weight.saturating_add(weight) > room {
                return;
            }
            self.pass(length, weight);
        }
    }

    /// Passes one character; false at the end.
    fn step(&mut self) -> bool {
        let next = self.next();
        if let Some((length, weight)) = next {
            self.pass(length, weight);
        }
        next.is_some()
    }

    fn pass(&mut self, length: usize, weight: u64) {
        self.at = self.at.saturating_add(length);
        self.weight = self.weight.saturating_add(weight);
    }

    /// Length and weight of the next character.
    fn next(&self) -> Option<(usize, u64)> {
        let rest = self.text.get(self.at..)?;
        let first = *rest.first()?;
        let length = match first {
            b'\\' => escape(rest),
            0..=0x7F => 1,
            _ => {
                let following = rest.iter().skip(1).take_while(|b| **b & 0xC0 == 0x80);
                return Some((following.count().saturating_add(1), OTHER));
            }
        };
        let length = length.min(rest.len());
        Some((length, ASCII.saturating_mul(length as u64)))
    }
}

/// Length of the escape at the beginning of `text`: both halves of a surrogate pair are one.
fn escape(text: &[u8]) -> usize {
    let high = matches!(
        text,
        [
            _,
            b'u',
            b'd' | b'D',
            b'8' | b'9' | b'a' | b'b' | b'A' | b'B',
            _,
            _,
            ..
        ]
    );
    let low = matches!(
        text,
        [
            _,
            _,
            _,
            _,
            _,
            _,
            b'\\',
            b'u',
            b'd' | b'D',
            b'c'..=b'f' | b'C'..=b'F',
            _,
            _,
            ..,
        ]
    );
    match text {
        [_, b'u', ..] if high && low => 12,
        [_, b'u', ..] => 6,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshrouter_core::tokens;

    fn cut(text: &str, tokens: u64) -> String {
        let middle = middle(text.as_bytes(), tokens);
        if middle.is_empty() {
            return text.to_owned();
        }
        format!("{}{MARKER}{}", &text[..middle.start], &text[middle.end..])
    }

    #[test]
    fn weights_are_the_estimate() {
        assert_eq!(tokens::estimate(MARKER.as_bytes()), MARKER_TOKENS);
        assert_eq!(weight(MARKER.as_bytes()), MARKER_WEIGHT);
        for text in ["", "abc", "abcde", "naïve", "世界 and all", r"\u00e9\n"] {
            let text = text.as_bytes();
            assert_eq!(weight(text).div_ceil(TOKEN), tokens::estimate(text));
        }
    }

    #[test]
    fn table() {
        let cases = [
            // Nothing to cut.
            ("", 2, ""),
            ("abcdefgh", 2, "abcdefgh"),
            ("abcdefgh", 0, "abcdefgh"),
            // Room for one character at both ends, or two and three.
            ("abcdefghi", 2, "a … i"),
            ("abcdefghijklm", 3, "abc … klm"),
            // A character of four does not fit a half: the tail has it all.
            ("世abcdefg世", 2, " … "),
            ("世abcdefghijk世", 3, " … jk世"),
            ("世界和平很好", 4, "世 … 好"),
            ("naïve naïve naïve", 4, "na … naïve"),
            // Escapes stay whole.
            (r"\n\n\n\n\n\n\n\n", 3, r"\n … \n\n"),
            (r"\\\\\\\\\\\\\\\\", 3, r"\\ … \\\\"),
            (r#"\"\"\"\"\"\"\"\""#, 3, r#"\" … \"\""#),
            (r"\u00e9\u00e9\u00e9\u00e9", 5, r"\u00e9 … \u00e9"),
            (r"\u00e9\u00e9\u00e9\u00e9", 4, r" … \u00e9"),
            // The halves of a pair stay together, in either case of letters.
            (
                r"\ud83d\ude00\ud83d\ude00\ud83d\ude00",
                8,
                r"\ud83d\ude00 … \ud83d\ude00",
            ),
            (
                r"\uD83D\uDE00\uD83D\uDE00\uD83D\uDE00",
                7,
                r" … \uD83D\uDE00",
            ),
            // Halves without the other are characters of their own.
            (
                r"\ud83d\ud83d\ude00\ude00\ude00\ude00",
                5,
                r"\ud83d … \ude00",
            ),
            (r"\\ud83d\\ude00\\ud83d\\ude00", 5, r"\\ud83d … \\ude00"),
        ];
        for (text, tokens, expected) in cases {
            assert_eq!(cut(text, tokens), expected, "{text} to {tokens}");
        }
    }

    #[test]
    fn every_length_of_every_mixture_is_kept() {
        let pieces = [
            "a",
            "é",
            "世",
            "😀",
            r"\n",
            r"\\",
            r#"\""#,
            r"\u00e9",
            r"\ud83d\ude00",
        ];
        let mut state: usize = 1;
        for _ in 0..300 {
            let mut text = String::new();
            for _ in 0..30 {
                state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
                text += pieces[(state >> 8) % pieces.len()];
            }
            let whole = tokens::estimate(text.as_bytes());
            for tokens in MARKER_TOKENS..whole {
                let short = cut(&text, tokens);
                let estimate = tokens::estimate(short.as_bytes());
                assert!(estimate <= tokens, "{text} to {tokens}: {short}");
                // At most a character is lost at the seam: twelve bytes, three tokens.
                assert!(estimate + 3 >= tokens, "{text} to {tokens}: {short}");
                let literal = format!("\"{short}\"");
                assert!(serde_json::from_str::<String>(&literal).is_ok(), "{short}");
            }
        }
    }

    #[test]
    fn what_is_no_string_does_no_harm() {
        for text in [
            &b"\\"[..],
            b"\\u",
            b"\\ud83d\\",
            b"\xff\xff\xff",
            b"\x80\x80",
        ] {
            let text = text.repeat(20);
            for tokens in 0..30 {
                let middle = middle(&text, tokens);
                assert!(text.get(middle).is_some());
            }
        }
    }
}
