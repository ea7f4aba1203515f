//! The end of a request: what it was, cost and took is settled, recorded and counted.

use meshrouter_core::Facts;
use meshrouter_core::names::property;
use meshrouter_core::route::Operation;
use meshrouter_host::Host;

use super::{Body, UsageFilter};
use crate::bill::Bill;
use crate::gate::{Payer, Settlement};
use crate::generation::{Generation, Remembered};
use crate::history;
use crate::metrics::{self, Labels, Times};
use crate::record::Record;

impl UsageFilter {
    /// The stream is over, however it ended.
    pub(super) fn end(&mut self, host: &mut impl Host) {
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
            key_label: self.payer.as_ref().map(Payer::label),
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
