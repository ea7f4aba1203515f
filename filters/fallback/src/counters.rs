//! How attempts are counted: added up in the VM and told by the tick, because each change of a counter is a call of the
//! host.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use meshrouter_core::Catalog;
use meshrouter_core::names::metric;
use meshrouter_host::Metrics;

use crate::cause::Verdict;

/// The counters of one provider's attempts.
#[derive(Debug)]
pub(crate) struct Counters {
    answered: Counter,
    failed: Counter,
    refused: Counter,
    /// Of attempts of which nobody wanted to know any more how they went.
    pub(crate) cancelled: Counter,
}

impl Counters {
    fn new(provider: &str) -> Self {
        let counter = |verdict| Counter::new(&[("provider", provider), ("verdict", verdict)]);
        Self {
            answered: counter(Verdict::Answered.name()),
            failed: counter(Verdict::TryNext.name()),
            refused: counter(Verdict::Final.name()),
            cancelled: counter("cancelled"),
        }
    }

    /// Those of all providers, by their slugs.
    pub(crate) fn of_all(catalog: &Catalog) -> BTreeMap<String, Rc<Self>> {
        let providers = catalog.providers();
        providers
            .map(|(slug, _)| (slug.to_owned(), Rc::new(Self::new(slug))))
            .collect()
    }

    /// Where attempts are counted that ended so.
    pub(crate) fn of(&self, verdict: Verdict) -> &Counter {
        match verdict {
            Verdict::Answered => &self.answered,
            Verdict::TryNext => &self.failed,
            Verdict::Final => &self.refused,
        }
    }

    /// Tells what was counted since the last time.
    pub(crate) fn tell(&self, host: &mut (impl Metrics + ?Sized)) {
        for counter in [&self.answered, &self.failed, &self.refused, &self.cancelled] {
            counter.tell(host);
        }
    }
}

/// A counter, and what the host has not been told of it.
#[derive(Debug)]
pub(crate) struct Counter {
    name: String,
    waits: Cell<u64>,
}

impl Counter {
    fn new(labels: &[(&str, &str)]) -> Self {
        Self {
            name: metric::label(metric::ATTEMPTS, labels),
            waits: Cell::new(0),
        }
    }

    /// Counts one more.
    pub(crate) fn add(&self) {
        self.waits.set(self.waits.get().saturating_add(1));
    }

    fn tell(&self, host: &mut (impl Metrics + ?Sized)) {
        let waits = self.waits.take();
        if waits > 0 {
            host.count(&self.name, waits);
        }
    }
}
