//! The filter: facts in, plan out.

use std::rc::Rc;

use meshrouter_core::affinity::{self, Affinity};
use meshrouter_core::carried::Carried;
use meshrouter_core::catalog::Model;
use meshrouter_core::facts::Explain;
use meshrouter_core::health::{self, Board};
use meshrouter_core::names::{header, property};
use meshrouter_core::route::Route;
use meshrouter_core::slug::Variants;
use meshrouter_core::{ApiError, Candidate, Catalog, Document, DocumentError, Facts};
use meshrouter_host::{Direction, Filter, Flow, Host, Reply, update_shared};

use crate::demand::Demand;
use crate::plan::{self, Moment, Selection, Wanted};
use crate::policy::{Policies, Policy};
use crate::rank::Strategy;
use crate::read_api::ReadApi;
use crate::{draw, explain, hand_over, nobody, own};

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    catalog: Catalog,
    policies: Policies,
    /// For how long a conversation stays where it was served.
    sticky_seconds: u64,
    /// Milliseconds after which the next candidate is asked beside a silent one; 0 for never.
    hedge_after: u64,
    /// Whether the edge's route sends attempts to their providers itself.
    native: bool,
    read_api: ReadApi,
}

/// Plans a request; answers the read APIs of the catalog.
#[derive(Debug)]
pub struct Select {
    settings: Rc<Settings>,
}

impl Filter for Select {
    type Document = Document;
    type Settings = Settings;

    const NAME: &'static str = "select";

    fn configure(mut document: Document) -> Result<Settings, DocumentError> {
        let keys = std::mem::take(&mut document.keys);
        let preferences = std::mem::take(&mut document.preferences);
        let sticky_seconds = u64::from(document.sticky_seconds);
        let (hedge_after, native) = (document.hedge_after_ms, document.native);
        if native && hedge_after > 0 {
            let message = "attempts cannot race in the native shape (`native: true`): Envoy's router keeps all that race \
                           on one cluster";
            return Err(DocumentError::new("hedge_after_ms", message));
        }
        let catalog = Catalog::compile(document)?;
        Ok(Settings {
            policies: Policies::compile(&keys, &preferences, &catalog)?,
            sticky_seconds,
            hedge_after,
            native,
            read_api: ReadApi::compile(&catalog),
            catalog,
        })
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self { settings }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let facts = host.property(&[property::FACTS]);
        let Some(facts) = facts.and_then(|bytes| Facts::decode(&bytes)) else {
            return self.read_api(host);
        };
        let Some(policy) = self.settings.policies.of(&facts.key) else {
            host.reply(&between_documents());
            return Flow::Replied;
        };
        let explains = match wants_explanation(facts.explain, policy) {
            Ok(explains) => explains,
            Err(error) => {
                host.reply(&error.into());
                return Flow::Replied;
            }
        };
        self.plan(host, &Demand::new(&facts, policy), explains)
    }
}

