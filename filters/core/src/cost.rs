//! What a request costs: the endpoint's prices times what was used, in integers.

use crate::document::Pricing;
use crate::money::{Price, Share, Usd};
use crate::usage::{MAX_COUNT, Usage};

/// What was used of an endpoint in one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Consumption {
    /// As reported or estimated.
    pub usage: Usage,
    /// Images of the prompt.
    pub images: u64,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// For the caller.
    pub caller: Usd,
    /// At the provider, by the endpoint's prices, whoever pays it.
    pub upstream: Usd,
}

impl Cost {
    /// What the provider takes stays, and the caller pays nothing.
    #[must_use]
    pub fn waived(self) -> Self {
        Self {
            caller: Usd::default(),
            ..self
        }
    }
}

/// What a request can use at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of all completions.
    pub completion_tokens: u64,
    /// Images of the prompt.
    pub images: u64,
    /// Web searches.
    pub searches: u64,
}

impl Pricing {
    /// The most that a request within this bound can cost, whatever is cached and however much of it is reasoning.
    /// `fee` is as in [`cost`](Self::cost).
    #[must_use]
    pub fn most(&self, bound: &Bound, fee: Option<Share>) -> Cost {
        let cache = self.input_cache_read.max(self.input_cache_write);
        let prompt = cache.map_or(self.prompt, |cache| cache.max(self.prompt));
        let count = |units: u64| units.min(MAX_COUNT);
        let tokens = count(bound.completion_tokens);
        self.share(
            [
                (Some(prompt), count(bound.prompt_tokens)),
                (Some(self.completion), tokens),
                (self.internal_reasoning, tokens),
                (self.image, count(bound.images)),
                (self.web_search, count(bound.searches)),
                (self.request, 1),
            ],
            fee,
        )
    }

    /// What this consumption costs. `fee` is what the caller pays of it, where the request went on the caller's
    /// own account.
    #[must_use]
    pub fn cost(&self, consumption: &Consumption, fee: Option<Share>) -> Cost {
        self.share(self.parts(consumption), fee)
    }

    /// The sum of prices times units, and who pays what of it. Counts are bounded, so that sums and shares stay
    /// exact.
    fn share<const N: usize>(&self, parts: [(Option<Price>, u64); N], fee: Option<Share>) -> Cost {
        let parts = parts.map(|(price, units)| price.unwrap_or_default().times(units));
        let pico = parts.into_iter().fold(0, u128::saturating_add);
        let discounted = self.discount.unwrap_or_default().rest();
        let share = |share| Usd::of_shares(pico, [discounted, share]);
        let upstream = share(Share::ALL);
        Cost {
            caller: fee.map_or(upstream, share),
            upstream,
        }
    }

    /// What is left of a sum by the listed prices, in pico-dollars: to compare endpoints by, not to be paid.
    #[must_use]
    pub fn discounted(&self, pico: u128) -> u128 {
        let Some(discount) = self.discount else {
            return pico;
        };
        let (some, all) = discount.rest().fraction();
        pico.saturating_mul(some) / all
    }

    /// What was used of each that has a price.
    fn parts(&self, consumption: &Consumption) -> [(Option<Price>, u64); 8] {
        let Consumption { usage, images } = consumption;
        [
            (Some(self.prompt), usage.fresh_tokens()),
            (
                self.input_cache_read.or(Some(self.prompt)),
                usage.cached_tokens(),
            ),
            (
                self.input_cache_write.or(Some(self.prompt)),
                usage.cache_write_tokens(),
            ),
            (Some(self.completion), usage.completion_tokens),
            (self.internal_reasoning, usage.reasoning_tokens()),
            (self.image, (*images).min(MAX_COUNT)),
            (self.web_search, usage.web_searches()),
            (self.request, 1),
        ]
    }
}

#[cfg(test)]
mod tests;
