//! The answer to `x-router-explain: true`: the plan as it would be, and why the others are not in it.

use meshrouter_core::Catalog;
use meshrouter_core::api_error::Reason;
use meshrouter_core::document::Task;
use meshrouter_core::money::Usd;
use meshrouter_core::preferences::Preferences;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::auto::Scored;
use crate::demand::Demand;
use crate::nobody;
use crate::plan::{Selection, Wanted};
use crate::rank::{Ranked, Strategy};

#[derive(Serialize)]
struct Explanation<'a> {
    object: &'static str,
    /// The estimates that the selection worked with: the highest of the models'.
    prompt_tokens: u64,
    max_tokens: Option<u64>,
    /// The request's `provider` over those of key and gateway.
    provider: &'a Preferences,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto: Option<Auto<'a>>,
    models: Vec<Model<'a>>,
    plan: Vec<Candidate<'a>>,
    excluded: Vec<Reason>,
}

/// What the auto router read, and how it scored its pool.
#[derive(Serialize)]
struct Auto<'a> {
    tasks: &'a [Task],
    scores: Vec<Score<'a>>,
}

#[derive(Serialize)]
struct Score<'a> {
    model: &'a str,
    score: f64,
}

#[derive(Serialize)]
struct Model<'a> {
    model: &'a str,
    /// How its endpoints are put in order.
    strategy: &'static str,
    /// By its tokenizer, and what was learned of that.
    prompt_tokens: u64,
}

#[derive(Serialize)]
struct Candidate<'a> {
    model: &'a str,
    provider: &'a str,
    endpoint: &'a str,
    /// Which of the key's own credentials it is asked with, from 0; the gateway's where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<usize>,
    status: &'static str,
    /// What this request would cost there, in USD.
    cost: Option<Box<RawValue>>,
    /// The chance to be first, where the first is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    /// Whether it served the last turn of this conversation.
    served_last_turn: bool,
    /// Tokens a second, and milliseconds to the first token: medians, or what the catalog says.
    throughput: Option<f64>,
    latency_ms: Option<f64>,
    in_flight: u32,
    answered_last_30s: u64,
    failed_last_30s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooling_ms: Option<u64>,
}

/// The explanation as JSON. `now` is in Unix milliseconds.
pub(crate) fn body(
    catalog: &Catalog,
    demand: &Demand<'_>,
    wanted: &[Wanted<'_>],
    scores: &[Scored<'_>],
    selection: &Selection<'_>,
    now: u64,
) -> Vec<u8> {
    let strategy = |wanted: &Wanted<'_>| Strategy::of(&demand.preferences, wanted.variants).name();
    let excluded = selection.excluded.iter();
    let explanation = Explanation {
        object: "router.explanation",
        prompt_tokens: wanted.iter().map(|wanted| wanted.prompt).max().unwrap_or(0),
        max_tokens: demand.facts.max_tokens,
        provider: &demand.preferences,
        auto: (!scores.is_empty()).then(|| auto(&demand.facts.tasks, scores)),
        models: wanted
            .iter()
            .map(|wanted| Model {
                model: wanted.id,
                strategy: strategy(wanted),
                prompt_tokens: wanted.prompt,
            })
            .collect(),
        plan: candidates(catalog, selection, now),
        excluded: excluded
            .map(|excluded| nobody::reason(demand, excluded))
            .collect(),
    };
    serde_json::to_vec(&explanation).unwrap_or_default()
}

fn auto<'a>(tasks: &'a [Task], scores: &[Scored<'a>]) -> Auto<'a> {
    let scores = scores.iter().map(|scored| Score {
        model: scored.id,
        score: (scored.score * 100.0).round() / 100.0,
    });
    Auto {
        tasks,
        scores: scores.collect(),
    }
}

fn candidates<'a>(catalog: &'a Catalog, selection: &Selection<'a>, now: u64) -> Vec<Candidate<'a>> {
    // Each model draws for itself, and own accounts before the gateway's: only these weights add up.
    let total = |first: &Ranked<'_>| -> u64 {
        let planned = selection.planned.iter();
        let together = planned.filter(|ranked| {
            ranked.model == first.model && ranked.own.is_some() == first.own.is_some()
        });
        together.map(|ranked| ranked.weight).sum()
    };
    let planned = selection.planned.iter();
    planned
        .map(|ranked| candidate(catalog, ranked, total(ranked), now))
        .collect()
}

fn candidate<'a>(catalog: &'a Catalog, ranked: &Ranked<'a>, total: u64, now: u64) -> Candidate<'a> {
    let endpoint = ranked.endpoint;
    let recent = ranked.vitals.recent(now);
    let share = ranked.weight as f64 / total.max(1) as f64;
    Candidate {
        model: ranked.model,
        provider: catalog
            .provider(&endpoint.provider)
            .map_or(&endpoint.provider, |p| &p.name),
        endpoint: &endpoint.tag,
        own: ranked.own,
        status: ranked.tier.name(),
        cost: RawValue::from_string(Usd::from_pico(u128::from(ranked.cost)).to_string()).ok(),
        share: (total > 0).then(|| (share * 10_000.0).round() / 10_000.0),
        served_last_turn: ranked.affine,
        throughput: ranked.throughput(now, 50),
        latency_ms: ranked.latency(now, 50),
        in_flight: ranked.vitals.in_flight(now),
        answered_last_30s: recent.answered,
        failed_last_30s: recent.failed,
        cooling_ms: ranked
            .vitals
            .cooling_until(now)
            .map(|until| until.saturating_sub(now)),
    }
}
