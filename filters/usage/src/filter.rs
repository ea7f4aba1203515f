//! The filter: lets requests begin that can be paid for, meters the response, and settles it all in the end.

mod ending;

use std::cell::RefCell;
use std::rc::Rc;

use meshrouter_core::catalog::Endpoint;
use meshrouter_core::document::Store;
use meshrouter_core::facts::Billable;
use meshrouter_core::names::{header, property};
use meshrouter_core::route::Operation;
use meshrouter_core::tokens::TOKEN;
use meshrouter_core::{Catalog, Document, DocumentError, Outcome};
use meshrouter_host::{Background, Direction, Filter, Flow, Host, send_whole};
use meshrouter_wire::completion::Signature;

use crate::background::Chores;
use crate::bill::Terms;
use crate::gate::{self, Payer};
use crate::meter::{Meter, Metering};
use crate::span;
use crate::tally::Tally;

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    pub(crate) catalog: Catalog,
    pub(crate) store: Option<Store>,
    /// Whether spans say what the record says.
    traces: bool,
    tally: RefCell<Tally>,
}

impl Settings {
    /// Reads or changes what this VM adds up.
    pub(crate) fn tally(&self, act: impl FnOnce(&mut Tally)) {
        // Never borrowed twice: a VM has one thread, and `act` comes back to no filter.
        if let Ok(mut tally) = self.tally.try_borrow_mut() {
            act(&mut tally);
        }
    }
}

/// Counts tokens and cost, and keeps the record of the request.
#[derive(Debug)]
pub struct UsageFilter {
    settings: Rc<Settings>,
    facts: Option<Billable>,
    /// Nanoseconds since the epoch.
    first_byte: Option<u64>,
    outcome: Option<Outcome>,
    body: Body,
    finished: bool,
    payer: Option<Payer>,
}

/// What the response's body is to the filter.
#[derive(Debug)]
enum Body {
    /// None of its business: an error, or no completion at all.
    Other,
    /// A completion in one piece.
    Whole(Meter),
    /// A stream of chunks.
    Stream(Meter),
}

impl Filter for UsageFilter {
    type Document = Document;
    type Settings = Settings;

    const NAME: &'static str = "usage";

    fn configure(mut document: Document) -> Result<Settings, DocumentError> {
        if let Some(store) = &document.store {
            check(store)?;
        }
        Ok(Settings {
            store: document.store.take(),
            traces: document.traces,
            catalog: Catalog::compile(document)?,
            tally: RefCell::default(),
        })
    }

    fn background(settings: &Rc<Settings>) -> Option<Box<dyn Background>> {
        Some(Box::new(Chores::new(settings)))
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            facts: None,
            first_byte: None,
            outcome: None,
            body: Body::Other,
            finished: false,
            payer: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let facts = host.property(&[property::FACTS]);
        self.facts = facts.and_then(|bytes| Billable::decode(&bytes));
        let Some(facts) = &self.facts else {
            return Flow::Continue;
        };
        if self.settings.traces {
            span::asks(host, facts);
        }
        match gate::admit(host, &self.settings, facts) {
            Ok(payer) => {
                self.payer = payer;
                Flow::Continue
            }
            Err(reply) => {
                host.reply(&reply);
                Flow::Replied
            }
        }
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(facts) = &self.facts else {
            return Flow::Continue;
        };
        let headers = host.headers(Direction::Response);
        self.outcome = headers.get(header::OUTCOME).and_then(Outcome::parse);
        self.finished = end;
        let status = headers.get(":status").unwrap_or_default();
        if self.settings.traces {
            span::responds(host, facts, self.outcome.as_ref(), status);
        }
        if status != b"200" {
            return Flow::Continue;
        }
        let Some(meter) = self.new_meter() else {
            return Flow::Continue;
        };
        let content_type = headers.get("content-type");
        if content_type.is_some_and(|value| value.starts_with(b"text/event-stream")) {
            self.body = Body::Stream(meter);
            return Flow::Continue;
        }
        self.body = Body::Whole(meter);
        if end { Flow::Continue } else { Flow::Pause }
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.finished = end;
        let flow = self.read(host, end);
        if end && self.settings.traces {
            self.trace_end(host);
        }
        flow
    }

    fn on_log(&mut self, host: &mut impl Host) {
        self.end(host);
    }
}

impl UsageFilter {
    /// Meters what is here of the response's body.
    fn read(&mut self, host: &mut impl Host, end: bool) -> Flow {
        match &mut self.body {
            Body::Other => Flow::Continue,
            Body::Whole(_) if !end => Flow::Pause,
            Body::Whole(meter) => {
                self.first_byte = Some(host.now());
                let body = host.body(Direction::Response);
                if let Some(priced) = meter.completion(&body) {
                    send_whole(host, Direction::Response, &priced);
                }
                Flow::Continue
            }
            Body::Stream(meter) => {
                if self.first_byte.is_none() {
                    self.first_byte = Some(host.now());
                }
                let chunk = host.body(Direction::Response);
                if let Some(priced) = meter.chunk(&chunk, end) {
                    host.set_body(Direction::Response, &priced);
                }
                Flow::Continue
            }
        }
    }
}

/// A store needs a cluster, and keys of its own in it.
fn check(store: &Store) -> Result<(), DocumentError> {
    for (field, value) in [("cluster", &store.cluster), ("prefix", &store.prefix)] {
        if !value.ends_with(|last: char| last.is_ascii_graphic()) {
            let message = "must not be empty, and end with a visible ASCII character";
            return Err(DocumentError::new(format!("store.{field}"), message));
        }
    }
    Ok(())
}

impl UsageFilter {
    /// What meters the endpoint's answer; `None` where no endpoint gave one.
    fn new_meter(&self) -> Option<Meter> {
        let (facts, outcome) = (self.facts.as_ref()?, self.outcome.as_ref()?);
        let candidate = &outcome.candidate;
        let endpoint = self.settings.catalog.endpoint(candidate)?;
        let provider = self.settings.catalog.provider(&endpoint.provider)?;
        let signature = || {
            let (id, model) = (&facts.generation, &candidate.model);
            Signature::new(id, model, &provider.name, facts.operation).of_chunks()
        };
        Some(Meter::new(Metering {
            terms: Terms {
                pricing: endpoint.pricing.clone(),
                fee: candidate.own.map(|_| self.settings.catalog.byok_fee()),
                images: facts.images,
                completes: facts.operation != Operation::Embeddings,
            },
            family: endpoint.family,
            prompt_tokens: prompt_tokens(facts, endpoint),
            usage_chunk: facts.include_usage.then(signature),
        }))
    }
}

/// The likely number of the prompt's tokens, without the margin that choosing an endpoint has. What does not
/// fit there was compressed.
fn prompt_tokens(facts: &Billable, endpoint: &Endpoint) -> u64 {
    let weight = facts.estimate.weight(endpoint.family);
    weight.div_ceil(TOKEN).min(endpoint.context_length)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trace_tests;
