//! What an attempt tells all workers of its endpoint: that it runs, how it went, how fast it was.

use std::rc::Rc;

use meshrouter_core::health::{Board, EndpointHash, Entry};
use meshrouter_core::tokens::Correction;
use meshrouter_host::{Host, SharedData};
use meshrouter_wire::completion::Tokens;

use crate::cause::Cause;
use crate::flights::{Flights, Record};

/// One attempt, as the health records see it. Times are in nanoseconds since the epoch.
#[derive(Debug)]
pub(crate) struct Pulse {
    record: Rc<Record>,
    endpoint: EndpointHash,
    started: u64,
    /// After how many failures in a row an endpoint cools down.
    limit: u32,
    /// Whether it still counts as in flight.
    runs: bool,
    /// What the prompt weighs, where the tokens that the provider reports say how far that is right.
    weight: Option<u64>,
}

impl Pulse {
    /// An attempt begins at the endpoint of this place in the record of this key.
    pub(crate) fn begin(
        flights: &Flights,
        (key, endpoint): (String, EndpointHash),
        started: u64,
        limit: u32,
    ) -> Self {
        let record = flights.record(key);
        record.shift(endpoint, 1);
        Self {
            record,
            limit,
            endpoint,
            started,
            runs: true,
            weight: None,
        }
    }

    /// The prompt goes out as it was weighed.
    pub(crate) fn weighs(&mut self, weight: u64) {
        self.weight = Some(weight);
    }

    /// A stream began: it runs on.
    pub(crate) fn streams(&self, host: &mut impl Host) {
        let now = host.now();
        self.update(host, now, |board, at| {
            let mut entry = board.entry(self.endpoint, at);
            entry.answered();
            entry.latency(self.milliseconds(now));
        });
    }

    /// A whole answer came, of so many tokens.
    pub(crate) fn answered(&mut self, host: &mut impl Host, tokens: Option<Tokens>) {
        self.end(host, tokens, |entry, ms| {
            entry.answered();
            measure(entry, tokens, ms);
        });
    }

    /// A stream is over, of so many tokens; `broken` where the provider broke it off. Whether a cool-down begins.
    pub(crate) fn streamed(
        &mut self,
        host: &mut impl Host,
        tokens: Option<Tokens>,
        broken: bool,
    ) -> bool {
        let limit = self.limit;
        self.end(host, tokens, |entry, ms| {
            if broken {
                entry.failed(limit);
            } else {
                measure(entry, tokens, ms);
            }
        })
    }

    /// The attempt did not answer. `retry_after`: milliseconds for which the provider wants peace. Whether a cool-down
    /// begins.
    pub(crate) fn failed(
        &mut self,
        host: &mut impl Host,
        cause: Cause,
        retry_after: Option<u64>,
    ) -> bool {
        let limit = self.limit;
        self.end(host, None, |entry, _| {
            if cause.blames_endpoint() {
                entry.failed(limit);
            }
            if let Some(ms) = retry_after {
                entry.cool_down(ms);
            }
        })
    }

    /// The attempt is over, whatever happened before.
    pub(crate) fn stop(&mut self) {
        if std::mem::take(&mut self.runs) {
            self.record.shift(self.endpoint, -1);
        }
    }

    /// Ends the attempt once, and says how it went; `say` is told the milliseconds it took. Whether a cool-down begins.
    fn end(
        &mut self,
        host: &mut impl Host,
        tokens: Option<Tokens>,
        say: impl Fn(&mut Entry<'_>, u64),
    ) -> bool {
        if !self.runs {
            return false;
        }
        self.stop();
        let now = host.now();
        let shown = self.weight.zip(tokens);
        let shown = shown.and_then(|(weight, tokens)| Correction::shown(weight, tokens.prompt));
        let mut cools = false;
        self.update(host, now, |board, at| {
            if let Some(shown) = shown {
                board.learn(shown);
            }
            let mut entry = board.entry(self.endpoint, at);
            say(&mut entry, self.milliseconds(now));
            // Done anew where another worker was faster: the last time counts.
            cools = entry.begins_to_cool();
        });
        cools
    }

    fn milliseconds(&self, now: u64) -> u64 {
        now.saturating_sub(self.started) / 1_000_000
    }

    /// Changes the record; the change is told the moment in milliseconds.
    fn update(&self, host: &mut impl Host, now: u64, change: impl FnMut(&mut Board, u64)) {
        self.record.update(host, now / 1_000_000, change);
    }
}

/// What a record has learned of the tokens of its model.
pub(crate) fn learned(host: &impl SharedData, record: &str) -> Correction {
    let (bytes, _) = host.shared(record);
    Board::of(bytes).correction().unwrap_or_default()
}

fn measure(entry: &mut Entry<'_>, tokens: Option<Tokens>, ms: u64) {
    let written = tokens.map(|tokens| tokens.completion);
    if let Some(written) = written.filter(|written| *written > 0) {
        entry.throughput(written, ms);
    }
}
