//! What was used: `GET /credits`, `GET /generation` and `GET /activity`, as OpenRouter documents them.

use meshrouter_core::account::Account;
use meshrouter_core::created_key::CreatedKey;
use meshrouter_core::document::{Allowance, LimitReset};
use meshrouter_core::keys::KeyRing;
use meshrouter_core::money::Usd;
use meshrouter_core::timestamp::Timestamp;
use meshrouter_core::{ApiError, Candidate, route};
use meshrouter_host::{Host, Reply, SharedData};
use meshrouter_ledger::Period;
use meshrouter_ledger::activity::{self, Activity, Day};
use serde::Serialize;

use super::generation;
use super::view::{self, Amount};
use crate::caller::Caller;
use crate::created;

const DAY: u64 = 24 * 60 * 60;

#[derive(Debug, Serialize)]
struct Credits {
    total_credits: Amount,
    total_usage: Amount,
}

/// What was bought, by the document's word, and what all keys together have spent.
pub(super) fn credits(host: &impl Host, keys: &KeyRing, bought: Usd) -> Reply {
    let now = Period::of(view::now(host));
    let spent = |account: &Account| {
        view::balance(host, account)
            .spent(LimitReset::Never, now)
            .spent
    };
    let known = keys.iter().map(|known| spent(&known.account));
    let index = created::index(host);
    let created = index
        .iter()
        .filter_map(|hash| created::find(host, hash).filter(CreatedKey::exists))
        .map(|key| spent(&key.account(&Allowance::default())));
    let total = known.chain(created).fold(0, u64::saturating_add);
    super::data(Credits {
        total_credits: Amount(bought),
        total_usage: Amount(Usd::from_nano(total)),
    })
}

/// The generation of an id.
///
/// # Errors
/// 400 without an id, 404 for one that is not remembered.
pub(super) fn generation(
    host: &impl Host,
    caller: &Caller<'_>,
    path: &[u8],
) -> Result<Reply, ApiError> {
    let id = asked(path, "id").ok_or_else(|| {
        let message = "Which generation? Send its id: GET /api/v1/generation?id=gen-…";
        ApiError::bad_field("id", message)
    })?;
    generation::reply(host, caller, &id)
}

/// A day at an endpoint.
#[derive(Debug, Serialize)]
struct Item {
    date: String,
    model: String,
    model_permaslug: String,
    endpoint_id: String,
    provider_name: String,
    usage: Amount,
    byok_usage_inference: Amount,
    requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    reasoning_tokens: u64,
    cached_tokens: u64,
    workspace_id: &'static str,
}

/// What was done at each endpoint on the last thirty days that are over, or on the one of `date`.
///
/// # Errors
/// 400 where `date` is none.
pub(super) fn activity(host: &impl Host, path: &[u8]) -> Result<Reply, ApiError> {
    let today = Period::of(view::now(host)).day;
    let date = match asked(path, "date") {
        Some(date) => {
            let moment = Timestamp::parse(&date);
            let moment = moment.map_err(|message| ApiError::bad_field("date", message))?;
            Some(moment.seconds() / DAY)
        }
        None => None,
    };
    let wanted = |day: &&Day| match date {
        Some(date) => day.number == date,
        None => day.number < today && day.number.saturating_add(30) >= today,
    };
    let mut items = Vec::new();
    for name in names(host) {
        let Some(candidate) = Candidate::parse(&name) else {
            continue;
        };
        let days = Activity::decode(host.shared(&activity::key(&name)).0.as_deref());
        items.extend(days.days().filter(wanted).map(|day| item(&candidate, day)));
    }
    // The latest first.
    items.sort_by(|a, b| (&b.date, &a.model).cmp(&(&a.date, &b.model)));
    Ok(super::data(items))
}

fn item(candidate: &Candidate, day: &Day) -> Item {
    let midnight = Timestamp::from_seconds(day.number.saturating_mul(DAY)).to_string();
    Item {
        date: midnight.chars().take(10).collect(),
        model: candidate.model.clone(),
        model_permaslug: candidate.model.clone(),
        endpoint_id: candidate.endpoint.clone(),
        provider_name: candidate.provider().to_owned(),
        usage: Amount(Usd::from_nano(day.spent)),
        byok_usage_inference: Amount(Usd::from_nano(day.byok)),
        requests: day.requests,
        prompt_tokens: day.prompt_tokens,
        completion_tokens: day.completion_tokens,
        reasoning_tokens: day.reasoning_tokens,
        cached_tokens: day.cached_tokens,
        workspace_id: "default",
    }
}

/// The endpoints that did anything.
fn names(host: &impl SharedData) -> Vec<String> {
    let names = host.shared(activity::INDEX).0.unwrap_or_default();
    let names = String::from_utf8_lossy(&names).into_owned();
    names.lines().map(str::to_owned).collect()
}

/// A field of the query.
fn asked(path: &[u8], wanted: &str) -> Option<String> {
    let mut query = route::query(path);
    query
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value)
}
