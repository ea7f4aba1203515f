//! What a prompt is made of, and the estimates that follow from it.

use serde::{Deserialize, Serialize};

use super::family::{FAMILIES, Family, TOKEN, Tokenizer};
use super::feature::{FEATURES, Feature, Tally};
use super::image::{Image, RULES};
use super::piece::piece;
use super::scale::Scale;

/// A prompt, or a part of one, counted once for all families. Counts add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    features: [u32; FEATURES],
    /// By rule, in tokens.
    images: [u64; RULES],
    /// What counts alike everywhere, in tokens.
    tokens: u64,
}

impl Default for Count {
    fn default() -> Self {
        Self {
            features: [0; FEATURES],
            images: [0; RULES],
            tokens: 0,
        }
    }
}

impl Tally for Count {
    #[inline]
    fn add(&mut self, feature: Feature, times: u32) {
        if let Some(count) = self.features.get_mut(feature as usize) {
            *count = count.saturating_add(times);
        }
    }
}

impl Count {
    /// Counts text alone.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let mut count = Self::default();
        count.text(text);
        count
    }

    /// Takes in a text: JSON, or the inside of a JSON string. An escape counts as the character that it stands
    /// for. Linear, no allocation.
    pub fn text(&mut self, mut text: &[u8]) {
        loop {
            let length = piece(text, self);
            if length == 0 {
                return;
            }
            text = text.get(length..).unwrap_or_default();
        }
    }

    /// Takes in so many tokens of any family.
    pub fn tokens(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Takes in an image.
    pub fn image(&mut self, image: Image) {
        for (sum, tokens) in self.images.iter_mut().zip(image.tokens()) {
            *sum = sum.saturating_add(tokens);
        }
    }

    /// Takes in what another one has.
    pub fn and(&mut self, other: &Self) {
        for (sum, count) in self.features.iter_mut().zip(&other.features) {
            *sum = sum.saturating_add(*count);
        }
        for (sum, tokens) in self.images.iter_mut().zip(&other.images) {
            *sum = sum.saturating_add(*tokens);
        }
        self.tokens(other.tokens);
    }

    /// How often each feature was found.
    #[must_use]
    pub fn features(&self) -> &[u32; FEATURES] {
        &self.features
    }

    /// What it weighs to a tokenizer, in parts of a [`TOKEN`]: without margin.
    #[must_use]
    pub fn weight(&self, tokenizer: &Tokenizer) -> u64 {
        let features = self.features.iter().zip(&tokenizer.weights);
        let weights = features.map(|(count, weight)| u64::from(*count) * u64::from(*weight));
        let images = self.images.get(tokenizer.images as usize);
        let tokens = images.map_or(0, |images| images.saturating_add(self.tokens));
        let weight = weights.fold(0, u64::saturating_add);
        weight.saturating_add(tokens.saturating_mul(TOKEN))
    }

    /// What it weighs to all families.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate(Family::ALL.map(|family| self.weight(family.tokenizer())))
    }
}

/// What a prompt weighs, by family, in parts of a [`TOKEN`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate([u64; FAMILIES]);

impl Estimate {
    /// What so many tokens weigh, the families' margins included: the same number for all of them.
    #[must_use]
    pub fn of_tokens(tokens: u64) -> Self {
        Self(Family::ALL.map(|family| Scale::of(family).weight(tokens)))
    }

    /// What it weighs to a family.
    #[must_use]
    pub fn weight(&self, family: Family) -> u64 {
        self.0.get(family as usize).copied().unwrap_or_default()
    }

    /// The tokens, for what does not depend on the model: those of [`Family::Other`], with its margin.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        Scale::of(Family::Other).tokens(self.weight(Family::Other))
    }
}
