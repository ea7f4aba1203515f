//! What callers read whose request may not begin.

use meshrouter_core::ApiError;
use meshrouter_core::document::{Allowance, Budget, LimitReset};
use meshrouter_core::money::Usd;
use meshrouter_host::Reply;
use meshrouter_ledger::{Limited, Refusal};

/// A limit in money.
pub(super) struct Limit<'a> {
    amount: Usd,
    reset: LimitReset,
    /// The model that it is for; `None` for the whole key.
    model: Option<&'a str>,
}

impl<'a> Limit<'a> {
    pub(super) fn of(allowance: &'a Allowance) -> Self {
        Self {
            amount: allowance.limit.unwrap_or_default(),
            reset: allowance.limit_reset,
            model: None,
        }
    }

    pub(super) fn of_budget(budget: &'a Budget) -> Self {
        Self {
            amount: budget.limit,
            reset: budget.limit_reset,
            model: Some(&budget.model),
        }
    }

    /// The name of the limit that a refusal is about, for metrics.
    pub(super) fn kind(&self, refusal: Refusal) -> &'static str {
        match (refusal, self.model) {
            (Refusal::Credits { .. }, None) => "credits",
            (Refusal::Credits { .. }, Some(_)) => "budget",
            (Refusal::Requests(_), _) => "requests_per_minute",
            (Refusal::Tokens(_), _) => "tokens_per_minute",
            (Refusal::Free(_), _) => "free_requests_per_day",
        }
    }
}

/// The answer, at a time in Unix seconds. `affordable` says with what `max_tokens` the request would stay within an
/// amount.
pub(super) fn reply(
    refusal: Refusal,
    limit: &Limit<'_>,
    now: u64,
    affordable: impl Fn(Usd) -> Option<u64>,
) -> Reply {
    match refusal {
        Refusal::Credits { asked, left, .. } => {
            let message = credits(limit, asked, left, affordable(left));
            let mut error = ApiError::new(402, message);
            error.metadata.limit_remaining = Some(left);
            error.into()
        }
        Refusal::Requests(limited) => {
            let most = format!("{} requests a minute", limited.limit);
            too_many(limited, &most, "", now)
        }
        Refusal::Tokens(limited) => {
            let most = format!("{} tokens a minute", limited.limit);
            let hint = " Prompts count, and completions by `max_tokens` where it is set.";
            too_many(limited, &most, hint, now)
        }
        Refusal::Free(limited) => {
            let most = format!("{} requests a day for free models", limited.limit);
            too_many(limited, &most, " The day ends at midnight UTC.", now)
        }
    }
}

/// The answer where limits are not to be left to chance.
pub(super) fn store_is_down() -> Reply {
    let message = "The store of the gateway's limits does not answer, and the gateway is configured to refuse requests \
                   of keys with limits until it does. Try again in a few seconds.";
    Reply::from(ApiError::new(503, message)).with("retry-after", "5")
}

/// What is left, and both remedies.
fn credits(limit: &Limit<'_>, asked: Usd, left: Usd, affordable: Option<u64>) -> String {
    let amount = limit.amount;
    let by = match limit.reset {
        LimitReset::Never => "",
        LimitReset::Daily => " a day",
        LimitReset::Weekly => " a week",
        LimitReset::Monthly => " a month",
    };
    let of = match limit.model {
        Some(model) => format!("the key's budget of ${amount}{by} for `{model}`"),
        None => format!("the key's limit of ${amount}{by}"),
    };
    let remedy = match affordable {
        Some(tokens) => {
            format!("Lower `max_tokens` to {tokens} or less, or have the limit raised.")
        }
        None => "Have the limit raised, or wait until it resets, if it does.".to_owned(),
    };
    format!("This request can cost up to ${asked}, and ${left} are left of {of}. {remedy}")
}

fn too_many(limited: Limited, most: &str, hint: &str, now: u64) -> Reply {
    let wait = limited.wait;
    let message = format!("This key may use {most}. Try again in {wait} s.{hint}");
    let reset = now.saturating_add(wait).saturating_mul(1_000);
    Reply::from(ApiError::new(429, message))
        .with("retry-after", wait.to_string())
        .with("x-ratelimit-limit", limited.limit.to_string())
        .with("x-ratelimit-remaining", limited.remaining.to_string())
        .with("x-ratelimit-reset", reset.to_string())
}
