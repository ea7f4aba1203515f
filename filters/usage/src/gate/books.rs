//! Balances, where they are kept.

use meshrouter_core::document::Allowance;
use meshrouter_host::{Host, update_shared};
use meshrouter_ledger::{Ask, Balance, Hold, Refusal, Used};
use meshrouter_store::queue;

/// The balances of all accounts, in shared data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Books {
    /// Whether changes go to a store, too.
    pub(super) is_stored: bool,
}

impl Books {
    /// Lets a request begin, or not: [`Balance::admit`].
    pub(super) fn admit(
        self,
        host: &mut impl Host,
        name: &str,
        allowance: &Allowance,
        ask: &Ask,
    ) -> Result<Hold, Refusal> {
        let mut outcome = Ok(Hold::default());
        self.change(host, name, ask.now, |balance| {
            outcome = balance.admit(allowance, ask);
            // What is only counted, not reserved, is nothing to other gateways.
            outcome.is_ok() && !ask.cost.is_zero()
        });
        outcome
    }

    /// Ends a request: [`Balance::settle`].
    pub(super) fn settle(self, host: &mut impl Host, name: &str, hold: Option<Hold>, used: &Used) {
        self.change(host, name, used.now, |balance| {
            balance.settle(hold, used);
            true
        });
    }

    /// Changes a balance, and queues it for the store where `change` says that it matters there.
    fn change(
        self,
        host: &mut impl Host,
        name: &str,
        now: u64,
        mut change: impl FnMut(&mut Balance) -> bool,
    ) {
        let mut queues = false;
        update_shared(host, name, |bytes| {
            let mut balance = Balance::decode(bytes.as_deref());
            queues = change(&mut balance) && self.is_stored && balance.queue(now);
            balance.encode()
        });
        if queues {
            queue::push(host, name);
        }
    }
}