impl Select {
    /// Plans the request and lets it go on, or answers why it cannot, or what the plan is.
    fn plan(&self, host: &mut impl Host, demand: &Demand<'_>, explains: bool) -> Flow {
        let catalog = &self.settings.catalog;
        let (ids, scores) = plan::resolve(catalog, &demand.facts.models, demand);
        let read = |host: &_| -> Vec<Wanted<'_>> {
            let models = ids
                .iter()
                // One may be missing where the document changed between two filters' reading of it.
                .filter_map(|(id, variants)| Some((*id, *variants, catalog.model(id)?)));
            models.map(|model| wanted(host, demand, model)).collect()
        };
        let now = demand.facts.started / 1_000_000;
        let mut wanted = read(host);
        let affinity = self.affinity(host, demand, &wanted, now);
        let moment = Moment {
            now,
            seed: draw::seed(&demand.facts.generation),
            affinity: affinity.as_ref(),
        };
        let mut selection = plan::select(demand, &wanted, moment);
        if !explains && !may_begin(host, demand.policy, &selection, now) {
            // Another request probes the first: it counts as cooling down now.
            wanted = read(host);
            selection = plan::select(demand, &wanted, moment);
        }
        let reply = if explains {
            let body = explain::body(catalog, demand, &wanted, &scores, &selection, now);
            Reply::json(body)
        } else if selection.planned.is_empty() {
            let models: Vec<&str> = wanted.iter().map(|wanted| wanted.id).collect();
            nobody::error(demand, &models, &selection).into()
        } else if let Some(ms) = selection.all_cool_for(now) {
            nobody::all_cooling(ms)
        } else {
            let settings = &self.settings;
            hand_over::plan(host, &selection, settings.hedge_after);
            if settings.native {
                let rules = &demand.policy.credentials;
                hand_over::route(host, catalog, rules, &selection);
            }
            return Flow::Continue;
        };
        host.reply(&reply);
        Flow::Replied
    }

    /// Who served a conversation's last turn, if that was not too long ago, and if it matters.
    fn affinity(
        &self,
        host: &impl Host,
        demand: &Demand<'_>,
        wanted: &[Wanted<'_>],
        now: u64,
    ) -> Option<Candidate> {
        let conversation = demand.facts.conversation?;
        let accounts = demand.policy.credentials.len();
        let matters = |wanted: &Wanted<'_>| {
            // The key's own accounts share its requests whatever the strategy.
            let shares = accounts > 1 || Strategy::of(&demand.preferences, wanted.variants).draws;
            shares && affinity::can_matter(wanted.model.endpoints.len(), accounts)
        };
        if !wanted.iter().any(matters) {
            return None;
        }
        let slot = host.shared(&affinity::key(conversation)).0?;
        let last = Affinity::decode(&slot).filter(|last| last.conversation == conversation)?;
        let until = last.at.saturating_add(self.settings.sticky_seconds);
        (until >= now / 1_000).then_some(last.candidate)
    }

    fn read_api(&self, host: &mut impl Host) -> Flow {
        let path = host.header(Direction::Request, ":path").unwrap_or_default();
        let reply = match Route::of(&path) {
            Some(Route::Read(read)) => {
                let settings = &self.settings;
                settings
                    .read_api
                    .answer(host, &settings.catalog, &read, &path)
            }
            // `normalize` lets no other request come here without facts.
            _ => ApiError::new(500, "The filter `normalize` must stand before `select`.").into(),
        };
        host.reply(&reply);
        Flow::Replied
    }
}

/// A model with its live numbers: the gateway's, and the key's own where it has any account there.
fn wanted<'a>(
    host: &impl Host,
    demand: &Demand<'_>,
    (id, variants, model): (&'a str, Variants, &'a Model),
) -> Wanted<'a> {
    let policy = demand.policy;
    let has_own = own::serve_model(&policy.credentials, id, model.endpoints.iter());
    let own = || host.shared(&health::own_key(id, &policy.name)).0;
    let board = Board::of(host.shared(&health::key(id)).0);
    let own_board = if has_own {
        Board::of(own())
    } else {
        Board::default()
    };
    Wanted::new(demand, (id, variants, model), board, own_board)
}

/// Whether the request may begin with the first of its plan. Where the cool-down of that one has just
/// ended, only the one request may that probes it.
fn may_begin(host: &mut impl Host, policy: &Policy, selection: &Selection<'_>, now: u64) -> bool {
    let first = selection.planned.first();
    let Some(first) = first.filter(|first| first.vitals.wants_probe(now)) else {
        return true;
    };
    let mut claimed = false;
    let record = match first.own {
        Some(_) => health::own_key(first.model, &policy.name),
        None => health::key(first.model),
    };
    update_shared(host, &record, |bytes| {
        let mut board = Board::of(bytes);
        claimed = board.entry(first.hash(), now).probe();
        board.into_bytes()
    });
    claimed
}

/// A key that `auth` knows and this filter does not: what it allows is not known here, so that nothing is.
fn between_documents() -> Reply {
    let message = "The gateway is taking up a new configuration, in which this key is new or gone. Ask again in a second.";
    Reply::from(ApiError::new(503, message)).with("retry-after", "1")
}

/// Whether the caller wants the plan in the place of an answer.
fn wants_explanation(explain: Explain, policy: &Policy) -> Result<bool, ApiError> {
    match explain {
        Explain::No => Ok(false),
        Explain::Yes if policy.explain => Ok(true),
        Explain::Yes => {
            let message = "This key may not ask for explanations: the gateway's configuration allows it \
                           with `explain: true` at the key.";
            Err(ApiError::new(403, message))
        }
        Explain::Unclear => {
            let message = format!(
                "The header `{}` must be `true` or `false`.",
                header::EXPLAIN
            );
            Err(ApiError::new(400, message))
        }
    }
}

#[cfg(test)]
mod tests;
