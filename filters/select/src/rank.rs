//! The order of the endpoints that may serve.

use meshrouter_core::Facts;
use meshrouter_core::catalog::Endpoint;
use meshrouter_core::document::Pricing;
use meshrouter_core::health::{EndpointHash, FRESH_SECONDS, Vitals};
use meshrouter_core::preferences::{By, Partition, Preferences};
use meshrouter_core::slug::Variants;

use crate::demand::{Demand, names};
use crate::draw;
use crate::plan::Wanted;

/// Tokens of a completion whose length the caller did not bound, for comparing prices.
const USUAL_COMPLETION: u64 = 500;

/// How readily an endpoint is asked. Better ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Nothing speaks against it.
    Good,
    /// It does not understand a parameter, or misses a speed that is preferred.
    Behind,
    /// It had a significant outage in the last 30 seconds.
    Ailing,
    /// It must not be asked now.
    Cooling,
}

impl Tier {
    /// The name for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Behind => "behind",
            Self::Ailing => "ailing",
            Self::Cooling => "cooling",
        }
    }
}

/// How the endpoints of one group are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strategy {
    /// What to sort by, where `sort` or a variant says so.
    sort: Option<By>,
    /// Whether the first is drawn by price.
    pub(crate) draws: bool,
}

impl Strategy {
    /// The strategy for a model that is asked for with these variants, which are more particular than
    /// the preferences. `sort` and `order` turn balancing off, and without fallbacks the cheapest
    /// itself is wanted (Provider Routing page).
    pub(crate) fn of(preferences: &Preferences, variants: Variants) -> Self {
        let variant = match variants {
            Variants { floor: true, .. } => Some(By::Price),
            Variants { nitro: true, .. } => Some(By::Throughput),
            _ => None,
        };
        let sort = variant.or(preferences.sort.map(|sort| sort.by));
        let ordered = preferences
            .order
            .as_ref()
            .is_some_and(|order| !order.is_empty());
        let alone = preferences.allow_fallbacks == Some(false);
        Self {
            sort,
            draws: sort.is_none() && !ordered && !alone,
        }
    }

    /// The name for people.
    pub(crate) fn name(self) -> &'static str {
        match self.sort {
            Some(By::Price) => "sorted by price",
            Some(By::Throughput) => "sorted by throughput",
            Some(By::Latency) => "sorted by latency",
            None if self.draws => "balanced by price",
            None => "in the given order, then the cheapest first",
        }
    }
}

/// An endpoint that may serve, with what its place depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranked<'a> {
    /// The router's id of its model.
    pub(crate) model: &'a str,
    pub(crate) endpoint: &'a Endpoint,
    /// Which of the caller's own credentials it is asked with; `None` for the gateway's.
    pub(crate) own: Option<usize>,
    /// What is known of it now, on that account.
    pub(crate) vitals: Vitals<'a>,
    /// What is known of it on the gateway's.
    pub(crate) shared: Vitals<'a>,
    /// The tokens of the prompt, by its tokenizer.
    pub(crate) prompt: u64,
    /// What the request would cost there, in pico-dollars.
    pub(crate) cost: u64,
    pub(crate) tier: Tier,
    /// Its place in `provider.order`.
    pub(crate) place: Option<usize>,
    /// Its weight in the draw for the first place; 0 where it took no part.
    pub(crate) weight: u64,
    /// Whether it served the last turn of this conversation.
    pub(crate) affine: bool,
}

impl<'a> Ranked<'a> {
    pub(crate) fn new(
        demand: &Demand<'_>,
        wanted: &Wanted<'a>,
        endpoint: &'a Endpoint,
        vitals: Vitals<'a>,
        strategy: Strategy,
        now: u64,
    ) -> Self {
        let order = demand.preferences.order.iter().flatten();
        let mut ranked = Self {
            model: wanted.id,
            endpoint,
            own: None,
            vitals,
            shared: vitals,
            prompt: wanted.prompt,
            cost: cost(&endpoint.pricing, demand.facts, wanted.prompt),
            tier: Tier::Good,
            place: order
                .enumerate()
                .find(|(_, slug)| names(slug, endpoint))
                .map(|(n, _)| n),
            weight: 0,
            affine: false,
        };
        ranked.tier = ranked.tier(demand, strategy, now);
        ranked
    }

    /// The same on an account of the caller's own, of which this is known.
    pub(crate) fn on(
        self,
        vitals: Vitals<'a>,
        demand: &Demand<'_>,
        strategy: Strategy,
        now: u64,
    ) -> Self {
        let mut own = Self { vitals, ..self };
        own.tier = own.tier(demand, strategy, now);
        own
    }

    /// Its place in the health record of its model, or of the model and the caller's key.
    pub(crate) fn hash(&self) -> EndpointHash {
        let tag = &self.endpoint.tag;
        self.own
            .map_or(self.endpoint.hash, |own| EndpointHash::own(tag, own))
    }

    /// Outages and parameters that are not understood matter where the caller did not say by what to
    /// sort; speeds that are preferred, and cool-downs, always do.
    fn tier(&self, demand: &Demand<'_>, strategy: Strategy, now: u64) -> Tier {
        if self.vitals.cooling_until(now).is_some() {
            return Tier::Cooling;
        }
        let sorted = strategy.sort.is_some();
        if !sorted && self.vitals.recent(now).is_outage() {
            return Tier::Ailing;
        }
        let lacks = !sorted && !self.endpoint.lacks(demand.facts.parameters).is_empty();
        if lacks || self.is_slow(&demand.preferences, now) {
            return Tier::Behind;
        }
        Tier::Good
    }

