//! The filter: meters the response, then writes the record and counts.

use std::rc::Rc;

use meshrouter_core::catalog::Endpoint;
use meshrouter_core::document::Store;
use meshrouter_core::facts::Carried;
use meshrouter_core::names::{header, property};
use meshrouter_core::route::Operation;
use meshrouter_core::tokens::TOKEN;
use meshrouter_core::{Catalog, Document, DocumentError, Facts, Outcome};
use meshrouter_host::{Background, Direction, Filter, Flow, Host, send_whole};
use meshrouter_store::Worker;
use meshrouter_wire::completion::Signature;

use crate::bill::{Bill, Terms};
use crate::gate::{self, Payer, Settlement};
use crate::generation::{Generation, Remembered};
use crate::history;
use crate::meter::{Meter, Metering};
use crate::metrics::{self, Labels, Times};
use crate::record::Record;

/// What the document compiles to.
#[derive(Debug)]
pub struct Settings {
    pub(crate) catalog: Catalog,
    pub(crate) store: Option<Store>,
}

/// Counts tokens and cost, and keeps the record of the request.
#[derive(Debug)]
pub struct UsageFilter {
    settings: Rc<Settings>,
    facts: Option<Facts>,
    /// Nanoseconds since the epoch.
    started: u64,
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
        Ok(Settings {
            store: document.store.take(),
            catalog: Catalog::compile(document)?,
        })
    }

    fn background(settings: &Rc<Settings>) -> Option<Box<dyn Background>> {
        let worker = Worker::new(settings.store.clone()?);
        Some(Box::new(worker))
    }

    fn new(settings: Rc<Settings>) -> Self {
        Self {
            settings,
            facts: None,
            started: 0,
            first_byte: None,
            outcome: None,
            body: Body::Other,
            finished: false,
            payer: None,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let facts = host.property(&[property::FACTS]);
        self.facts = facts.and_then(|bytes| Facts::decode(&bytes));
        let Some(facts) = &self.facts else {
            return Flow::Continue;
        };
        self.started = host.now();
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
        if self.facts.is_none() {
            return Flow::Continue;
        }
        let outcome = host.header(Direction::Response, header::OUTCOME);
        self.outcome = outcome.and_then(|text| Outcome::parse(&text));
        self.finished = end;
        let status = host.header(Direction::Response, ":status");
        let meter = self.meter().filter(|_| status.as_deref() == Some(b"200"));
        let Some(meter) = meter else {
            return Flow::Continue;
        };
        let content_type = host.header(Direction::Response, "content-type");
        if content_type.is_some_and(|value| value.starts_with(b"text/event-stream")) {
            self.body = Body::Stream(meter);
            return Flow::Continue;
        }
        self.body = Body::Whole(meter);
        if end { Flow::Continue } else { Flow::Pause }
    }

    fn on_response_body(&mut self, host: &mut impl Host, end: bool) -> Flow {
        self.finished = end;
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

    fn on_log(&mut self, host: &mut impl Host) {
        let status = integer(host, ["response", "code"]).to_string();
        let cancelled = !self.finished && has_caller_left(host);
        if let Body::Stream(meter) = &mut self.body
            && !self.finished
            && !cancelled
        {
            meter.broke_off();
        }
        let labels = Labels::of(self.outcome.as_ref());
        metrics::request(host, &labels, &status);
        let Some(facts) = &self.facts else {
            host.set_property(property::RECORD, b"null");
            return;
        };
        let key = host.property(&[property::KEY]).unwrap_or_default();
        let key = String::from_utf8_lossy(&key);
        let healing = host.property(&[property::HEALING]);
        let healing = healing.as_deref().map(String::from_utf8_lossy);
        let mut record = self.record(facts, host.now());
        record.key = &key;
        record.cancelled = cancelled;
        if let Some(said) = &healing {
            record.take_healing(said);
        }
        let mut settlement = Settlement {
            now: host.now() / 1_000_000_000,
            model: record.model,
            ..Settlement::default()
        };
        if let Body::Whole(meter) | Body::Stream(meter) = &self.body
            && let Some(bill) = meter.bill()
        {
            record.take_bill(&bill);
            record.finish = meter.finish();
            let times = Times {
                started: self.started,
                first_byte: self.first_byte,
                ended: host.now(),
            };
            metrics::answer(
                host,
                &labels,
                &bill,
                times,
                matches!(self.body, Body::Stream(_)),
            );
            settlement.cost = bill.sum();
            settlement.tokens = bill.tokens();
            self.remember(host, facts, &record, &bill);
        }
        if let Some(payer) = &self.payer {
            payer.settle(host, &settlement);
        }
        host.set_property(property::RECORD, &record.to_json());
    }
}

impl UsageFilter {
    /// What meters the endpoint's answer; `None` where no endpoint gave one.
    fn meter(&self) -> Option<Meter> {
        let (facts, outcome) = (self.facts.as_ref()?, self.outcome.as_ref()?);
        let candidate = &outcome.candidate;
        let endpoint = self.settings.catalog.endpoint(candidate)?;
        let provider = self.settings.catalog.provider(&endpoint.provider)?;
        let signature = Signature::new(
            &facts.generation,
            &candidate.model,
            &provider.name,
            facts.operation,
        );
        Some(Meter::new(Metering {
            terms: Terms {
                pricing: endpoint.pricing.clone(),
                fee: candidate.own.map(|_| self.settings.catalog.byok_fee()),
                images: facts.images,
                completes: facts.operation != Operation::Embeddings,
            },
            family: endpoint.family,
            prompt_tokens: prompt_tokens(facts, endpoint),
            include_usage: facts.include_usage,
            signature: signature.of_chunks(),
        }))
    }

    /// Keeps what may be asked for later.
    fn remember(&self, host: &mut impl Host, facts: &Facts, record: &Record<'_>, bill: &Bill) {
        let now = host.now();
        if let Some(outcome) = &self.outcome {
            history::count(host, &outcome.candidate, bill, now / 1_000_000_000);
        }
        let api_type = match facts.operation {
            Operation::Embeddings => "embeddings",
            _ => "completions",
        };
        let generation = Generation::of(record, api_type, self.started / 1_000_000_000);
        let remembered = self
            .payer
            .as_ref()
            .zip(generation)
            .map(|(payer, data)| Remembered {
                account: payer.id(),
                data,
            });
        if let Some(remembered) = remembered {
            let is_stored = self.settings.store.is_some();
            let at = now / 1_000_000;
            history::remember(host, &remembered, record.id, at, is_stored);
        }
    }

    /// What is known of the request whatever became of it.
    fn record<'a>(&'a self, facts: &'a Facts, now: u64) -> Record<'a> {
        let ms = |at: u64| at.saturating_sub(self.started) / 1_000_000;
        let candidate = self.outcome.as_ref().map(|outcome| &outcome.candidate);
        Record {
            id: &facts.generation,
            app: facts.app.title.as_deref(),
            app_url: facts.app.url.as_deref(),
            model_requested: facts.models.first().map_or("", |choice| &choice.id),
            model: candidate.map(|candidate| candidate.model.as_str()),
            provider: candidate.map(|candidate| candidate.provider()),
            byok: candidate.is_some_and(|candidate| candidate.own.is_some()),
            attempts: self.outcome.as_ref().map(|outcome| outcome.attempts),
            failed: self.outcome.as_ref().map_or(&[], |outcome| &outcome.tried),
            compressed: self
                .outcome
                .as_ref()
                .is_some_and(|outcome| outcome.compressed),
            stream: facts.stream,
            finished: self.finished,
            images: facts.images,
            first_byte_ms: self.first_byte.map(ms),
            latency_ms: ms(now),
            ..Record::default()
        }
    }
}

/// The likely number of the prompt's tokens, without the margin that choosing an endpoint has. What does not
/// fit there was compressed.
fn prompt_tokens(facts: &Facts, endpoint: &Endpoint) -> u64 {
    let weight = facts.estimate.weight(endpoint.family);
    weight.div_ceil(TOKEN).min(endpoint.context_length)
}

/// Envoy's response flags `DC`, `DR` and `DPE`: the caller closed the connection, reset the stream, or broke
/// HTTP's rules.
const CALLER_LEFT: i64 = 1 << 14 | 1 << 28 | 1 << 18;

/// Whether it was the caller who ended the exchange.
fn has_caller_left(host: &impl Host) -> bool {
    integer(host, ["response", "flags"]) & CALLER_LEFT != 0
}

/// An integer property of Envoy: eight bytes, little-endian; 0 without one.
fn integer(host: &impl Host, path: [&str; 2]) -> i64 {
    let bytes = host.property(&path).unwrap_or_default();
    bytes.try_into().map_or(0, i64::from_le_bytes)
}

#[cfg(test)]
mod tests;
