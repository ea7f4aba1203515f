//! Tokenizer families, and what each makes of what was counted.

use serde::{Deserialize, Serialize};

use super::feature::FEATURES;
use super::image::Rule;
use super::weights::WEIGHTS;

/// What a token weighs: weights are in this fraction of one, so that they add up without rounding.
pub const TOKEN: u64 = 1024;

/// Models that cut text alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(usize)]
pub enum Family {
    /// OpenAI's since GPT-4o: `o200k_base`.
    Gpt,
    /// OpenAI's before: `cl100k_base`.
    Cl100k,
    /// Anthropic's. Fitted to the vocabulary of Claude 2, the last that was published.
    Claude,
    /// Meta's since Llama 3.
    Llama,
    /// Google's Gemini, fitted to Gemma 3, which has its tokenizer's vocabulary published.
    Gemini,
    /// Mistral's Tekken.
    Mistral,
    /// Qwen 3, as all since Qwen 2.
    Qwen,
    /// DeepSeek since V3.
    DeepSeek,
    /// All others: fitted to the highest count that any of the above but `cl100k_base` and Claude gives.
    #[default]
    Other,
}

/// How many families there are.
pub const FAMILIES: usize = Family::Other as usize + 1;

impl Family {
    /// All of them.
    pub const ALL: [Self; FAMILIES] = [
        Self::Gpt,
        Self::Cl100k,
        Self::Claude,
        Self::Llama,
        Self::Gemini,
        Self::Mistral,
        Self::Qwen,
        Self::DeepSeek,
        Self::Other,
    ];

    /// The family that a model's `architecture.tokenizer` names, in capitals or not.
    #[must_use]
    pub fn of(tokenizer: &str) -> Self {
        let name = tokenizer.to_ascii_lowercase();
        match name.as_str() {
            "gpt" | "o200k_base" => Self::Gpt,
            "cl100k_base" => Self::Cl100k,
            "claude" => Self::Claude,
            "llama3" | "llama4" => Self::Llama,
            "gemini" | "gemma" => Self::Gemini,
            "mistral" => Self::Mistral,
            "qwen" | "qwen3" => Self::Qwen,
            "deepseek" => Self::DeepSeek,
            _ => Self::Other,
        }
    }

    /// How it counts.
    #[must_use]
    pub fn tokenizer(self) -> &'static Tokenizer {
        // A constant index of a constant array.
        match self {
            Self::Gpt => &const { Tokenizer::of(Self::Gpt, Rule::Tiles, 10) },
            Self::Cl100k => &const { Tokenizer::of(Self::Cl100k, Rule::Tiles, 10) },
            Self::Claude => &const { Tokenizer::of(Self::Claude, Rule::Area, 6) },
            Self::Llama => &const { Tokenizer::of(Self::Llama, Rule::Patches, 10) },
            Self::Gemini => &const { Tokenizer::of(Self::Gemini, Rule::Squares, 10) },
            Self::Mistral => &const { Tokenizer::of(Self::Mistral, Rule::Patches, 10) },
            Self::Qwen => &const { Tokenizer::of(Self::Qwen, Rule::Patches, 10) },
            Self::DeepSeek => &const { Tokenizer::of(Self::DeepSeek, Rule::Patches, 8) },
            Self::Other => &const { Tokenizer::of(Self::Other, Rule::Patches, 6) },
        }
    }
}

/// How a family counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenizer {
    /// What each feature weighs.
    pub weights: [u16; FEATURES],
    /// How images count.
    pub images: Rule,
    /// The safety margin: one part in so many is added to every estimate.
    pub margin: u64,
}

impl Tokenizer {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler, which would refuse what is out of bounds"
    )]
    const fn of(family: Family, images: Rule, margin: u64) -> Self {
        let mut weights = [0; FEATURES];
        let mut n = 0;
        while n < FEATURES {
            weights[n] = WEIGHTS[n][family as usize];
            n += 1;
        }
        Self {
            weights,
            images,
            margin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_models_api() {
        for (name, family) in [
            ("GPT", Family::Gpt),
            ("Claude", Family::Claude),
            ("Llama3", Family::Llama),
            ("Llama4", Family::Llama),
            ("Gemini", Family::Gemini),
            ("Mistral", Family::Mistral),
            ("Qwen3", Family::Qwen),
            ("DeepSeek", Family::DeepSeek),
            ("Grok", Family::Other),
            ("", Family::Other),
        ] {
            assert_eq!(Family::of(name), family, "{name}");
        }
        for (n, family) in Family::ALL.into_iter().enumerate() {
            assert_eq!(family as usize, n);
        }
    }
}
