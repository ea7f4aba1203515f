//! The most that a request can use and cost, whoever of its plan serves it.

use meshrouter_core::cost::{Bound, Cost};
use meshrouter_core::document::Pricing;
use meshrouter_core::facts::Billable;
use meshrouter_core::money::{Share, Usd};
use meshrouter_core::tokens::Scale;
use meshrouter_core::{Candidate, Catalog};
use meshrouter_ledger::{Ask, Sum};

/// How many searches are reserved for, where a provider may search: more than any of them usually makes.
const SEARCHES: u64 = 10;

/// One candidate's prices, and the most that is used of it.
struct Priced<'c> {
    pricing: &'c Pricing,
    fee: Option<Share>,
    bound: Bound,
}

impl Priced<'_> {
    fn cost(&self) -> Cost {
        self.pricing.most(&self.bound, self.fee)
    }
}

/// What a request of these candidates asks for at `now`, in Unix seconds: the costliest candidate's cost.
pub(super) fn of(catalog: &Catalog, facts: &Billable, candidates: &[&Candidate], now: u64) -> Ask {
    let mut ask = Ask {
        now,
        is_free: true,
        ..Ask::default()
    };
    for candidate in candidates {
        ask.is_free &= candidate.model.ends_with(":free");
        let Some(priced) = priced(catalog, facts, candidate) else {
            continue;
        };
        let cost = priced.cost();
        let byok = priced.fee.map_or(0, |_| cost.upstream.nano());
        ask.cost = Sum {
            spent: ask.cost.spent.max(cost.caller.nano()),
            byok: ask.cost.byok.max(byok),
        };
        // A bound that the caller did not set says nothing of what will come.
        let completion = facts
            .max_tokens
            .map_or(0, |_| priced.bound.completion_tokens);
        let tokens = priced.bound.prompt_tokens.saturating_add(completion);
        ask.tokens = ask.tokens.max(tokens);
    }
    ask
}

/// The greatest `max_tokens` with which all of them stay within `left`; `None` where none does.
pub(super) fn affordable(
    catalog: &Catalog,
    facts: &Billable,
    candidates: &[&Candidate],
    left: Usd,
) -> Option<u64> {
    let priced = |candidate: &&Candidate| priced(catalog, facts, candidate);
    let candidates: Vec<_> = candidates.iter().filter_map(priced).collect();
    let fits = |tokens: u64| {
        candidates.iter().all(|priced| {
            let completion_tokens = tokens.saturating_mul(choices(facts));
            let bound = Bound {
                completion_tokens,
                ..priced.bound
            };
            priced.pricing.most(&bound, priced.fee).caller <= left
        })
    };
    let most = candidates
        .iter()
        .map(|priced| priced.bound.completion_tokens);
    let (mut low, mut high) = (1, most.max()?);
    if !fits(low) {
        return None;
    }
    while low < high {
        let middle = high - (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle.saturating_sub(1);
        }
    }
    Some(low)
}

fn priced<'c>(catalog: &'c Catalog, facts: &Billable, candidate: &Candidate) -> Option<Priced<'c>> {
    let endpoint = catalog.endpoint(candidate)?;
    let context = endpoint.context_length;
    let weight = facts.estimate.weight(endpoint.family);
    // With its margin, and no more than fits: what does not is compressed, or refused.
    let prompt_tokens = Scale::of(endpoint.family).tokens(weight).min(context);
    let room = context.saturating_sub(prompt_tokens);
    let most = endpoint
        .max_completion_tokens
        .map_or(room, |most| most.min(room));
    let each = facts
        .max_tokens
        .map_or(most, |wanted| wanted.min(most.max(1)));
    let completes = facts.operation != meshrouter_core::route::Operation::Embeddings;
    Some(Priced {
        pricing: &endpoint.pricing,
        fee: candidate.own.map(|_| catalog.byok_fee()),
        bound: Bound {
            prompt_tokens,
            completion_tokens: if completes {
                each.saturating_mul(choices(facts))
            } else {
                0
            },
            images: facts.images,
            searches: if facts.searches { SEARCHES } else { 0 },
        },
    })
}

/// How many completions it wants.
fn choices(facts: &Billable) -> u64 {
    facts.choices.max(1)
}
