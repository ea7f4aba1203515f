//! What a request costs: the endpoint's prices times what was used, in integers.

use crate::document::Pricing;
use crate::money::{Share, Usd};
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

impl Pricing {
    /// What this consumption costs. `fee` is what the caller pays of it, where the request went on the caller's
    /// own account.
    #[must_use]
    pub fn cost(&self, consumption: &Consumption, fee: Option<Share>) -> Cost {
        let pico = self.pico(consumption);
        let discounted = self.discount.unwrap_or_default().rest();
        let share = |share| Usd::of_shares(pico, [discounted, share]);
        Cost {
            caller: share(fee.unwrap_or(Share::ALL)),
            upstream: share(Share::ALL),
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

    /// By the listed prices, in pico-dollars. Counts are bounded, so that sums and shares stay exact.
    fn pico(&self, consumption: &Consumption) -> u128 {
        let Consumption { usage, images } = consumption;
        let parts = [
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
        ];
        let parts = parts.map(|(price, units)| price.unwrap_or_default().times(units));
        parts.into_iter().fold(0, u128::saturating_add)
    }
}

#[cfg(test)]
mod tests;
