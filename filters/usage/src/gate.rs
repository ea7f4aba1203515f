//! The gate: lets requests begin that their key can pay for, and settles what they cost.

mod ask;
mod books;
#[cfg(test)]
mod tests;
mod words;

use meshrouter_core::account::Account;
use meshrouter_core::carried::Carried;
use meshrouter_core::document::{Allowance, Budget, Store, WhenDown};
use meshrouter_core::facts::Billable;
use meshrouter_core::groups;
use meshrouter_core::money::Usd;
use meshrouter_core::names::{header, metric, property};
use meshrouter_core::{Candidate, Catalog, Plan};
use meshrouter_host::{Direction, Host, Reply};
use meshrouter_ledger::{Hold, Refusal, Sum, Used, budget_key, key};
use meshrouter_store::state;

use crate::filter::Settings;
use books::Books;
use words::Limit;

/// Whoever pays for a request, and what it has taken of their allowance.
#[derive(Debug)]
pub(crate) struct Payer {
    account: Account,
    books: Books,
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

/// A request that asks to begin.
struct Applicant<'a> {
    catalog: &'a Catalog,
    facts: &'a Billable,
    /// Unix seconds.
    now: u64,
}

/// Lets a request begin, or answers why it may not. Candidates whose model has no budget left leave the plan, as
/// long as others are in it. `None` where `auth` names no payer.
///
/// # Errors
/// The answer.
pub(crate) fn admit(
    host: &mut impl Host,
    settings: &Settings,
    facts: &Billable,
) -> Result<Option<Payer>, Reply> {
    let account = host.property(&[property::KEY]);
    let Some(account) = account.and_then(|bytes| Account::decode(&bytes)) else {
        return Ok(None);
    };
    let mut payer = Payer {
        account,
        books: Books {
            is_stored: settings.store.is_some(),
        },
        hold: None,
        budgets: Vec::new(),
    };
    if payer.account.allowance.is_bounded() {
        let applicant = Applicant {
            catalog: &settings.catalog,
            facts,
            now: facts.started / 1_000_000_000,
        };
        wait_for(host, settings.store.as_ref(), applicant.now)?;
        payer.admit(host, &applicant)?;
    }
    Ok(Some(payer))
}

/// Refuses while a store is down without which nothing may begin.
fn wait_for(host: &mut impl Host, store: Option<&Store>, now: u64) -> Result<(), Reply> {
    let refuses = store.is_some_and(|store| store.when_down == WhenDown::Refuse);
    if !refuses || state::is_current(host, now) {
        return Ok(());
    }
    count(host, "store_down");
    Err(words::store_is_down())
}

impl Payer {
    /// The account's id.
    pub(crate) fn id(&self) -> &str {
        self.account.id()
    }

    /// How its key is shown.
    pub(crate) fn label(&self) -> &str {
        &self.account.label
    }

    fn admit(&mut self, host: &mut impl Host, applicant: &Applicant<'_>) -> Result<(), Reply> {
        let plan = host.header(Direction::Request, header::PLAN);
        let plan = plan.and_then(|text| Plan::parse(&text)).unwrap_or_default();
        let plan = self.within_budgets(host, applicant, plan)?;
        let candidates: Vec<_> = plan.candidates().collect();
        let ask = applicant.ask(&candidates);
        let (id, allowance) = (self.account.id(), &self.account.allowance);
        match self.books.admit(host, &key(id), allowance, &ask) {
            Ok(hold) => {
                host.shift(metric::RESERVED, signed(hold.reserved()));
                self.hold = Some(hold);
                Ok(())
            }
            Err(refusal) => {
                let reply = applicant.refuse(host, refusal, &Limit::of(allowance), &candidates);
                // What the budgets gave returns.
                self.settle(
                    host,
                    &Settlement {
                        now: applicant.now,
                        ..Settlement::default()
                    },
                );
                Err(reply)
            }
        }
    }

