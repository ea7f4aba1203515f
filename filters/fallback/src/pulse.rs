//! What an attempt tells all workers of its endpoint: that it runs, how it went, how fast it was.

use meshrouter_core::health::{Board, EndpointHash, Entry};
use meshrouter_core::tokens::Correction;
use meshrouter_host::{Host, update_shared};
use meshrouter_wire::completion::Tokens;

use crate::cause::Cause;

/// One attempt, as the health records see it. Times are in nanoseconds since the epoch.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// The record's key.
    key: String,
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
    /// An attempt begins at the endpoint of this place in the record of this key. Returns what was learned of
    /// the model's tokens, too.
    pub(crate) fn begin(
        host: &mut impl Host,
        (key, endpoint): (String, EndpointHash),
        started: u64,
        limit: u32,
    ) -> (Self, Correction) {
        let pulse = Self {
            limit,
            key,
            endpoint,
            started,
            runs: true,
            weight: None,
        };
        let mut learned = None;
        pulse.update(host, pulse.started, |board, now| {
            learned = board.correction();
            board.entry(pulse.endpoint, now).begin();
        });
        (pulse, learned.unwrap_or_default())
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

    /// A stream is over, of so many tokens; `broken` where the provider broke it off.
    pub(crate) fn streamed(&mut self, host: &mut impl Host, tokens: Option<Tokens>, broken: bool) {
        let limit = self.limit;
        self.end(host, tokens, |entry, ms| {
            if broken {
                entry.failed(limit);
            } else {
                measure(entry, tokens, ms);
            }
        });
    }

    /// The attempt did not answer. `retry_after`: milliseconds for which the provider wants peace.
    pub(crate) fn failed(&mut self, host: &mut impl Host, cause: Cause, retry_after: Option<u64>) {
        let limit = self.limit;
        self.end(host, None, |entry, _| {
            if cause.blames_endpoint() {
                entry.failed(limit);
            }
            if let Some(ms) = retry_after {
                entry.cool_down(ms);
            }
        });
    }

    /// The attempt is over, whatever happened before.
    pub(crate) fn stop(&mut self, host: &mut impl Host) {
        self.end(host, None, |_, _| {});
    }

    /// Ends the attempt once, with what else there is to say; `say` is told the milliseconds it took.
    fn end(
        &mut self,
        host: &mut impl Host,
        tokens: Option<Tokens>,
        say: impl Fn(&mut Entry<'_>, u64),
    ) {
        if !std::mem::take(&mut self.runs) {
            return;
        }
        let now = host.now();
        let shown = self.weight.zip(tokens);
        let shown = shown.and_then(|(weight, tokens)| Correction::shown(weight, tokens.prompt));
        self.update(host, now, |board, at| {
            if let Some(shown) = shown {
                board.learn(shown);
            }
            let mut entry = board.entry(self.endpoint, at);
            entry.end();
            say(&mut entry, self.milliseconds(now));
        });
    }

    fn milliseconds(&self, now: u64) -> u64 {
        now.saturating_sub(self.started) / 1_000_000
    }

    /// Changes the record; the change is told the moment in milliseconds.
    fn update(&self, host: &mut impl Host, now: u64, mut change: impl FnMut(&mut Board, u64)) {
        update_shared(host, &self.key, |bytes| {
            let mut board = Board::of(bytes);
            change(&mut board, now / 1_000_000);
            board.into_bytes()
        });
    }
}

fn measure(entry: &mut Entry<'_>, tokens: Option<Tokens>, ms: u64) {
    let written = tokens.map(|tokens| tokens.completion);
    if let Some(written) = written.filter(|written| *written > 0) {
        entry.throughput(written, ms);
    }
}
