//! From weights to tokens: the family's margin, and what was learned of the model.

use serde::{Deserialize, Serialize};

use super::family::{Family, TOKEN, Tokenizer};

/// How a model's real counts compare to its family's weights: the factor, in 1/1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction(u32);

/// What factors are counted in.
const ONE: u32 = 1_024;

/// The least and the greatest factor, whatever a provider reports.
const BOUNDS: (u32, u32) = (ONE / 2, ONE * 2);

/// Shorter prompts teach nothing, in tokens: what a provider puts around every prompt would weigh too much.
const MIN_PROMPT: u64 = 100;

impl Default for Correction {
    fn default() -> Self {
        Self(ONE)
    }
}

impl Correction {
    /// The factor of this number of 1/1024, within bounds; none where it is 0.
    #[must_use]
    pub fn new(factor: u32) -> Self {
        match factor {
            0 => Self::default(),
            _ => Self(factor.clamp(BOUNDS.0, BOUNDS.1)),
        }
    }

    /// In 1/1024.
    #[must_use]
    pub fn factor(self) -> u32 {
        self.0
    }

    /// What one prompt shows that weighed so much and was reported to have so many tokens; `None` where it is
    /// too short.
    #[must_use]
    pub fn shown(weight: u64, reported: u64) -> Option<Self> {
        if weight < MIN_PROMPT.saturating_mul(TOKEN) || reported == 0 {
            return None;
        }
        let scaled = reported
            .saturating_mul(TOKEN)
            .saturating_mul(u64::from(ONE));
        let factor = u32::try_from(scaled / weight).unwrap_or(u32::MAX);
        Some(Self::new(factor.max(1)))
    }

    /// The factor after one more prompt: a moving average over the last `most` or so, or over the `seen` that
    /// there were, where these are fewer.
    #[must_use]
    pub fn after(self, shown: Self, seen: u32, most: u32) -> Self {
        let (old, new) = (i64::from(self.0), i64::from(shown.0));
        let share = i64::from(seen.saturating_add(1).min(most).max(1));
        let moved = old.saturating_add(new.saturating_sub(old) / share);
        Self::new(u32::try_from(moved).unwrap_or(ONE))
    }
}

/// How a model counts: from weights to tokens and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    family: Family,
    correction: Correction,
}

impl Scale {
    /// That of a family, as far as nothing was learned.
    #[must_use]
    pub fn of(family: Family) -> Self {
        Self {
            family,
            correction: Correction::default(),
        }
    }

    /// With what was learned of the model.
    #[must_use]
    pub fn corrected(self, correction: Correction) -> Self {
        Self { correction, ..self }
    }

    /// What weighs for it.
    #[must_use]
    pub fn tokenizer(self) -> &'static Tokenizer {
        self.family.tokenizer()
    }

    /// The tokens that a weight stands for, margin included.
    #[must_use]
    pub fn tokens(self, weight: u64) -> u64 {
        let (up, down) = self.ratio();
        let product = u128::from(weight) * u128::from(up);
        divided(product.saturating_add(u128::from(down) - 1), down)
    }

    /// The greatest weight that stands for no more than so many tokens.
    #[must_use]
    pub fn weight(self, tokens: u64) -> u64 {
        let (up, down) = self.ratio();
        divided(u128::from(tokens) * u128::from(down), up)
    }

    /// Tokens to weight.
    fn ratio(self) -> (u64, u64) {
        let margin = self.tokenizer().margin.max(1);
        let up = u64::from(self.correction.0).saturating_mul(margin.saturating_add(1));
        let down = (TOKEN * u64::from(ONE)).saturating_mul(margin);
        (up.max(1), down)
    }
}

/// A product divided by a number above 0, rounded down; the largest there is where it is larger. Nearly always 64 bits
/// hold the product, which divide much faster.
pub(super) fn divided(product: u128, by: u64) -> u64 {
    match u64::try_from(product) {
        Ok(product) => product / by,
        Err(_) => u64::try_from(product / u128::from(by)).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_weights_are_each_others_inverse() {
        for factor in [0, 1, 512, 1000, 1024, 2048, u32::MAX] {
            let scale = Scale::of(Family::Gpt).corrected(Correction::new(factor));
            for tokens in [0, 1, 2, 999, 1_000_000, 1 << 40] {
                let weight = scale.weight(tokens);
                assert!(scale.tokens(weight) <= tokens);
                assert!(scale.tokens(weight + 2 * TOKEN) > tokens);
            }
        }
        assert_eq!(Scale::of(Family::Gpt).tokens(10 * TOKEN), 11);
    }

    #[test]
    fn what_is_learned_is_bounded_and_settles() {
        let shown = |reported| Correction::shown(1_000 * TOKEN, reported).unwrap();
        assert_eq!(shown(1_000), Correction::default());
        assert_eq!(shown(1), Correction(512));
        assert_eq!(shown(u64::MAX), Correction(2_048));
        assert_eq!(Correction::shown(10 * TOKEN, 10), None);
        assert_eq!(Correction::shown(1_000 * TOKEN, 0), None);
        assert_eq!(Correction::new(0), Correction::default());
        // The first one counts alone, later ones by and by.
        let first = Correction::default().after(shown(1_500), 0, 16);
        assert_eq!(first, shown(1_500));
        let mut now = first;
        for seen in 1..200 {
            now = now.after(shown(1_000), seen, 16);
        }
        assert!(now.factor().abs_diff(ONE) <= 16, "{now:?}");
    }
}
