//! Which requests may begin, and what they leave behind.

use meshrouter_core::document::{Allowance, LimitReset};
use meshrouter_core::money::Usd;

use crate::balance::Balance;
use crate::period::Period;
use crate::spending::{Spending, Sum};

/// What a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask {
    /// When, in Unix seconds.
    pub now: u64,
    /// The most that it can cost.
    pub cost: Sum,
    /// The tokens of its prompt, and the most of its completion if the caller bounds them.
    pub tokens: u64,
    /// Whether it is for free models alone.
    pub is_free: bool,
}

/// What a request that goes on has taken, until it is [settled](Balance::settle).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct Hold {
    since: u64,
    reserved: u64,
    tokens: u64,
}

impl Hold {
    /// What is reserved, in nano-dollars.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.reserved
    }
}

/// What a request was in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// When it ended, in Unix seconds.
    pub now: u64,
    /// What it cost.
    pub cost: Sum,
    /// The tokens of its prompt and its completion.
    pub tokens: u64,
}

/// Why a request may not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It could cost more than is left.
    Credits {
        /// The most that it can cost.
        asked: Usd,
        /// What is left, reservations of others taken off.
        left: Usd,
        /// When there is more, in Unix seconds.
        resets: Option<u64>,
    },
    /// There were as many requests in the last minute as may be.
    Requests(Limited),
    /// There were too many tokens in the last minute for these to be added.
    Tokens(Limited),
    /// There were as many requests for free models today as may be.
    Free(Limited),
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// How many may be.
    pub limit: u64,
    /// How many more could have been.
    pub remaining: u64,
    /// In how many seconds the request could begin.
    pub wait: u64,
}

impl Balance {
    /// Lets a request begin that stays within the allowance, and reserves what it asks for.
    ///
    /// # Errors
    /// The first limit that it would break; nothing changes then.
    pub fn admit(&mut self, allowance: &Allowance, ask: &Ask) -> Result<Hold, Refusal> {
        let now = Period::of(ask.now);
        let cost = ask.cost.counted(allowance.include_byok_in_limit);
        self.check_credits(allowance, cost, ask.now)?;
        let free = self.free_today(now);
        if let Some(most) = allowance.free_requests_per_day.filter(|_| ask.is_free) {
            let end = now.end(LimitReset::Daily);
            let wait = end.unwrap_or_default().saturating_sub(ask.now);
            within(free, 1, most, || wait).map_err(Refusal::Free)?;
        }
        if let Some(most) = allowance.requests_per_minute {
            let wait = || self.requests.wait(1, most.into(), ask.now);
            within(self.requests.lately(ask.now), 1, most, wait).map_err(Refusal::Requests)?;
        }
        if let Some(most) = allowance.tokens_per_minute {
            let wait = || self.tokens.wait(ask.tokens, most.into(), ask.now);
            within(self.tokens.lately(ask.now), ask.tokens, most, wait).map_err(Refusal::Tokens)?;
        }
        if ask.is_free {
            self.free = [now.day, free.saturating_add(1)];
        }
        self.requests = self.requests.and(1, ask.now);
        self.tokens = self.tokens.and(ask.tokens, ask.now);
        self.reserved = self.reserved.and(cost.nano(), ask.now);
        Ok(Hold {
            since: ask.now,
            reserved: cost.nano(),
            tokens: ask.tokens,
        })
    }

    /// Ends a request: what it took beyond what it used returns. `hold` is what [`admit`](Self::admit) gave;
    /// requests that were never admitted have none.
    pub fn settle(&mut self, hold: Option<Hold>, used: &Used) {
        let spent = Spending::of(used.cost, Period::of(used.now));
        self.pending = self.pending.and(spent);
        let hold = hold.unwrap_or(Hold {
            since: used.now,
            ..Hold::default()
        });
        self.reserved = self.reserved.without(hold.reserved, hold.since, used.now);
        self.tokens = match used.tokens.checked_sub(hold.tokens) {
            Some(more) => self.tokens.and(more, used.now),
            None => {
                let returned = hold.tokens.saturating_sub(used.tokens);
                self.tokens.without(returned, used.now)
            }
        };
    }

    /// What of the limit is left now, reservations taken off; `None` without a limit.
    #[must_use]
    pub fn left(&self, allowance: &Allowance, now: u64) -> Option<Usd> {
        let limit = allowance.limit?;
        let spent = self.spent(allowance.limit_reset, Period::of(now));
        let used = spent.counted(allowance.include_byok_in_limit).nano();
        let elsewhere = self.sync.reserved_elsewhere(now);
        let reserved = self.reserved.sum(now).saturating_add(elsewhere);
        let taken = used.saturating_add(reserved);
        Some(Usd::from_nano(limit.nano().saturating_sub(taken)))
    }

    fn check_credits(&self, allowance: &Allowance, cost: Usd, now: u64) -> Result<(), Refusal> {
        match self.left(allowance, now) {
            Some(left) if cost > left || self.is_overdrawn(allowance, now) => {
                Err(Refusal::Credits {
                    asked: cost,
                    left,
                    resets: Period::of(now).end(allowance.limit_reset),
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether more was spent than the limit allows: it was lowered, or another gateway spent at the same time.
    fn is_overdrawn(&self, allowance: &Allowance, now: u64) -> bool {
        let spent = self.spent(allowance.limit_reset, Period::of(now));
        let used = spent.counted(allowance.include_byok_in_limit);
        allowance.limit.is_some_and(|limit| used > limit)
    }

    /// How many requests for free models began on the day of `now`.
    #[must_use]
    pub fn free_today(&self, now: Period) -> u64 {
        let [day, count] = self.free;
        if day == now.day { count } else { 0 }
    }
}

/// Whether so many and so many more are within the limit.
fn within(there: u64, more: u64, most: u32, wait: impl FnOnce() -> u64) -> Result<(), Limited> {
    let limit = u64::from(most);
    if there.saturating_add(more) <= limit {
        return Ok(());
    }
    Err(Limited {
        limit,
        remaining: limit.saturating_sub(there),
        wait: wait(),
    })
}

#[cfg(test)]
mod tests;
