//! What a prompt is made of, and the estimates that follow from it.

use serde::{Deserialize, Serialize};

use super::family::{FAMILIES, Family, TOKEN, Tokenizer};
use super::feature::{FEATURES, Feature, Tally};
use super::image::{Image, RULES};
use super::piece::piece;
use super::pieces::pieces;
use super::scale::Scale;
use super::weights::WEIGHTS;

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
            // A body has fewer bytes than this counts, and a byte is in each feature once at most.
            *count = count.wrapping_add(times);
        }
    }

    fn tokens(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
    }

    fn text(&mut self, text: &[u8]) {
        pieces(text, self);
    }

    fn image(&mut self, image: Image) {
        for (sum, tokens) in self.images.iter_mut().zip(image.tokens()) {
            *sum = sum.saturating_add(tokens);
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
        // Far from an overflow, as in `Scales`; what cannot saturate is summed up several at a time.
        let weight = weights.fold(0, u64::wrapping_add);
        weight.saturating_add(self.beside(tokenizer))
    }

    /// What weighs beside the features.
    fn beside(&self, tokenizer: &Tokenizer) -> u64 {
        let images = self.images.get(tokenizer.images as usize);
        let tokens = images.map_or(0, |images| images.saturating_add(self.tokens));
        tokens.saturating_mul(TOKEN)
    }

    /// What it weighs to all families: to each what [`weight`](Self::weight) says.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let mut weights = [0_u64; FAMILIES];
        // A text has some of the features only.
        let found = self.features.iter().zip(&WEIGHTS);
        for (count, row) in found.filter(|(count, _)| **count > 0) {
            for (sum, weight) in weights.iter_mut().zip(row) {
                let weight = u64::from(*count).wrapping_mul(u64::from(*weight));
                *sum = sum.wrapping_add(weight);
            }
        }
        for (sum, family) in weights.iter_mut().zip(Family::ALL) {
            *sum = sum.saturating_add(self.beside(family.tokenizer()));
        }
        Estimate(weights)
    }
}

/// A prompt, or a part of one, weighed for one family while it is read: where only that is asked, this costs less
/// than a [`Count`].
#[derive(Debug, Clone, Copy)]
pub struct Scales<'t> {
    tokenizer: &'t Tokenizer,
    weight: u64,
}

impl<'t> Scales<'t> {
    /// Empty ones.
    #[must_use]
    pub fn new(tokenizer: &'t Tokenizer) -> Self {
        Self {
            tokenizer,
            weight: 0,
        }
    }

    /// Takes in the first piece of a text: its length in bytes, 0 at the end. Texts may be cut between pieces: both
    /// halves weigh together what the whole did.
    pub fn piece(&mut self, text: &[u8]) -> usize {
        piece(text, self)
    }

    /// What was taken in weighs, in parts of a [`TOKEN`]: without margin.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// By whose rules it weighs.
    #[must_use]
    pub fn tokenizer(&self) -> &'t Tokenizer {
        self.tokenizer
    }
}

impl Tally for Scales<'_> {
    #[inline]
    fn add(&mut self, feature: Feature, times: u32) {
        let weight = self.tokenizer.weights.get(feature as usize);
        let weight = u64::from(weight.copied().unwrap_or_default());
        // Far from an overflow: 32 bits of bytes by 16 bits of weight.
        self.weight = self.weight.wrapping_add(weight.wrapping_mul(times.into()));
    }

    fn tokens(&mut self, tokens: u64) {
        let weight = tokens.saturating_mul(TOKEN);
        self.weight = self.weight.saturating_add(weight);
    }

    fn text(&mut self, text: &[u8]) {
        pieces(text, self);
    }

    fn image(&mut self, image: Image) {
        let rule = self.tokenizer.images as usize;
        let tokens = image.tokens().get(rule).copied();
        self.tokens(tokens.unwrap_or_default());
    }
}

/// What a prompt weighs, by family, in parts of a [`TOKEN`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate([u64; FAMILIES]);

impl Estimate {
    pub(super) fn new(weight: impl FnMut(Family) -> u64) -> Self {
        Self(Family::ALL.map(weight))
    }

    /// The weights of all families, in the order of [`Family::ALL`], as [`read`](Self::read) takes them.
    #[must_use]
    pub fn weights(&self) -> &[u64; FAMILIES] {
        &self.0
    }

    /// Reads the weights of all families; `None` where one is missing.
    pub fn read(mut next: impl FnMut() -> Option<u64>) -> Option<Self> {
        let mut weights = [0; FAMILIES];
        for weight in &mut weights {
            *weight = next()?;
        }
        Some(Self(weights))
    }

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
