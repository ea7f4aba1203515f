//! What accounts have spent, what they have reserved, and how much they ask for.
//!
//! One [`Balance`] an account, in data that all workers share. A request that begins reserves the most that it can
//! cost; one that ends settles what it did cost, and the rest returns. Both are one change of the balance, which
//! shared data makes atomic, so that no number of requests at once overruns a limit.
//!
//! Pure: the time is a parameter, money is nano-dollars in integers.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod activity;
mod admission;
mod balance;
pub mod generation;
mod period;
mod rate;
mod reserved;
mod spending;
mod sync;

pub use admission::{Ask, Hold, Limited, Refusal, Used};
pub use balance::Balance;
pub use period::Period;
pub use rate::Rate;
pub use spending::{Spending, Sum};
pub use sync::{Known, RESERVED_SECONDS};

/// The key of an account's balance in shared data.
#[must_use]
pub fn key(account: &str) -> String {
    ["balance/", account].concat()
}

/// The key of what an account spent on a model that it has a budget for.
#[must_use]
pub fn budget_key(account: &str, model: &str) -> String {
    // No key's name and no hash holds a line end.
    format!("balance/{account}\n{model}")
}
