//! The gate: lets requests begin that their key can pay for, and settles what they cost.

mod ask;
#[cfg(test)]
mod tests;
mod words;

use meshrouter_core::account::Account;
use meshrouter_core::document::{Allowance, Budget};
use meshrouter_core::facts::Carried;
use meshrouter_core::names::{header, metric, property};
use meshrouter_core::{Candidate, Catalog, Facts, Plan};
use meshrouter_host::{Direction, Host, Reply, update_shared};
use meshrouter_ledger::{Balance, Hold, Refusal, Sum, Used, budget_key, key};

/// Whoever pays for a request, and what it has taken of their allowance.
#[derive(Debug)]
pub(crate) struct Payer {
    account: Account,
    hold: Option<Hold>,
    /// What it has taken of the budgets of single models.
    budgets: Vec<(String, Hold)>,
}

/// What a request was in the end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settlement<'a> {
    /// Unix seconds.
    pub(crate) now: u64,
    /// The model that served.
    pub(crate) model: Option<&'a str>,
    pub(crate) cost: Sum,
    pub(crate) tokens: u64,
}

/// Lets a request begin, or answers why it may not. Candidates whose model has no budget left leave the plan, as
/// long as others are in it. `None` where `auth` names no payer.
///
/// # Errors
/// The answer.
pub(crate) fn admit(
    host: &mut impl Host,
    catalog: &Catalog,
    facts: &Facts,
) -> Result<Option<Payer>, Reply> {
    let account = host.property(&[property::ACCOUNT]);
    let Some(account) = account.and_then(|bytes| Account::decode(&bytes)) else {
        return Ok(None);
    };
    let mut payer = Payer {
        account,
        hold: None,
        budgets: Vec::new(),
    };
    if !payer.account.allowance.is_bounded() {
        return Ok(Some(payer));
    }
    let plan = host.header(Direction::Request, header::PLAN);
    let plan = plan.and_then(|text| Plan::parse(&text)).unwrap_or_default();
    let plan = payer.within_budgets(host, catalog, facts, plan)?;
    let now = host.now() / 1_000_000_000;
    let ask = ask::of(catalog, facts, plan.candidates(), now);
    let Payer { account, .. } = &payer;
    match take(host, &key(&account.id), &account.allowance, &ask) {
        Ok(hold) => payer.hold = Some(hold),
        Err(refusal) => {
            payer.settle(
                host,
                &Settlement {
                    now,
                    ..Settlement::default()
                },
            );
            let afford = |left| ask::affordable(catalog, facts, plan.candidates(), left);
            return Err(refuse(
                host,
                refusal,
                &words::Limit::of(&account.allowance),
                afford,
            ));
        }
    }
    Ok(Some(payer))
}

impl Payer {
    /// The plan without the models that have no budget left.
    fn within_budgets(
        &mut self,
        host: &mut impl Host,
        catalog: &Catalog,
        facts: &Facts,
        plan: Plan,
    ) -> Result<Plan, Reply> {
        let now = host.now() / 1_000_000_000;
        let mut spent = Vec::new();
        for budget in &self.account.allowance.budgets {
            let of_model = |candidate: &&Candidate| candidate.model == budget.model;
            if !plan.candidates().any(|candidate| of_model(&candidate)) {
                continue;
            }
            let ask = ask::of(catalog, facts, plan.candidates().filter(of_model), now);
            let name = budget_key(&self.account.id, &budget.model);
            match take(
                host,
                &name,
                &of_budget(&self.account.allowance, budget),
                &ask,
            ) {
                Ok(hold) => self.budgets.push((budget.model.clone(), hold)),
                Err(refusal) => spent.push((budget.clone(), refusal)),
            }
        }
        let Some((budget, refusal)) = spent.first() else {
            return Ok(plan);
        };
        let is_spent = |model: &str| spent.iter().any(|(budget, _)| budget.model == model);
        let rest: Vec<_> = plan
            .candidates()
            .filter(|candidate| !is_spent(&candidate.model))
            .map(|candidate| {
                (
                    candidate.model.as_str(),
                    candidate.endpoint.as_str(),
                    candidate.own,
                )
            })
            .collect();
        let text = Plan::text(rest);
        let Some(rest) = Plan::parse(text.as_bytes()) else {
            let afford = |left| {
                let of_model = |candidate: &&Candidate| candidate.model == budget.model;
                ask::affordable(catalog, facts, plan.candidates().filter(of_model), left)
            };
            return Err(refuse(
                host,
                *refusal,
                &words::Limit::of_budget(budget),
                afford,
            ));
        };
        host.set_header(Direction::Request, header::PLAN, text.as_bytes());
        Ok(rest)
    }

    /// Ends the request: what it did not use returns, to the key and to the budgets.
    pub(crate) fn settle(&self, host: &mut impl Host, end: &Settlement<'_>) {
        let used = Used {
            now: end.now,
            cost: end.cost,
            tokens: end.tokens,
        };
        let account = &self.account;
        if self.hold.is_some() || !end.cost.is_zero() {
            settle(host, &key(&account.id), self.hold, &used);
        }
        for budget in &account.allowance.budgets {
            let hold = self
                .budgets
                .iter()
                .find(|(model, _)| *model == budget.model);
            let hold = hold.map(|(_, hold)| *hold);
            let served = end.model == Some(budget.model.as_str());
            if served || hold.is_some() {
                let used = if served {
                    used
                } else {
                    Used {
                        now: end.now,
                        ..Used::default()
                    }
                };
                settle(host, &budget_key(&account.id, &budget.model), hold, &used);
            }
        }
    }
}

/// A budget as an allowance of its own.
fn of_budget(allowance: &Allowance, budget: &Budget) -> Allowance {
    Allowance {
        limit: Some(budget.limit),
        limit_reset: budget.limit_reset,
        include_byok_in_limit: allowance.include_byok_in_limit,
        ..Allowance::default()
    }
}

fn take(
    host: &mut impl Host,
    balance: &str,
    allowance: &Allowance,
    ask: &meshrouter_ledger::Ask,
) -> Result<Hold, Refusal> {
    let mut outcome = Ok(Hold::default());
    update_shared(host, balance, |bytes| {
        let mut balance = Balance::decode(bytes.as_deref());
        outcome = balance.admit(allowance, ask);
        balance.encode()
    });
    outcome
}

fn settle(host: &mut impl Host, balance: &str, hold: Option<Hold>, used: &Used) {
    update_shared(host, balance, |bytes| {
        let mut balance = Balance::decode(bytes.as_deref());
        balance.settle(hold, used);
        balance.encode()
    });
}

fn refuse(
    host: &mut impl Host,
    refusal: Refusal,
    limit: &words::Limit<'_>,
    affordable: impl Fn(meshrouter_core::money::Usd) -> Option<u64>,
) -> Reply {
    let name = metric::label(metric::LIMITED, &[("limit", limit.kind(refusal))]);
    host.count(&name, 1);
    let now = host.now() / 1_000_000_000;
    words::reply(refusal, limit, now, affordable)
}
