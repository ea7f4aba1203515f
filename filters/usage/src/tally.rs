//! What requests that are over add up to: counters for Prometheus, and the days of endpoints.
//!
//! Each change of a counter or of a shared record is a call of the host, which costs more than what it adds. So a VM
//! adds up and tells it ten times a second at most.

mod entry;

use std::collections::BTreeMap;

use meshrouter_core::Outcome;
use meshrouter_host::{Metrics, SharedData};

pub(crate) use entry::{Entry, Times};

/// How long what is added up waits at least, in nanoseconds; the tick tells it soon after.
const PAUSE: u64 = 100_000_000;

/// What is to be told, by `model@endpoint`; of what no endpoint answered, by an empty name. As many as the document has
/// endpoints: they stay, for what is known of each.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    entries: BTreeMap<String, Entry>,
    waits: bool,
    /// When something was last told, in nanoseconds since the epoch.
    told: Option<u64>,
}

impl Tally {
    /// Where to add a request that ended so.
    pub(crate) fn of(&mut self, outcome: Option<&Outcome>) -> &mut Entry {
        self.waits = true;
        let candidate = outcome.map(|outcome| &outcome.candidate);
        let name = candidate.map_or_else(String::new, |candidate| {
            [candidate.model.as_str(), "@", &candidate.endpoint].concat()
        });
        let entry = self.entries.entry(name);
        entry.or_insert_with(|| Entry::new(candidate))
    }

    /// Tells what waits, unless something was told just now.
    pub(crate) fn tell_in_time(&mut self, host: &mut (impl Metrics + SharedData), now: u64) {
        let is_due = |told: u64| now.saturating_sub(told) >= PAUSE;
        if self.told.is_none_or(is_due) {
            self.told = Some(now);
            self.tell(host);
        }
    }

    /// Tells what waits.
    pub(crate) fn tell(&mut self, host: &mut (impl Metrics + SharedData + ?Sized)) {
        if !std::mem::take(&mut self.waits) {
            return;
        }
        for (name, entry) in &mut self.entries {
            entry.tell_answers(host, name);
        }
        // Last: whoever sees that a request was counted finds all of it.
        for entry in self.entries.values_mut() {
            entry.tell_requests(host);
        }
    }
}

#[cfg(test)]
mod tests;