    /// Whether it misses a preferred speed. Of one that nobody knows, nobody can say so.
    fn is_slow(&self, preferences: &Preferences, now: u64) -> bool {
        let throughput = preferences.preferred_min_throughput.unwrap_or_default();
        let latency = preferences.preferred_max_latency.unwrap_or_default();
        throughput.points().any(|(percent, least)| {
            self.throughput(now, percent)
                .is_some_and(|found| found < least)
        }) || latency.points().any(|(percent, most)| {
            self.latency(now, percent)
                .is_some_and(|found| found > most * 1_000.0)
        })
    }

    /// A percentile of its tokens a second, of which `percent` of the answers fall short: measured,
    /// or what the catalog says.
    pub(crate) fn throughput(&self, now: u64, percent: u32) -> Option<f64> {
        // The 90th percentile of a speed is what nine of ten answers reach, not what one exceeds.
        let measured = |of: Vitals<'_>| of.throughput(now, FRESH_SECONDS, 100 - percent);
        let measured = measured(self.vitals).or_else(|| measured(self.shared));
        measured.or(self.endpoint.throughput.map(|known| known as f64))
    }

    /// A percentile of its milliseconds to the first token: measured, or what the catalog says.
    pub(crate) fn latency(&self, now: u64, percent: u32) -> Option<f64> {
        let measured = |of: Vitals<'_>| of.latency(now, FRESH_SECONDS, percent);
        let measured = measured(self.vitals).or_else(|| measured(self.shared));
        measured.or(self.endpoint.latency_ms.map(|known| known as f64))
    }

    /// What it is sorted by: the least first, what nobody knows last, and of equals the cheapest.
    fn metric(&self, strategy: Strategy, now: u64) -> (u64, u64) {
        // A thousandth is as fine as speeds are worth comparing.
        let fine = |number: f64| (number * 1_000.0) as u64;
        let metric = match strategy.sort {
            None | Some(By::Price) => self.cost,
            Some(By::Throughput) => {
                let found = self.throughput(now, 50);
                found.map_or(u64::MAX, |found| (u64::MAX - 1).saturating_sub(fine(found)))
            }
            Some(By::Latency) => self.latency(now, 50).map_or(u64::MAX, fine),
        };
        (metric, self.cost)
    }
}

/// What the request would cost with a prompt of so many tokens, in pico-dollars; at most the 18 million dollars that a word holds.
pub(crate) fn cost(pricing: &Pricing, facts: &Facts, prompt: u64) -> u64 {
    let completion = facts.max_tokens.unwrap_or(USUAL_COMPLETION);
    let parts = [
        pricing.prompt.times(prompt),
        pricing.completion.times(completion),
        pricing.request.map_or(0, |price| price.times(1)),
        pricing.image.map_or(0, |price| price.times(facts.images)),
    ];
    let sum: u128 = parts.into_iter().sum();
    u64::try_from(pricing.discounted(sum)).unwrap_or(u64::MAX)
}

/// Puts a group in order: all endpoints of one model, or those of all models where the caller
/// partitions by none. Equal ones keep the document's order.
pub(crate) fn order(group: &mut [Ranked<'_>], strategy: Strategy, seed: u64, now: u64) {
    group.sort_by_cached_key(|ranked| {
        let place = ranked.place.unwrap_or(usize::MAX);
        // Where only the provider is named, its own endpoint comes before its variants.
        let variant = ranked.place.is_some() && ranked.endpoint.tag != ranked.endpoint.provider;
        let cooling = ranked.tier == Tier::Cooling;
        let tier = if ranked.place.is_some() {
            Tier::Good
        } else {
            ranked.tier
        };
        (cooling, place, variant, tier, ranked.metric(strategy, now))
    });
    if strategy.draws {
        balance(group, seed);
    }
}

/// Draws the first by price, from those of the best tier; the others stay behind, the cheapest first.
/// Where a healthy one served the conversation's last turn, it is first instead.
fn balance(group: &mut [Ranked<'_>], seed: u64) {
    let Some(best) = group.first().map(|ranked| ranked.tier) else {
        return;
    };
    let affine = group
        .iter()
        .position(|ranked| ranked.affine && ranked.tier <= Tier::Behind);
    if let Some(affine) = affine {
        to_front(group, affine);
        return;
    }
    let count = group
        .iter()
        .take_while(|ranked| ranked.tier == best)
        .count();
    let stable = group.get_mut(..count).unwrap_or_default();
    let weights = draw::Weights::of(stable.iter().map(|ranked| ranked.cost));
    for ranked in stable.iter_mut() {
        ranked.weight = weights.weight(ranked.cost);
    }
    let drawn = draw::draw(stable.iter().map(|ranked| ranked.weight), seed);
    to_front(stable, drawn);
}

/// Moves one to the front; the order of the others stays.
fn to_front<T>(list: &mut [T], place: usize) {
    if let Some(head) = list.get_mut(..=place) {
        head.rotate_right(1);
    }
}

/// Whether all models are sorted as one list.
pub(crate) fn is_one_list(preferences: &Preferences) -> bool {
    preferences
        .sort
        .is_some_and(|sort| sort.partition == Partition::None)
}
