//! What of a text is counted: the features that the estimate of each tokenizer family weighs.

use super::image::Image;

/// One countable property of a piece of text.
///
/// The pieces follow the regular expressions with which byte-pair tokenizers cut text before they merge
/// bytes (`o200k_base`, `cl100k_base`, Llama 3, Qwen): a word with the space before it, up to three
/// digits, a run of punctuation with the line ends behind it, a run of white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Feature {
    /// A word of up to 5 letters behind a space.
    Spaced5,
    /// Of 6 to 8.
    Spaced8,
    /// Of 9 to 11.
    Spaced11,
    /// Of 12 or more; longer ones are cut at 16.
    Spaced12,
    /// A letter that no space precedes.
    Bare1,
    /// A word of 2 or 3 letters without a space: the parts of `camelCase` are words.
    Bare3,
    /// Of 4 or 5.
    Bare5,
    /// Of 6 to 8.
    Bare8,
    /// Of 9 to 11.
    Bare11,
    /// Of 12 or more.
    Bare12,
    /// A word that begins with one capital.
    Title,
    /// A word in capitals.
    Capitals,
    /// Each capital after the first in such a word.
    Capital,
    /// Each capital after the first in a word that goes on in small letters, as in base64.
    Jumble,
    /// A word of 3 letters or more without a vowel.
    Mute,
    /// A Latin letter beyond ASCII.
    Accent,
    /// A word of 4 letters or more that ends in a vowel other than `e`, as English ones rarely do.
    Vowel,
    /// One that ends in `an` or `en`, as verbs do in Dutch, German, Indonesian.
    Verb,
    /// A letter that English uses little: `j`, `k`, `q`, `x`, `z`.
    Rare,
    /// Up to three digits.
    Digits,
    /// One digit.
    Digit,
    /// A run of punctuation.
    Punctuation,
    /// A further mark in it, unlike the one before.
    Mark,
    /// A further mark in it, like the one before.
    Same,
    /// Line ends behind punctuation.
    Closing,
    /// A run of line ends.
    Lines,
    /// A further line end in a run.
    Line,
    /// A run of tabs.
    Tabs,
    /// A space alone: before a digit, a line end, a character of another script.
    Space,
    /// A run of two spaces or more.
    Indent,
    /// A run of Cyrillic letters.
    CyrillicRun,
    /// One such letter.
    Cyrillic,
    /// A Greek letter.
    Greek,
    /// A run of Hebrew or Arabic letters.
    ArabicRun,
    /// One such letter.
    Arabic,
    /// A character of Devanagari.
    Devanagari,
    /// One of another Indian script.
    Indian,
    /// One of a South-East Asian script.
    Thai,
    /// A Han character of the most frequent.
    Han,
    /// One of the others that are common in simplified Chinese.
    HanSecond,
    /// One of the rest.
    HanRest,
    /// A kana.
    Kana,
    /// A Hangul syllable.
    Hangul,
    /// Punctuation beyond ASCII: dashes, quotes, full-width marks.
    Typographic,
    /// A symbol: arrows, box drawing, mathematics.
    Symbol,
    /// An emoji or another character beyond the basic plane.
    Astral,
    /// Any other character.
    Other,
}

/// How many features there are.
pub const FEATURES: usize = Feature::Other as usize + 1;

/// Takes in what a prompt is made of.
pub trait Tally {
    /// So many times this feature.
    fn add(&mut self, feature: Feature, times: u32);

    /// So many tokens of any family.
    fn tokens(&mut self, tokens: u64);

    /// An image.
    fn image(&mut self, image: Image);

    /// A text: JSON, or the inside of a JSON string. An escape counts as the character that it stands for.
    /// Linear, no allocation.
    fn text(&mut self, text: &[u8]);
}
