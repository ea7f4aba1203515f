//! `GET /key`: what the caller's own key is, may use up, and has.

use meshrouter_core::document::{Allowance, LimitReset};
use meshrouter_core::timestamp::Timestamp;
use meshrouter_host::{Host, Reply};
use meshrouter_ledger::{Balance, Period};
use serde::Serialize;

use super::view::{self, Amount, Usage};
use crate::caller::Caller;

/// OpenRouter's fields. What the gateway has no word of is `null`, and numbers without a limit are -1.
#[derive(Debug, Serialize)]
struct Own<'a> {
    label: &'a str,
    #[serde(flatten)]
    usage: Usage,
    expires_at: Option<Timestamp>,
    is_free_tier: bool,
    is_provisioning_key: bool,
    is_management_key: bool,
    rate_limit: RateLimit,
    free_model_daily_requests: Free,
    budgets: Vec<KeyBudget>,
    effective_budget: Option<KeyBudget>,
    creator_user_id: Option<&'a str>,
    organization_id: Option<()>,
    workspace_id: &'static str,
    allowed_data_regions: [&'static str; 1],
}

#[derive(Debug, Serialize)]
struct RateLimit {
    requests: i64,
    interval: &'static str,
    note: &'static str,
}

#[derive(Debug, Serialize)]
struct Free {
    limit: i64,
    used: i64,
    remaining: i64,
}

/// The limit once more, as newer clients read it.
#[derive(Debug, Clone, Serialize)]
struct KeyBudget {
    scope: &'static str,
    limit_usd: Amount,
    spend_usd: Amount,
    remaining_usd: Amount,
    include_byok: bool,
    reset_interval: Option<LimitReset>,
    resets_at: Option<Timestamp>,
    budget_id: Option<()>,
    guardrail_id: Option<()>,
}

/// The answer.
pub(super) fn reply(host: &impl Host, caller: &Caller<'_>) -> Reply {
    let account = caller.account();
    let allowance = &account.allowance;
    let balance = view::balance(host, &account);
    let now = view::now(host);
    let budget = key_budget(allowance, &balance, now);
    super::data(Own {
        label: &account.label,
        usage: Usage::new(allowance, &balance, now),
        expires_at: caller.expires_at(),
        is_free_tier: false,
        is_provisioning_key: caller.is_provisioning(),
        is_management_key: caller.is_provisioning(),
        rate_limit: RateLimit {
            requests: allowance.requests_per_minute.map_or(-1, i64::from),
            interval: "1m",
            note: "Requests that may begin in any minute; -1 for any number.",
        },
        free_model_daily_requests: free(allowance, &balance, now),
        budgets: budget.clone().into_iter().collect(),
        effective_budget: budget,
        creator_user_id: caller.creator(),
        organization_id: None,
        workspace_id: view::WORKSPACE,
        allowed_data_regions: ["global"],
    })
}

fn key_budget(allowance: &Allowance, balance: &Balance, now: u64) -> Option<KeyBudget> {
    let spent = balance.spent(allowance.limit_reset, Period::of(now));
    let end = Period::of(now).end(allowance.limit_reset);
    Some(KeyBudget {
        scope: "key_limit",
        limit_usd: Amount(allowance.limit?),
        spend_usd: Amount(spent.counted(allowance.include_byok_in_limit)),
        remaining_usd: Amount(balance.left(allowance, now)?),
        include_byok: allowance.include_byok_in_limit,
        reset_interval: view::reset(allowance.limit_reset),
        resets_at: end.map(Timestamp::from_seconds),
        budget_id: None,
        guardrail_id: None,
    })
}

fn free(allowance: &Allowance, balance: &Balance, now: u64) -> Free {
    let used = i64::try_from(balance.free_today(Period::of(now))).unwrap_or(i64::MAX);
    match allowance.free_requests_per_day.map(i64::from) {
        Some(limit) => Free {
            limit,
            used,
            remaining: limit.saturating_sub(used).max(0),
        },
        None => Free {
            limit: -1,
            used,
            remaining: -1,
        },
    }
}
