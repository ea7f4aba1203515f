//! The end of a request: what it was, cost and took is settled, recorded and counted.

use meshrouter_core::facts::Billable;
use meshrouter_core::names::property;
use meshrouter_core::route::Operation;
use meshrouter_core::timestamp::Timestamp;
use meshrouter_host::Host;

use super::{Body, UsageFilter};
use crate::bill::Bill;
use crate::gate::{Payer, Settlement};
use crate::history::Generation;
use crate::meter::Meter;
use crate::record::Record;
use crate::span;
use crate::tally::Times;

impl UsageFilter {
    /// The stream is over, however it ended.
    pub(super) fn end(&mut self, host: &mut impl Host) {
        let now = host.now();
        // Only a 200 is metered. Of all that a host tells, what Envoy says of a response takes it the longest.
        let status = match self.finished && self.meter().is_some() {
            true => 200,
            false => integer(host, ["response", "code"]),
        };
        let cancelled = !self.finished && has_caller_left(host);
        if let Body::Stream(meter) = &mut self.body
            && !self.finished
            && !cancelled
        {
            meter.broke_off();
        }
        let bill = self.bill();
        self.count(host, status, bill.as_ref(), now);
        let Some(facts) = &self.facts else {
            host.set_property(property::RECORD, b"null");
            return;
        };
        let said = facts.heals.then(|| host.property(&[property::HEALING]));
        let healing = said.as_ref().and_then(Option::as_deref);
        let healing = healing.map(String::from_utf8_lossy);
        let mut record = self.record(facts, now);
        record.cancelled = cancelled;
        if let Some(said) = &healing {
            record.take_healing(said);
        }
        let mut settlement = Settlement {
            now: now / 1_000_000_000,
            model: record.model,
            ..Settlement::default()
        };
        if let Some(bill) = bill {
            record.take_bill(&bill);
            record.finish = self.meter().and_then(Meter::finish);
            settlement.cost = bill.sum();
            settlement.tokens = bill.tokens();
        }
        let json = record.to_json();
        if let Some(payer) = &self.payer {
            payer.settle(host, &settlement);
            if bill.is_some() {
                self.remember(host, (facts, payer), &json, now);
            }
        }
        host.set_property(property::RECORD, &json);
    }

    /// The answer has come to its end, and its span with it.
    pub(super) fn trace_end(&self, host: &mut impl Host) {
        if let Some(meter) = self.meter() {
            span::ends(host, meter.bill().as_ref(), meter.finish());
        }
    }

    /// What metered the answer, where there was one.
    fn meter(&self) -> Option<&Meter> {
        match &self.body {
            Body::Whole(meter) | Body::Stream(meter) => Some(meter),
            Body::Other => None,
        }
    }

    /// What is to be paid.
    fn bill(&self) -> Option<Bill> {
        self.meter().and_then(Meter::bill)
    }

    /// Adds the request to what this VM counts.
    fn count(&self, host: &mut impl Host, status: i64, bill: Option<&Bill>, now: u64) {
        let outcome = self.outcome.as_ref();
        let is_stream = matches!(self.body, Body::Stream(_));
        self.settings.tally(|tally| {
            let entry = tally.of(outcome);
            entry.request(status);
            if let Some(bill) = bill {
                let fell_back = outcome.is_some_and(|outcome| outcome.attempts > 1);
                let times = Times {
                    started: self.facts.as_ref().map_or(0, |facts| facts.started),
                    first_byte: self.first_byte.filter(|_| is_stream),
                    ended: now,
                };
                entry.answer(host, bill, fell_back, times);
            }
            tally.tell_in_time(host, now);
        });
    }

    /// Keeps what may be asked for later.
    fn remember(
        &self,
        host: &mut impl Host,
        (facts, payer): (&Billable, &Payer),
        record: &[u8],
        now: u64,
    ) {
        let generation = Generation {
            id: &facts.generation,
            account: payer.id(),
            api_type: match facts.operation {
                Operation::Embeddings => "embeddings",
                _ => "completions",
            },
            created: Timestamp::from_seconds(facts.started / 1_000_000_000),
            record,
        };
        let is_stored = self.settings.store.is_some();
        generation.remember(host, now / 1_000_000, is_stored);
    }

    /// What is known of the request whatever became of it.
    fn record<'a>(&'a self, facts: &'a Billable, now: u64) -> Record<'a> {
        let ms = |at: u64| at.saturating_sub(facts.started) / 1_000_000;
        let candidate = self.outcome.as_ref().map(|outcome| &outcome.candidate);
        Record {
            id: &facts.generation,
            key: &facts.key,
            key_label: self.payer.as_ref().map(Payer::label),
            app: facts.app.title.as_deref(),
            app_url: facts.app.url.as_deref(),
            model_requested: facts.models.first().map_or("", |choice| &choice.id),
            model: candidate.map(|candidate| candidate.model.as_str()),
            provider: candidate.map(|candidate| candidate.provider()),
            byok: candidate.is_some_and(|candidate| candidate.own.is_some()),
            attempts: self
                .outcome
                .as_ref()
                .and_then(|outcome| outcome.attempts.try_into().ok()),
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