    /// The plan without the models that have no budget left.
    fn within_budgets(
        &mut self,
        host: &mut impl Host,
        applicant: &Applicant<'_>,
        plan: Plan,
    ) -> Result<Plan, Reply> {
        let (id, allowance) = (self.account.id(), &self.account.allowance);
        let of_model = |model: &str| -> Vec<&Candidate> {
            let candidates = plan.candidates();
            candidates
                .filter(|candidate| candidate.model == model)
                .collect()
        };
        let mut spent = Vec::new();
        for budget in &allowance.budgets {
            let candidates = of_model(&budget.model);
            if candidates.is_empty() {
                continue;
            }
            let ask = applicant.ask(&candidates);
            let name = budget_key(id, &budget.model);
            match self
                .books
                .admit(host, &name, &of_budget(allowance, budget), &ask)
            {
                Ok(hold) => self.budgets.push((budget.model.clone(), hold)),
                Err(refusal) => spent.push((budget, refusal)),
            }
        }
        let Some((budget, refusal)) = spent.first() else {
            return Ok(plan);
        };
        let is_spent = |model: &str| spent.iter().any(|(budget, _)| budget.model == model);
        let rest = plan
            .candidates()
            .filter(|candidate| !is_spent(&candidate.model));
        let text = Plan::text(rest.map(|candidate| {
            (
                candidate.model.as_str(),
                candidate.endpoint.as_str(),
                candidate.own,
            )
        }));
        let Some(rest) = Plan::parse(text.as_bytes()) else {
            let candidates = of_model(&budget.model);
            return Err(applicant.refuse(host, *refusal, &Limit::of_budget(budget), &candidates));
        };
        host.set_header(Direction::Request, header::PLAN, text.as_bytes());
        // In the native shape the edge's route has the plan, too; behind its candidates stands who has the last word.
        if let Some(groups) = host.header(Direction::Request, header::GROUPS) {
            let stays = |n| {
                let candidate = plan.candidates().nth(n);
                candidate.is_none_or(|candidate| !is_spent(&candidate.model))
            };
            let groups = groups::retain(&groups, stays).unwrap_or_default();
            host.set_header(Direction::Request, header::GROUPS, groups.as_bytes());
        }
        Ok(rest)
    }

    /// Ends the request: what it did not use returns, to the key and to the budgets.
    pub(crate) fn settle(&self, host: &mut impl Host, end: &Settlement<'_>) {
        let used = Used {
            now: end.now,
            cost: end.cost,
            tokens: end.tokens,
        };
        let (id, allowance) = (self.account.id(), &self.account.allowance);
        if let Some(hold) = &self.hold {
            host.shift(metric::RESERVED, signed(hold.reserved()).saturating_neg());
        }
        if self.hold.is_some() || !end.cost.is_zero() {
            self.books.settle(host, &key(id), self.hold, &used);
        }
        for budget in &allowance.budgets {
            let hold = self
                .budgets
                .iter()
                .find(|(model, _)| *model == budget.model);
            let hold = hold.map(|(_, hold)| *hold);
            let served = end.model == Some(budget.model.as_str());
            if !served && hold.is_none() {
                continue;
            }
            let nothing = Used {
                now: end.now,
                ..Used::default()
            };
            let used = if served { &used } else { &nothing };
            let name = budget_key(id, &budget.model);
            self.books.settle(host, &name, hold, used);
        }
    }
}

impl Applicant<'_> {
    fn ask(&self, candidates: &[&Candidate]) -> meshrouter_ledger::Ask {
        ask::of(self.catalog, self.facts, candidates, self.now)
    }

    fn refuse(
        &self,
        host: &mut impl Host,
        refusal: Refusal,
        limit: &Limit<'_>,
        candidates: &[&Candidate],
    ) -> Reply {
        count(host, limit.kind(refusal));
        let affordable = |left: Usd| ask::affordable(self.catalog, self.facts, candidates, left);
        words::reply(refusal, limit, self.now, affordable)
    }
}

fn signed(nano: u64) -> i64 {
    i64::try_from(nano).unwrap_or(i64::MAX)
}

/// Counts a request that may not begin, by what forbids it.
fn count(host: &mut impl Host, limit: &str) {
    host.count(&metric::label(metric::LIMITED, &[("limit", limit)]), 1);
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
