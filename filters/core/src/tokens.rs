//! Token estimates without a tokenizer's vocabulary.

/// Tokens that an image, a file or a sound counts for, whatever the length of its URL or base64 text.
pub const MEDIA_TOKENS: u64 = 1_000;

/// Tokens that a message costs beside its text: role and separators, as OpenAI counts them.
pub const MESSAGE_TOKENS: u64 = 4;

/// Estimates the tokens of `text`: four ASCII bytes to a token, one token to any other character.
///
/// Deliberately on the high side for scripts other than Latin. Linear, no allocation.
#[must_use]
pub fn estimate(text: &[u8]) -> u64 {
    let ascii = text.iter().filter(|b| b.is_ascii()).count() as u64;
    // Every character that is not ASCII has exactly one leading byte of 0b11xx_xxxx.
    let others = text.iter().filter(|b| **b >= 0xC0).count() as u64;
    ascii.div_ceil(4).saturating_add(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_ascii_by_four_and_the_rest_by_character() {
        assert_eq!(estimate(b""), 0);
        assert_eq!(estimate(b"abc"), 1);
        assert_eq!(estimate(b"abcde"), 2);
        assert_eq!(estimate("世界".as_bytes()), 2);
        assert_eq!(estimate("naïve".as_bytes()), 2);
    }
}
