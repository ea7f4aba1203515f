//! The filter: facts in, plan out.

use std::rc::Rc;

use meshrouter_core::affinity::{self, Affinity};
use meshrouter_core::facts::Carried;
use meshrouter_core::health::{self, Board};
use meshrouter_core::names::{header, property};
use meshrouter_core::route::Route;
use meshrouter_core::{ApiError, Candidate, Catalog, Document, DocumentError, Facts};
use meshrouter_host::{Direction, Filter, Flow, Host, Reply};

use crate::demand::Demand;
use crate::plan::{self, Moment, Selection, Wanted};
use crate::policy::{Policies, Policy};
use crate::rank::Strategy;
use crate::read_api::ReadApi;
use crate::{draw, explain, nobody};

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    catalog: Catalog,
    policies: Policies,
    /// For how long a conversation stays where it was served.
    sticky_seconds: u64,
    read_api: ReadApi,
}

/// Plans a request; answers the read APIs of the catalog.
#[derive(Debug)]
pub struct Select {
    settings: Rc<Settings>,
}

impl Filter for Select {
    type Settings = Settings;

    const NAME: &'static str = "select";

    fn configure(mut document: Document) -> Result<Settings, DocumentError> {
        let keys = std::mem::take(&mut document.keys);
        let preferences = std::mem::take(&mut document.preferences);
        let sticky_seconds = u64::from(document.sticky_seconds);
        let catalog = Catalog::compile(document)?;
        Ok(Settings {
            policies: Policies::compile(&keys, &preferences, &catalog)?,
            sticky_seconds,
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
        let key = host.property(&[property::KEY]).unwrap_or_default();
        let policy = self.settings.policies.of(&key);
        let explains = match wants_explanation(host, policy) {
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
        let facts = demand.facts;
        let (ids, scores) = plan::resolve(catalog, &facts.models, demand);
        let models: Vec<_> = ids
            .iter()
            // One may be missing where the document changed between two filters' reading of it.
            .filter_map(|(id, variants)| Some((*id, *variants, catalog.model(id)?)))
            .collect();
        let endpoints: usize = models
            .iter()
            .map(|(_, _, model)| model.endpoints.len())
            .sum();
        // A choice of one needs no numbers.
        let chooses = endpoints > 1 || explains;
        let wanted: Vec<Wanted<'_>> = models
            .into_iter()
            .map(|(id, variants, model)| Wanted {
                id,
                model,
                variants,
                board: Board::of(chooses.then(|| host.shared(&health::key(id)).0).flatten()),
            })
            .collect();
        let now = host.now() / 1_000_000;
        let draws = |wanted: &Wanted<'_>| Strategy::of(&demand.preferences, wanted.variants).draws;
        let affinity = (chooses && wanted.iter().any(draws))
            .then(|| self.affinity(host, facts.conversation?, now))
            .flatten();
        let moment = Moment {
            now,
            seed: draw::seed(&facts.generation),
            affinity: affinity.as_ref(),
        };
        let selection = plan::select(demand, &wanted, moment);
        if explains {
            let body = explain::body(catalog, demand, &wanted, &scores, &selection, now);
            host.reply(&Reply::json(body));
            return Flow::Replied;
        }
        if selection.planned.is_empty() {
            let models: Vec<&str> = wanted.iter().map(|wanted| wanted.id).collect();
            host.reply(&nobody::error(demand, &models, &selection).into());
            return Flow::Replied;
        }
        hand_over(host, &selection);
        Flow::Continue
    }

    /// Who served a conversation's last turn, if that was not too long ago.
    fn affinity(&self, host: &impl Host, conversation: u64, now: u64) -> Option<Candidate> {
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

/// Whether the caller wants the plan in the place of an answer.
fn wants_explanation(host: &impl Host, policy: &Policy) -> Result<bool, ApiError> {
    let value = host.header(Direction::Request, header::EXPLAIN);
    match value.as_deref() {
        None | Some(b"false") => Ok(false),
        Some(b"true") if policy.explain => Ok(true),
        Some(b"true") => {
            let message = "This key may not ask for explanations: the gateway's configuration allows it \
                           with `explain: true` at the key.";
            Err(ApiError::new(403, message))
        }
        Some(_) => {
            let message = format!(
                "The header `{}` must be `true` or `false`.",
                header::EXPLAIN
            );
            Err(ApiError::new(400, message))
        }
    }
}

/// Tells the attempt chain whom to ask, and Envoy's router how often.
fn hand_over(host: &mut impl Host, selection: &Selection<'_>) {
    let retries = selection.planned.len().saturating_sub(1).to_string();
    let plan = selection.plan();
    let headers = [(header::PLAN, plan), (header::ENVOY_MAX_RETRIES, retries)];
    for (name, value) in headers {
        host.set_header(Direction::Request, name, value.as_bytes());
    }
}

#[cfg(test)]
mod tests;
