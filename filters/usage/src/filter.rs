//! The filter: meters the response, then writes the record and counts.

use std::rc::Rc;

use meshrouter_core::facts::Carried;
use meshrouter_core::names::{header, metric, property};
use meshrouter_core::{Catalog, Document, DocumentError, Facts, Outcome};
use meshrouter_host::{Direction, Filter, Flow, Host, send_whole};

use crate::meter::Meter;
use crate::record::{Record, number};

/// Counts tokens and cost, and keeps the record of the request.
#[derive(Debug)]
pub struct UsageFilter {
    catalog: Rc<Catalog>,
    facts: Option<Facts>,
    /// Nanoseconds since the epoch.
    started: u64,
    first_byte: Option<u64>,
    outcome: Option<Outcome>,
    body: Body,
    finished: bool,
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
    type Settings = Catalog;

    const NAME: &'static str = "usage";

    fn configure(document: Document) -> Result<Catalog, DocumentError> {
        Catalog::compile(document)
    }

    fn new(catalog: Rc<Catalog>) -> Self {
        Self {
            catalog,
            facts: None,
            started: 0,
            first_byte: None,
            outcome: None,
            body: Body::Other,
            finished: false,
        }
    }

    fn on_request_headers(&mut self, host: &mut impl Host, _end: bool) -> Flow {
        let facts = host.property(&[property::FACTS]);
        self.facts = facts.and_then(|bytes| Facts::decode(&bytes));
        if self.facts.is_some() {
            self.started = host.now();
        }
        Flow::Continue
    }

    fn on_response_headers(&mut self, host: &mut impl Host, end: bool) -> Flow {
        let Some(facts) = &self.facts else {
            return Flow::Continue;
        };
        let outcome = host.header(Direction::Response, header::OUTCOME);
        self.outcome = outcome.and_then(|text| Outcome::parse(&text));
        self.finished = end;
        let status = host.header(Direction::Response, ":status");
        let endpoint = self
            .outcome
            .as_ref()
            .and_then(|o| self.catalog.endpoint(&o.candidate));
        let Some(endpoint) = endpoint.filter(|_| status.as_deref() == Some(b"200")) else {
            return Flow::Continue;
        };
        let meter = Meter::new(endpoint.pricing.clone(), facts.include_usage);
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
                let priced = meter.chunk(&chunk, end);
                if priced != chunk {
                    host.set_body(Direction::Response, &priced);
                }
                Flow::Continue
            }
        }
    }

    fn on_log(&mut self, host: &mut impl Host) {
        let status = host.property(&["response", "code"]);
        let status = status.map_or(0, |bytes| integer(&bytes)).to_string();
        let Some(facts) = &self.facts else {
            host.count(&metric::label(metric::REQUESTS, &[("status", &status)]), 1);
            host.set_property(property::RECORD, b"null");
            return;
        };
        let key = host.property(&[property::KEY]).unwrap_or_default();
        let mut record = Record {
            id: &facts.generation,
            key: &String::from_utf8_lossy(&key),
            app: facts.app.title.as_deref(),
            app_url: facts.app.url.as_deref(),
            model_requested: facts.models.first().map_or("", |choice| &choice.id),
            stream: facts.stream,
            finished: self.finished,
            first_byte_ms: self
                .first_byte
                .map(|at| at.saturating_sub(self.started) / 1_000_000),
            ..Record::default()
        };
        let healing = host.property(&[property::HEALING]);
        let healing = healing
            .as_deref()
            .and_then(|said| std::str::from_utf8(said).ok());
        if let Some(said) = healing {
            record.take_healing(said);
        }
        let mut labels = Vec::with_capacity(4);
        if let Some(outcome) = &self.outcome {
            record.model = Some(&outcome.candidate.model);
            record.provider = Some(outcome.candidate.provider());
            record.byok = outcome.candidate.own.is_some();
            record.attempts = Some(outcome.attempts);
            labels.push(("model", outcome.candidate.model.as_str()));
            labels.push(("provider", outcome.candidate.provider()));
        }
        if let Body::Whole(meter) | Body::Stream(meter) = &self.body {
            count_tokens(host, meter, &labels);
            let usage = meter.usage();
            record.prompt_tokens = usage.map(|usage| usage.prompt_tokens);
            record.cached_tokens = usage.map(|usage| usage.cached_tokens());
            record.completion_tokens = usage.map(|usage| usage.completion_tokens);
            record.reasoning_tokens = usage.map(|usage| usage.reasoning_tokens());
            record.cost = usage.and_then(|_| number(meter.cost()));
        }
        host.set_property(property::RECORD, &record.to_json());
        labels.push(("status", &status));
        host.count(&metric::label(metric::REQUESTS, &labels), 1);
    }
}

/// Counts tokens by type, and the cost.
fn count_tokens(host: &mut impl Host, meter: &Meter, labels: &[(&str, &str)]) {
    let Some(usage) = meter.usage() else {
        return;
    };
    let kinds = [
        ("input", usage.prompt_tokens),
        ("output", usage.completion_tokens),
    ];
    for (kind, tokens) in kinds {
        let labels = [labels, &[("type", kind)]].concat();
        host.count(&metric::label(metric::TOKENS, &labels), tokens);
    }
    host.count(&metric::label(metric::COST, labels), meter.cost().nano());
}

/// An integer property of Envoy: eight bytes, little-endian.
fn integer(bytes: &[u8]) -> i64 {
    bytes.try_into().map_or(0, i64::from_le_bytes)
}

#[cfg(test)]
mod tests;
